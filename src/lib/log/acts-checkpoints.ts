import type { CheckpointBody } from './checkpoint.ts';
import { authOf, done, type Written } from './acts.ts';
import type { Neighbourhood } from './neighbourhood.ts';

/** Says what a closed month came to. Whoever trusted says the same confirms it, in an event of their own. */
export const writeCheckpoint = async (here: Neighbourhood, body: CheckpointBody): Promise<Written> =>
  done(await here.log.append('community.checkpoint', { auth: authOf(here), ...body }));
