import { describe, expect, it } from 'vitest';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { bytesToHex, concatBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { writeCheckpoint } from '../../src/lib/log/acts-checkpoints.ts';
import { createPeopleActs } from '../../src/lib/log/acts-people.ts';
import { checkpointRoot, makeCheckpoint, type CheckpointPlace } from '../../src/lib/log/checkpoint.ts';
import { findDueCheckpoint, heldCheckpoints } from '../../src/lib/log/checkpoints.ts';
import type { EventLog } from '../../src/lib/log/event-log.ts';
import { kinds } from '../../src/lib/log/kinds.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { asIncoming, digestOf, pinAt, sayAt } from './forks-fixture.ts';
import { checkpointAt, julyMs, makeCheckpointStreet } from './checkpoint-fixture.ts';
import {
  everythingOf,
  forgeEvent,
  hashOf,
  openLog,
  openNeighbourhood,
  say,
  todayLane,
  todayMs,
} from './street-fixture.ts';

const fixed = (most: number): CheckpointPlace[] =>
  Array.from({ length: most }, (_, at) => [
    new Uint8Array(32).fill(at).with(31, at >> 8),
    at + 1,
    new Uint8Array(32).fill(0xa0 + at),
  ]);
const rootOf = (places: readonly CheckpointPlace[], lane = 21): string => bytesToHex(checkpointRoot(lane, places));

describe('the root of a checkpoint', () => {
  it('is the same for everybody: of five fixed places, of three, of one, of none', () => {
    expect(rootOf(fixed(3))).toBe('5fa11fa2afb5e2e7811572261a5b5c6ccacd50d35571668e35817ba3eee3f239');
    expect(rootOf(fixed(5))).toBe('b327232be6d37feeb63a18abb09caab7bf0dd641fae44b242e77094c9575307c');
    expect(rootOf(fixed(1))).toBe('cca86214d1d52fbaf55938544f0e70ffdc40d5f76175957b9fb77f3ada738e18');
    expect(rootOf([])).toBe(bytesToHex(hashOf('')));
  });

  it('does not depend on the order in which the places were found, and on everything they say', () => {
    const places = fixed(5);
    const root = rootOf(places);
    expect(bytesToHex(makeCheckpoint(21, places.toReversed()).root)).toBe(root);
    expect(makeCheckpoint(21, places.toReversed()).places).toEqual(places);
    for (const [at, [device, count, digest]] of places.entries()) {
      const others: CheckpointPlace[] = [
        [device.with(0, 99), count, digest],
        [device, count + 1, digest],
        [device, count, digest.with(31, 1)],
      ];
      for (const other of others) expect(rootOf(places.with(at, other))).not.toBe(root);
      expect(rootOf(places.toSpliced(at, 1))).not.toBe(root);
    }
    expect(rootOf(places, 22)).not.toBe(root);
  });
});

describe('a checkpoint', () => {
  it('is void with a wrong root, of a month that is not over, by a plain member, and unless every device stands once in order', async () => {
    const { anna, chen, founder, community } = await makeCheckpointStreet();
    const { log, here } = founder;
    const { places } = makeCheckpoint(todayLane, fixed(2));
    const [first, second] = places as [CheckpointPlace, CheckpointPlace];
    const good = makeCheckpoint(todayLane, places);
    const rooted = (some: CheckpointPlace[], lane = todayLane) => ({
      lane,
      places: some,
      root: checkpointRoot(lane, some),
    });
    const fateOf = async (body: Cbor, owner = anna, atMs = julyMs): Promise<string | undefined> => {
      const event = await checkpointAt(owner, here, body, atMs);
      unwrap(await log.receive(asIncoming([event]), 'somebody'));
      expect(log.byId(event.id)).toBeDefined();
      return here.membership().voidById.get(event.id);
    };
    expect(await fateOf({ ...good, root: good.root.with(0, 1) })).toBe('checkpoint-root');
    expect(await fateOf(good, anna, julyMs + 1)).toBeUndefined();
    expect(await fateOf(rooted(places, todayLane + 1), anna, julyMs + 2)).toBe('checkpoint-open');
    expect(await fateOf(rooted(places, 0), anna, julyMs + 3)).toBe('payload-schema');
    for (const [at, some] of [[second, first], [first, first], [], fixed(513)].entries())
      expect(await fateOf(rooted(some as CheckpointPlace[]), anna, julyMs + 4 + at)).toBe('payload-schema');
    expect(await fateOf(rooted([first.with(1, 0) as CheckpointPlace]), anna, julyMs + 9)).toBe('payload-schema');
    expect(await fateOf(rooted(makeCheckpoint(todayLane, fixed(512)).places), anna, julyMs + 10)).toBeUndefined();
    expect(await fateOf(good, chen)).toBe('role');
    expect(await fateOf(good, anna, todayMs + 60_000)).toBe('hlc-order');
    const early = await forgeEvent(
      chen.keys.signing,
      { community, lane: 0, seq: 1, hlc: hlcFromMs(julyMs) + 9, kind: kinds['community.checkpoint'].number },
      concatBytes(new Uint8Array(16), encodeCbor({ auth: [], ...rooted(places, todayLane + 2) })),
    );
    unwrap(await log.receive(asIncoming([early]), 'somebody'));
    expect(here.membership().voidById.get(early.id)).toBe('checkpoint-open');
  });

  it('is confirmed by anna and bora, who are all the trusted; a newcomer is behind it, holds it, or has something else', async () => {
    const { anna, bora, chen, founder, community, move, clock } = await makeCheckpointStreet();
    const said = [await sayAt(bora, community, 0, 'zero'), await sayAt(bora, community, 1, 'one')];
    unwrap(await founder.log.receive(asIncoming(said), 'bora'));
    const boras = await move(bora);
    clock.advance(julyMs - todayMs);
    const write = async ({ log, here }: { log: EventLog; here: typeof founder.here }, person: string) => {
      const due = findDueCheckpoint({ log, membership: here.membership(), person, nowMs: clock.now() });
      expect(due?.places).toEqual(makeCheckpoint(todayLane, [[bora.keys.signing.publicKey, 2, digestOf(said)]]).places);
      if (due) unwrap(await writeCheckpoint(here, due));
    };
    await write(founder, anna.person);
    expect(founder.here.membership().checkpoints).toMatchObject([{ lane: todayLane, isConfirmed: false }]);
    expect(heldCheckpoints(founder.here.membership(), founder.log)).toEqual([]);
    await write(boras, bora.person);
    unwrap(await founder.log.receive(everythingOf(boras.log), 'bora'));
    const [held] = heldCheckpoints(founder.here.membership(), founder.log);
    expect(held).toMatchObject({ lane: todayLane, isConfirmed: true, holding: 'holds' });
    expect(held?.by.map(({ person }) => person).toSorted()).toEqual([anna.person, bora.person].toSorted());

    const newcomer = async (months: readonly { envelope: Uint8Array; payload: Uint8Array | null }[]) => {
      const opened = await openNeighbourhood(chen, community, { clock });
      unwrap(
        await opened.log.receive(
          asIncoming([...founder.log.all(0)].map(({ event, payload }) => ({ envelope: event.envelope, payload }))),
          'anna',
        ),
      );
      unwrap(await opened.log.receive(asIncoming(months), 'anna'));
      return heldCheckpoints(opened.here.membership(), opened.log)[0]?.holding;
    };
    expect(await newcomer([])).toBe('behind');
    expect(await newcomer(said.slice(0, 1))).toBe('behind');
    expect(await newcomer(said)).toBe('holds');
    expect(await newcomer([...said, await sayAt(bora, community, 2, 'late')])).toBe('holds');
    const other = await sayAt(bora, community, 1, 'never said');
    expect(await newcomer([...said.slice(0, 1), other])).toBe('differs');
  });

  it('written twice by one person is one person’s word', async () => {
    const { anna, founder } = await makeCheckpointStreet();
    const body = makeCheckpoint(todayLane, fixed(1));
    for (const atMs of [julyMs, julyMs + 1])
      unwrap(await founder.log.receive(asIncoming([await checkpointAt(anna, founder.here, body, atMs)]), 'anna'));
    expect(founder.here.membership().checkpoints).toMatchObject([
      { isConfirmed: false, by: [{ person: anna.person, atMs: julyMs + 1 }] },
    ]);
  });

  it('is one a lane where several are confirmed: of most people, then of most events, then of the smaller root', async () => {
    const { founder } = await makeCheckpointStreet();
    const make = (root: string, people: number, count: number, lane = todayLane, isConfirmed = true) => ({
      lane,
      root,
      places: [[new Uint8Array(32), count, new Uint8Array(32)] satisfies CheckpointPlace],
      by: Array.from({ length: people }, (_, at) => ({ person: `${at}`, atMs: julyMs })),
      isConfirmed,
    });
    const chosen = (...checkpoints: ReturnType<typeof make>[]) =>
      [checkpoints, checkpoints.toReversed()].map((each) =>
        heldCheckpoints({ checkpoints: each }, founder.log).map(({ root }) => root),
      );
    expect(chosen(make('a', 3, 9), make('b', 4, 1))).toEqual([['b'], ['b']]);
    expect(chosen(make('a', 3, 1), make('b', 3, 2))).toEqual([['b'], ['b']]);
    expect(chosen(make('a', 3, 1), make('b', 3, 1))).toEqual([['a'], ['a']]);
    expect(chosen(make('a', 1, 1), make('b', 9, 9, todayLane, false))).toEqual([['a'], ['a']]);
    expect(chosen(make('a', 1, 1, 16), make('b', 1, 1, 17))).toEqual([
      ['a', 'b'],
      ['b', 'a'],
    ]);
  });

  it('is not the word of whoever is not trusted any more', async () => {
    const { anna, bora, founder } = await makeCheckpointStreet();
    const { log, here } = founder;
    const event = await checkpointAt(bora, here, makeCheckpoint(todayLane, fixed(1)), julyMs);
    unwrap(await log.receive(asIncoming([event]), 'bora'));
    expect(here.membership().checkpoints).toMatchObject([{ by: [{ person: bora.person }] }]);
    const acts = createPeopleActs({ random: seededRandom('demotion'), device: anna.keys });
    unwrap(await acts.propose(here, { act: 'demote', person: bora.person, reason: '' }));
    expect(here.membership().voidById.get(event.id)).toBeUndefined();
    expect(here.membership().checkpoints).toEqual([]);
  });
});

describe('a month lane that is forked below a checkpoint', () => {
  const fork = async (pinnedBy: 'anna' | 'bora' | 'chen' | null) => {
    const street = await makeCheckpointStreet();
    const { bora, chen, community, founder } = street;
    const { log } = await openLog(chen, community);
    unwrap(await log.receive(everythingOf(founder.log), 'anna'));
    const said = await Promise.all(['zero', 'one', 'two'].map((text, seq) => sayAt(bora, community, seq, text)));
    const twin = await sayAt(bora, community, 1, 'not one');
    unwrap(await log.receive(asIncoming(said), 'bora'));
    if (pinnedBy) {
      const body = makeCheckpoint(todayLane, [[bora.keys.signing.publicKey, 3, digestOf(said)]]);
      const pin = await checkpointAt(street[pinnedBy], founder.here, body, julyMs);
      unwrap(await log.receive(asIncoming([pin]), pinnedBy));
    }
    unwrap(await log.receive(asIncoming([twin]), 'mallory'));
    return { standing: log.next(bora.device, todayLane), standsUpTo: log.forks()[0]?.standsUpTo };
  };

  it('keeps the branch that another person’s checkpoint names, whatever their role, and ends before the fork without it', async () => {
    expect(await fork('anna')).toEqual({ standing: 3, standsUpTo: 3 });
    expect(await fork('chen')).toEqual({ standing: 3, standsUpTo: 3 });
    expect(await fork('bora')).toEqual({ standing: 1, standsUpTo: null });
    expect(await fork(null)).toEqual({ standing: 1, standsUpTo: null });
  });
});

describe('what a checkpoint leaves out', () => {
  const desk = { person: 'anna', nowMs: julyMs };

  it('is what a cut took away, and whoever is left with nothing', async () => {
    const { founder } = await makeCheckpointStreet();
    for (const text of ['one', 'two']) unwrap(await say(founder.log, text));
    const countWith = (cut: number | null) =>
      findDueCheckpoint({ ...desk, log: founder.log, membership: { checkpoints: [], cutOf: () => cut } })
        ?.places[0]?.[1];
    expect([countWith(null), countWith(9), countWith(1), countWith(0)]).toEqual([2, 2, 1, undefined]);
  });

  it('is what a device wrote after it forked: named, it would count again', async () => {
    const { bora, founder, community } = await makeCheckpointStreet();
    const { log, here } = founder;
    const since = hlcFromMs(todayMs) + 1;
    const twins = [
      await pinAt(bora, community, 0, [], 'one', since),
      await pinAt(bora, community, 0, [], 'other', since),
    ];
    const said = [await sayAt(bora, community, 0, 'zero'), await sayAt(bora, community, 1, 'one', since)];
    unwrap(await log.receive(asIncoming(said), 'bora'));
    const due = () => findDueCheckpoint({ ...desk, log, membership: here.membership() })?.places[0]?.[1];
    expect(due()).toBe(2);
    unwrap(await log.receive(asIncoming(twins), 'bora'));
    expect([log.frozenSince(bora.device), log.next(bora.device, todayLane), due()]).toEqual([since, 2, 1]);
  });

  it('is a month of which the same person has spoken as often as anybody may: late words could go on for ever', async () => {
    const { founder } = await makeCheckpointStreet();
    unwrap(await say(founder.log, 'one'));
    const by = [{ person: 'anna', atMs: julyMs - limits.checkpointDelayMs }];
    const isDueAfter = (times: number, person = 'anna') => {
      const checkpoints = Array.from({ length: times }, (_, at) => {
        const { places } = makeCheckpoint(todayLane, fixed(at + 1));
        return { lane: todayLane, root: `root ${at}`, places, by, isConfirmed: false };
      });
      const membership = { checkpoints, cutOf: () => null };
      return findDueCheckpoint({ ...desk, person, log: founder.log, membership }) !== null;
    };
    const most = limits.checkpointsPerLaneMax;
    expect([isDueAfter(most - 1), isDueAfter(most), isDueAfter(most, 'bora')]).toEqual([true, false, true]);
  });

  it('is a month before it has been over for three days', async () => {
    const { founder } = await makeCheckpointStreet();
    unwrap(await say(founder.log, 'one'));
    const endMs = Date.UTC(2026, 6, 1);
    const dueAt = (nowMs: number) =>
      findDueCheckpoint({ ...desk, nowMs, log: founder.log, membership: founder.here.membership() }) !== null;
    expect([endMs, endMs + limits.checkpointDelayMs - 1, endMs + limits.checkpointDelayMs].map(dueAt)).toEqual([
      false,
      false,
      true,
    ]);
  });
});
