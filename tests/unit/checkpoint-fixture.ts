import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { concatBytes } from '../../src/lib/kernel/ids.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createPeopleActs } from '../../src/lib/log/acts-people.ts';
import { kinds } from '../../src/lib/log/kinds.ts';
import type { Neighbourhood } from '../../src/lib/log/neighbourhood.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { forgeEvent, makeStreet, type Person } from './street-fixture.ts';

/** Long after the month of `todayLane` is over. */
export const julyMs = Date.UTC(2026, 6, 10, 9);

/** anna founds, trusts bora, and lets chen in, all in June. */
export const makeCheckpointStreet = async () => {
  const street = await makeStreet('anna', 'bora', 'chen');
  const [anna, bora, chen] = street.people as [Person, Person, Person];
  const acts = createPeopleActs({ random: seededRandom('trust'), device: anna.keys });
  unwrap(await acts.promote(street.founder.here, bora.person, 'trusted'));
  return { ...street, anna, bora, chen };
};

/** A checkpoint exactly as given, whether or not it makes sense, at the next place of its author's authority lane. */
export const checkpointAt = (owner: Person, { log, membership }: Neighbourhood, body: Cbor, atMs: number) =>
  forgeEvent(
    owner.keys.signing,
    {
      community: log.community,
      lane: 0,
      seq: log.next(owner.device, 0),
      hlc: hlcFromMs(atMs),
      kind: kinds['community.checkpoint'].number,
    },
    concatBytes(new Uint8Array(16), encodeCbor({ auth: [...membership().authorityHeads], ...(body as object) })),
  );
