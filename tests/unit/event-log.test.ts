import { describe, expect, it } from 'vitest';
import { hlcFromMs, hlcToMs } from '../../src/lib/kernel/hlc.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createMemoryDisk, isSimulatedCrash } from '../../src/lib/stores/memory-store.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { settle } from './link-fixture.ts';
import {
  countStored,
  everythingOf,
  forgeEvent,
  hashOf,
  idsOf,
  makePerson,
  makeStreet,
  openLog,
  say,
  todayLane,
  todayMs,
} from './street-fixture.ts';

const annaAndBora = async () => {
  const street = await makeStreet('anna', 'bora');
  const [anna, bora] = street.people;
  if (!anna || !bora) throw new Error('nobody lives here');
  return { street, anna, bora, atAnna: await street.move(anna), atBora: await street.move(bora) };
};
const asIncoming = (events: readonly { envelope: Uint8Array; payload: Uint8Array | null }[]) =>
  events.map(({ envelope, payload }) => ({ envelope, payload }));

describe('the event log', () => {
  it('takes in what a neighbour wrote, and the same again changes nothing', async () => {
    const { atAnna, atBora } = await annaAndBora();
    unwrap(await say(atBora.log, 'Hello'));
    const first = unwrap(await atAnna.log.receive(everythingOf(atBora.log), 'bora'));
    expect([first.ready.length, first.refused]).toEqual([1, []]);
    const again = unwrap(await atAnna.log.receive(everythingOf(atBora.log), 'bora'));
    expect([again.ready.length, again.known]).toEqual([0, atBora.log.size]);
    expect(idsOf(atAnna.log)).toEqual(idsOf(atBora.log));
    expect(atAnna.log.heads()).toEqual(expect.arrayContaining(atBora.log.heads()));
  });

  it('keeps an event that is early until what lies before it has come', async () => {
    const { atAnna, atBora } = await annaAndBora();
    const written = [];
    for (const text of ['one', 'two', 'three']) written.push(unwrap(await say(atBora.log, text)));
    const [one, two, three] = written.map(({ event, payload }) => ({ envelope: event.envelope, payload }));
    if (!one || !two || !three) throw new Error('nothing was written');
    expect(unwrap(await atAnna.log.receive([three], 'bora'))).toMatchObject({ ready: [], waiting: 1 });
    expect(unwrap(await atAnna.log.receive([two], 'bora'))).toMatchObject({ ready: [], waiting: 1 });
    expect(atAnna.log.waitingCounts()).toEqual({ orphans: 2, parked: 0 });
    expect(unwrap(await atAnna.log.receive([one], 'bora')).ready.map(({ event }) => event.header.seq)).toEqual([
      0, 1, 2,
    ]);
    expect(atAnna.log.waitingCounts()).toEqual({ orphans: 0, parked: 0 });
  });

  it('parks an author nobody has named yet, and takes the events in when the admission comes', async () => {
    const street = await makeStreet('anna', 'bora');
    const [anna, bora] = street.people;
    if (!anna || !bora) throw new Error('nobody lives here');
    const atBora = await street.move(bora);
    unwrap(await say(atBora.log, 'Hello'));
    const { log } = await openLog(anna, street.community);
    const all = everythingOf(atBora.log);
    const [genesis] = all;
    const message = all.at(-1);
    if (!genesis || !message) throw new Error('nothing was written');
    expect(unwrap(await log.receive([genesis, message], 'bora'))).toMatchObject({ waiting: 1, refused: [] });
    expect(log.waitingCounts().parked).toBe(1);
    unwrap(await log.receive(all, 'bora'));
    expect(idsOf(log)).toEqual(idsOf(atBora.log));
    expect(log.waitingCounts()).toEqual({ orphans: 0, parked: 0 });
  });

  it('takes parked events in also when only the payload of the admission was missing', async () => {
    const { street, atBora } = await annaAndBora();
    unwrap(await say(atBora.log, 'Hello'));
    const [anna] = street.people;
    if (!anna) throw new Error('nobody lives here');
    const { log } = await openLog(anna, street.community);
    const all = everythingOf(atBora.log);
    unwrap(
      await log.receive(
        all.map(({ envelope }) => ({ envelope, payload: null })),
        'bora',
      ),
    );
    expect(log.waitingCounts().parked).toBe(1);
    const payloads = [...atBora.log.all()].flatMap(({ event, payload }) =>
      payload ? [{ id: event.id, payload }] : [],
    );
    unwrap(await log.receivePayloads(payloads, 'bora'));
    await settle();
    await log.settled();
    expect(idsOf(log)).toEqual(idsOf(atBora.log));
  });

  it('keeps neither of two events at one place, whether they come in one batch or one after another', async () => {
    const { street, atAnna, bora } = await annaAndBora();
    const [one, other] = [
      await forgeEvent(bora.keys.signing, { community: street.community }, hashOf('1')),
      await forgeEvent(bora.keys.signing, { community: street.community }, hashOf('2')),
    ];
    expect(unwrap(await atAnna.log.receive(asIncoming([one, other]), 'bora'))).toMatchObject({
      refused: [{ reason: 'fork', id: other.id }],
    });
    expect(atAnna.log.slice(bora.device, todayLane, 0, 9)).toEqual([]);
    expect(unwrap(await atAnna.log.receive(asIncoming([other, one]), 'bora'))).toMatchObject({ ready: [], known: 0 });
    expect(atAnna.log.slice(bora.device, todayLane, 0, 9)).toEqual([]);
    expect(atAnna.log.forks()).toMatchObject([{ device: bora.device, lane: todayLane, seq: 0, standsUpTo: null }]);
    expect(atAnna.log.refusals().get('fork')).toBe(1);
  });

  it('stores the event without a payload that does not belong to it, and takes the right one later', async () => {
    const { street, atAnna, bora } = await annaAndBora();
    const event = await forgeEvent(bora.keys.signing, { community: street.community });
    const taken = unwrap(await atAnna.log.receive([{ envelope: event.envelope, payload: hashOf('swapped') }], 'bora'));
    expect(taken.refused).toEqual([{ reason: 'payload-hash', id: event.id }]);
    expect(atAnna.log.byId(event.id)?.payload).toBeNull();
    expect(atAnna.log.missingPayloads(9)).toEqual([event.id]);
    expect(unwrap(await atAnna.log.receivePayloads([{ id: event.id, payload: hashOf('swapped') }], 'bora'))).toBe(0);
    expect(unwrap(await atAnna.log.receivePayloads([{ id: event.id, payload: event.payload }], 'bora'))).toBe(1);
    expect(atAnna.log.byId(event.id)?.payload).toEqual(event.payload);
    expect(unwrap(await atAnna.log.receivePayloads([{ id: 'unknown', payload: event.payload }], 'bora'))).toBe(0);
  });

  it('leaves nothing of what the disk has no room for, and takes it when there is room', async () => {
    const street = await makeStreet('anna', 'bora');
    const [anna, bora] = street.people;
    if (!anna || !bora) throw new Error('nobody lives here');
    let isFull = false;
    const atAnna = await street.move(anna, { beforeCommit: () => (isFull ? 'quota-full' : null) });
    const before = [idsOf(atAnna.log), countStored(atAnna.disk)];
    const heard: number[] = [];
    atAnna.log.onStored(({ entries }) => heard.push(entries.length));
    isFull = true;
    const event = await forgeEvent(bora.keys.signing, { community: street.community });
    expect(await say(atAnna.log, 'Hello')).toEqual({ ok: false, error: 'quota-full' });
    expect(await atAnna.log.receive(asIncoming([event]), 'bora')).toEqual({ ok: false, error: 'quota-full' });
    expect([idsOf(atAnna.log), countStored(atAnna.disk)]).toEqual(before);
    expect(heard).toEqual([]);
    isFull = false;
    expect(unwrap(await say(atAnna.log, 'Hello')).event.header.seq).toBe(0);
    expect(unwrap(await atAnna.log.receive(asIncoming([event]), 'bora')).ready).toHaveLength(1);
  });

  it('admits nobody, and lets nobody out of the waiting room, when the disk has no room for the admission', async () => {
    const street = await makeStreet('anna', 'bora');
    const [anna, bora] = street.people;
    if (!anna || !bora) throw new Error('nobody lives here');
    const atBora = await street.move(bora);
    unwrap(await say(atBora.log, 'Hello'));
    let isFull = false;
    const { log } = await openLog(anna, street.community, { beforeCommit: () => (isFull ? 'quota-full' : null) });
    const all = everythingOf(atBora.log);
    unwrap(await log.receive([...all.slice(0, 1), ...all.slice(-1)], 'bora'));
    isFull = true;
    expect(await log.receive(all, 'bora')).toEqual({ ok: false, error: 'quota-full' });
    expect([log.isAdmitted(bora.device), log.waitingCounts()]).toEqual([false, { orphans: 0, parked: 1 }]);
    isFull = false;
    unwrap(await log.receive(all.slice(0, -1), 'bora'));
    expect(idsOf(log)).toEqual(idsOf(atBora.log));
    expect(log.waitingCounts()).toEqual({ orphans: 0, parked: 0 });
  });

  it('orders appends of one millisecond, also when they are asked for at once', async () => {
    const { atAnna } = await annaAndBora();
    const written = await Promise.all(['one', 'two', 'three'].map((text) => say(atAnna.log, text)));
    const headers = written.map((each) => unwrap(each).event.header);
    expect(headers.map(({ seq }) => seq)).toEqual([0, 1, 2]);
    expect(headers.map(({ hlc }) => hlc - (headers[0]?.hlc ?? 0))).toEqual([0, 1, 2]);
  });

  it('goes on in order after its clock was set back, and in the lane of the month after it went on', async () => {
    const street = await makeStreet('anna');
    const disk = createMemoryDisk();
    const clock = createVirtualClock(todayMs);
    const first = await street.move(street.founderPerson, { disk, clock });
    const before = unwrap(await say(first.log, 'now')).event.header;
    const back = await openLog(street.founderPerson, street.community, {
      disk,
      clock: createVirtualClock(todayMs - 3_600_000),
    });
    const after = unwrap(await say(back.log, 'an hour earlier')).event.header;
    expect([after.seq, after.hlc]).toEqual([1, before.hlc + 1]);
    const later = await openLog(street.founderPerson, street.community, {
      disk,
      clock: createVirtualClock(Date.UTC(2026, 6, 1)),
    });
    expect(unwrap(await say(later.log, 'next month')).event.header).toMatchObject({
      lane: todayLane + 1,
      seq: 0,
      hlc: hlcFromMs(Date.UTC(2026, 6, 1)),
    });
  });

  it('comes back whole after a crash at any commit: what was told is there, what was not told may be', async () => {
    for (let crashAt = 1; crashAt <= 4; crashAt++) {
      for (const fault of ['crash', 'crash-after', 'power-cut'] as const) {
        const street = await makeStreet('anna');
        const disk = createMemoryDisk();
        const living = await street.move(street.founderPerson, {
          disk,
          beforeCommit: (n) => (n === crashAt + 1 ? fault : null),
        });
        const told: string[] = [];
        try {
          for (const text of ['one', 'two', 'three']) told.push(unwrap(await say(living.log, text)).event.id);
        } catch (error) {
          if (!isSimulatedCrash(error)) throw error;
        }
        const { log } = await openLog(street.founderPerson, street.community, { disk });
        const kept = log.slice(street.founderPerson.device, todayLane, 0, 9).map(({ event }) => event.id);
        expect(kept.slice(0, told.length)).toEqual(told);
        expect(kept.length - told.length).toBeLessThanOrEqual(1);
        expect(log.missingPayloads(9)).toEqual([]);
        expect(unwrap(await say(log, 'after the crash')).event.header.seq).toBe(kept.length);
      }
    }
  });

  it('knows only the events of its own community after a restart', async () => {
    const [street, other] = [await makeStreet('anna', 'bora'), await makeStreet('chen', 'anna')];
    const [anna] = street.people;
    if (!anna) throw new Error('nobody lives here');
    const disk = createMemoryDisk();
    const once = await openLog(anna, other.community, { disk });
    unwrap(await once.log.receive(everythingOf(other.founder.log), 'chen'));
    const { log } = await openLog(anna, street.community, { disk });
    expect(log.size).toBe(0);
    unwrap(await log.receive(everythingOf(street.founder.log), 'bora'));
    expect(idsOf(log)).toEqual(idsOf(street.founder.log));
  });

  it('bounds who waits: orphans for each author, and strangers in all', async () => {
    const { street, atAnna, bora } = await annaAndBora();
    const early = [];
    for (let seq = 1; seq <= limits.orphansPerAuthorMax + 5; seq++)
      early.push(
        await forgeEvent(bora.keys.signing, { community: street.community, seq, hlc: hlcFromMs(todayMs) + seq }),
      );
    const taken = unwrap(await atAnna.log.receive(asIncoming(early), 'bora'));
    expect(taken.refused.map(({ reason }) => reason)).toEqual(Array.from({ length: 5 }, () => 'waiting-room-full'));
    expect(atAnna.log.waitingCounts().orphans).toBe(limits.orphansPerAuthorMax);
    const mallory = await makePerson('mallory');
    const parked = early.slice(0, 0);
    for (let seq = 0; seq < limits.orphansPerAuthorMax + 3; seq++)
      parked.push(await forgeEvent(mallory.keys.signing, { community: street.community, seq }));
    expect(unwrap(await atAnna.log.receive(asIncoming(parked), 'mallory')).refused).toHaveLength(3);
    expect(atAnna.log.size).toBe(street.founder.log.size);
  });

  it('puts the wall clock into its events and nothing else', async () => {
    const { atAnna } = await annaAndBora();
    atAnna.clock.advance(90_000);
    expect(hlcToMs(unwrap(await say(atAnna.log, 'later')).event.header.hlc)).toBe(atAnna.clock.now());
  });
});
