import type { Failure } from '../kernel/errors.ts';
import { t, textOrNull } from './index.svelte.ts';

/**
 * What happened and what to do, for the person whose call was refused. A reason with a sentence of its own
 * (`failure.reason.<reason>`) wins over the sentence of its code; neither code nor reason is ever shown here.
 */
export const explain = (failure: Pick<Failure, 'code' | 'reason'>): string =>
  explainReason(failure.reason) ?? textOrNull(`failure.${failure.code}`) ?? t('failure.internal');

/** The sentence of a reason that came without a code (node.info's pendingReason); null when it has none. */
export const explainReason = (reason: string): string | null => textOrNull(`failure.reason.${reason}`);

/** The other sentence of a code: what it means on this device that it refused, or failed, somebody else. */
export const explainRemote = (code: string): string =>
  textOrNull(`failure.${code}.remote`) ?? t('failure.internal.remote');
