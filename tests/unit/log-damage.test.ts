import { describe, expect, it } from 'vitest';
import { err, unwrap } from '../../src/lib/kernel/result.ts';
import type { Store, StoredSegment } from '../../src/lib/kernel/ports/store.ts';
import { eventsOfSegment, makeSegment } from '../../src/lib/kernel/segment.ts';
import { createEventLog } from '../../src/lib/log/event-log.ts';
import { createMemoryDisk, createMemoryStore } from '../../src/lib/stores/memory-store.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import {
  everythingOf,
  idsOf,
  makeStreet,
  openLog,
  platformCrypto,
  say,
  todayLane,
  type Person,
} from './street-fixture.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { todayMs } from './street-fixture.ts';

/** One flipped bit in the middle of every segment of a lane. */
const flipped = (segment: StoredSegment): StoredSegment => {
  const bytes = segment.bytes.slice();
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  return { ...segment, bytes };
};

const reopen = async (
  owner: Person,
  community: Uint8Array<ArrayBuffer>,
  disk: ReturnType<typeof createMemoryDisk>,
  harm: (segment: StoredSegment) => StoredSegment,
) => {
  const inner = createMemoryStore({ disk });
  const store: Store = { ...inner, segments: async () => (await inner.segments()).map(harm) };
  const deps = {
    crypto: platformCrypto,
    clock: createVirtualClock(todayMs),
    random: seededRandom('reopened'),
    signing: owner.keys.signing,
  };
  const log = createEventLog({ ...deps, store, community });
  await log.load();
  return log;
};

describe('a disk that has lost a bit', () => {
  it('costs the rest of that lane, which is told, and comes back by sync', async () => {
    const street = await makeStreet('anna', 'bora');
    const [anna, bora] = street.people;
    if (!anna || !bora) throw new Error('nobody lives here');
    const atBora = await street.move(bora);
    for (const text of ['one', 'two']) unwrap(await say(atBora.log, text));
    const atAnna = await street.move(anna);
    unwrap(await atAnna.log.receive(everythingOf(atBora.log), 'bora'));
    const log = await reopen(anna, street.community, atAnna.disk, (segment) =>
      segment.author === bora.device ? flipped(segment) : segment,
    );
    expect(log.damages()).toEqual([{ author: bora.device, lane: todayLane, from: 0, to: 1 }]);
    expect(log.next(bora.device, todayLane)).toBe(0);
    unwrap(await log.receive(everythingOf(atBora.log), 'bora'));
    expect(idsOf(log)).toEqual(idsOf(atBora.log));
  });

  it('is told, too, where a segment is sound and its ids are none of events', async () => {
    const street = await makeStreet('anna');
    const { founderPerson: anna } = street;
    const first = await street.move(anna);
    for (const text of ['one', 'two']) unwrap(await say(first.log, text));
    const log = await reopen(anna, street.community, first.disk, (segment) =>
      segment.lane === todayLane
        ? makeSegment(
            eventsOfSegment(segment).map((event) => ({ ...event, id: `number-${event.seq}` })),
            () => undefined,
          )
        : segment,
    );
    expect(log.damages()).toMatchObject([{ author: anna.device, lane: todayLane, from: 0 }]);
    expect(log.next(anna.device, todayLane)).toBe(0);
  });

  it('never makes anna sign a second event at a place of her own that was lost', async () => {
    const street = await makeStreet('anna');
    const { founderPerson: anna } = street;
    const first = await street.move(anna);
    for (const text of ['one', 'two']) unwrap(await say(first.log, text));
    const log = await reopen(anna, street.community, first.disk, (segment) =>
      segment.lane === todayLane ? flipped(segment) : segment,
    );
    expect(await say(log, 'three')).toEqual(err('damaged'));
    unwrap(await log.receive(everythingOf(first.log), 'bora'));
    expect(unwrap(await say(log, 'three')).event.header.seq).toBe(2);
  });

  it('is noticed at every byte of a segment', async () => {
    const street = await makeStreet('anna');
    const { log, store } = await openLog(street.founderPerson, street.community);
    unwrap(await log.receive(everythingOf(street.founder.log), 'bora'));
    const [segment] = await store.segments();
    if (!segment) throw new Error('nothing is stored');
    const { isSegmentSound } = await import('../../src/lib/kernel/segment.ts');
    expect(isSegmentSound(segment)).toBe(true);
    for (let at = 0; at < segment.bytes.length; at++) {
      const bytes = segment.bytes.slice();
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
      expect(isSegmentSound({ ...segment, bytes })).toBe(false);
    }
    const ends = segment.ends.slice();
    ends[1] = (ends[1] ?? 0) + 1;
    expect(
      [
        { ...segment, ends },
        { ...segment, digest: null },
        { ...segment, bare: [0] },
        { ...segment, to: segment.to + 1 },
      ].map(isSegmentSound),
    ).toEqual([false, false, false, false]);
  });
});
