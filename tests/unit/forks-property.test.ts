import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { makeProof } from '../../src/lib/log/fork.ts';
import { admitAt, diskOf, digestOf, imageOf, pinAt, sayAt, type Signed } from './forks-fixture.ts';
import { makePerson, makeStreet, openLog, type Person } from './street-fixture.ts';

const street = await makeStreet('anna', 'bora', 'chen', 'dora');
const [anna, bora, chen, dora] = street.people as [Person, Person, Person, Person];
const mallory = await makePerson('mallory');
const { community } = street;
const honest = [...street.founder.log.all()].map(({ event, payload }) => ({
  ...event,
  payload: payload as Signed['payload'],
}));

/** What a run of the property is made of: who forks where, who pins what, and in which order everything comes. */
type World = {
  /** Anna's stolen key goes on from here: 0 is the genesis, which nobody can contest; above its length: not stolen. */
  readonly stolenAt: number;
  readonly stolenLength: number;
  readonly isMalloryLetIn: boolean;
  readonly pins: readonly { readonly by: number; readonly count: number; readonly isEvil: boolean }[];
  readonly monthTwins: readonly { readonly by: number; readonly at: number }[];
  readonly pinTwins: readonly number[];
};

const worlds: fc.Arbitrary<World> = fc.record({
  stolenAt: fc.integer({ min: 0, max: 6 }),
  stolenLength: fc.integer({ min: 1, max: 4 }),
  isMalloryLetIn: fc.boolean(),
  pins: fc.array(
    fc.record({ by: fc.integer({ min: 0, max: 3 }), count: fc.integer({ min: 1, max: 9 }), isEvil: fc.boolean() }),
    { maxLength: 6 },
  ),
  monthTwins: fc.array(fc.record({ by: fc.integer({ min: 0, max: 3 }), at: fc.integer({ min: 0, max: 3 }) }), {
    maxLength: 3,
  }),
  pinTwins: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
});

const build = async (world: World): Promise<Signed[]> => {
  const all: Signed[] = [...honest];
  const evil: Signed[] = [];
  if (world.stolenAt < honest.length) {
    for (let at = 0; at < world.stolenLength; at++) {
      const seq = world.stolenAt + at;
      evil.push(
        at === 0 && world.isMalloryLetIn
          ? await admitAt(anna, community, seq, mallory)
          : await pinAt(anna, community, seq, [], `stolen ${at}`),
      );
    }
    all.push(...evil);
  }
  const branches = { false: honest, true: [...honest.slice(0, world.stolenAt), ...evil] };
  const writers = [bora, chen, dora, mallory];
  const nextByWriter = new Map<Person, number>();
  for (const { by, count, isEvil } of world.pins) {
    const writer = writers[by] ?? bora;
    const seq = nextByWriter.get(writer) ?? 0;
    nextByWriter.set(writer, seq + 1);
    all.push(await pinAt(writer, community, seq, [digestOf(branches[`${isEvil}`].slice(0, count))]));
  }
  for (const by of world.pinTwins) all.push(await pinAt(writers[by] ?? bora, community, 0, [], 'twin'));
  for (const writer of writers)
    for (let seq = 0; seq < 4; seq++) all.push(await sayAt(writer, community, seq, `${writer.name} ${seq}`));
  for (const [at, twin] of world.monthTwins.entries())
    all.push(await sayAt(writers[twin.by] ?? bora, community, twin.at, `twin ${at}`));
  return all;
};

/** A node that hears everything again and again, each time in another order and in other portions, until nothing changes. */
const hear = async (events: readonly Signed[], seed: number, hearsProofsFirst: boolean) => {
  const { log, disk } = await openLog(chen, community);
  let state = seed;
  const below = (most: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % most;
  };
  const twinsOf = (event: Signed) =>
    events.filter(
      (each) =>
        each.id !== event.id &&
        each.author === event.author &&
        each.header.lane === event.header.lane &&
        each.header.seq === event.header.seq,
    );
  const proofs = events.flatMap((event) => twinsOf(event).map((twin) => makeProof(event, twin).bytes));
  let before = '';
  for (let round = 0; round < 12; round++) {
    if (hearsProofsFirst) for (const proof of proofs) await log.receiveProof(proof, 'bora');
    const order = events.map((event) => ({ event, at: below(1_000_000) })).toSorted((a, b) => a.at - b.at);
    for (let at = 0; at < order.length;) {
      const portion = order.slice(at, at + 1 + below(7));
      at += portion.length;
      const incoming = portion.map(({ event: { envelope, payload } }) => ({ envelope, payload }));
      unwrap(await log.receive(incoming, 'bora'));
    }
    // A proof brings events without their payloads, which are asked for as any missing payload.
    unwrap(await log.receivePayloads(events, 'bora'));
    const now = JSON.stringify([imageOf(log), diskOf(disk)]);
    if (now === before) return { image: imageOf(log), onDisk: diskOf(disk), rounds: round };
    before = now;
  }
  throw new Error('it never came to rest');
};

describe('the log, whoever forks', () => {
  it('holds the same events and forks for every order of arrival, every portion and every time a proof comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        worlds,
        fc.integer({ min: 1 }),
        fc.integer({ min: 1 }),
        fc.boolean(),
        async (world, a, b, isFirst) => {
          const events = await build(world);
          const [one, other] = [await hear(events, a, isFirst), await hear(events, b, false)];
          expect(one.image).toEqual(other.image);
          expect(one.onDisk).toEqual(other.onDisk);
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);
});
