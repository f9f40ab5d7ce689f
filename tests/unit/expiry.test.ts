import { describe, expect, it } from 'vitest';
import { textToBytes } from '../../src/lib/kernel/ids.ts';
import { hlcEpochMs } from '../../src/lib/kernel/hlc.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createExpiry } from '../../src/lib/log/expiry.ts';
import type { Entry } from '../../src/lib/log/lanes.ts';
import type { Person } from './street-fixture.ts';
import {
  countStored,
  everythingOf,
  hashOf,
  makeStreet,
  openNeighbourhood,
  say,
  todayMs,
  type LogPlace,
} from './street-fixture.ts';

type Street = Awaited<ReturnType<typeof makeStreet>>;

/** A house whose payloads are looked after. */
const moveIn = async (street: Street, person: Person | undefined, place: LogPlace = {}) => {
  if (!person) throw new Error('nobody lives here');
  const at = place.disk
    ? await openNeighbourhood(person, street.community, { clock: street.clock, ...place })
    : await street.move(person, place);
  let expired = 0;
  const expiry = createExpiry({
    clock: at.clock,
    log: at.log,
    removedIds: () => at.here.room().removedIds,
    onExpired: () => {
      expired += 1;
      at.here.noteTime();
    },
  });
  await expiry.start();
  at.clock.advance(10);
  await quiet(at.log);
  return { ...at, expiry, expired: () => expired, texts: () => at.here.room().messages.map(({ text }) => text) };
};

/** Until everything that was asked of the log has been done, and what follows from it. */
const quiet = async (log: { settled(): Promise<void> }): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await log.settled();
};

const takeBack = (log: Awaited<ReturnType<typeof moveIn>>['log'], { event }: Entry) =>
  log.append('chat.remove', { target: textToBytes(event.id) ?? new Uint8Array(32) });
const atSeconds = (ms: number): number => (ms - hlcEpochMs) / 1000;

describe('the words of a removed message', () => {
  it('go from memory and disk of everybody who hears of it, and come back from nobody', async () => {
    const street = await makeStreet('anna', 'bora', 'chen');
    const [anna, bora, chen] = await Promise.all(street.people.map((person) => moveIn(street, person)));
    if (!anna || !bora || !chen) throw new Error('nobody lives here');
    const said = unwrap(await say(bora.log, 'Not for you'));
    for (const house of [anna, chen]) unwrap(await house.log.receive(everythingOf(bora.log), 'bora'));
    const keptByChen = everythingOf(chen.log);
    unwrap(await takeBack(bora.log, said));
    unwrap(await anna.log.receive(everythingOf(bora.log), 'bora'));
    for (const house of [anna, bora]) {
      await quiet(house.log);
      expect(house.log.byId(said.event.id)?.payload).toBeNull();
      expect(house.disk.payloads.has(said.event.id)).toBe(false);
      expect(house.log.missingPayloads(10)).toEqual([]);
    }
    unwrap(await anna.log.receive(keptByChen, 'chen'));
    unwrap(await anna.log.receivePayloads([{ id: said.event.id, payload: said.payload ?? hashOf('') }], 'chen'));
    await quiet(anna.log);
    expect([anna.log.byId(said.event.id)?.payload, anna.texts()]).toEqual([null, ['']]);
    const restarted = await moveIn(street, street.people[0], { disk: anna.disk });
    unwrap(await restarted.log.receivePayloads([{ id: said.event.id, payload: said.payload ?? hashOf('') }], 'chen'));
    expect([restarted.log.byId(said.event.id)?.payload, restarted.log.missingPayloads(10)]).toEqual([null, []]);
  });

  it('are never asked for by who hears of message and removal together, and count as held', async () => {
    const street = await makeStreet('anna', 'bora');
    const [anna, bora] = [await moveIn(street, street.people[0]), await moveIn(street, street.people[1])];
    const said = unwrap(await say(bora.log, 'Gone'));
    unwrap(await takeBack(bora.log, said));
    unwrap(await say(bora.log, 'Here'));
    await quiet(bora.log);
    unwrap(await anna.log.receive(everythingOf(bora.log), 'bora'));
    await quiet(anna.log);
    expect(anna.log.missingPayloads(10)).toEqual([]);
    const receipt = await anna.receipts.refreshOwn();
    expect(receipt).not.toBeNull();
    unwrap(await bora.receipts.take(receipt ?? hashOf('')));
    const { header } = unwrap(await say(bora.log, 'Last')).event;
    expect(bora.receipts.holders(street.people[1]?.device ?? '', header.lane, header.seq - 1)).toHaveLength(1);
  });

  it('stay when somebody who may not has asked for it', async () => {
    const street = await makeStreet('anna', 'bora', 'chen');
    const [anna, chen] = [await moveIn(street, street.people[0]), await moveIn(street, street.people[2])];
    const said = unwrap(await say(anna.log, 'Stays'));
    unwrap(await chen.log.receive(everythingOf(anna.log), 'anna'));
    unwrap(await takeBack(chen.log, said));
    unwrap(await anna.log.receive(everythingOf(chen.log), 'chen'));
    for (const house of [anna, chen]) {
      await quiet(house.log);
      house.clock.advance(2_000);
      await quiet(house.log);
      expect([house.log.byId(said.event.id)?.payload === null, house.texts()]).toEqual([false, ['Stays']]);
    }
  });

  it('go when the removal came before the message', async () => {
    const street = await makeStreet('anna', 'bora');
    const anna = await moveIn(street, street.people[0]);
    const bora = await moveIn(street, street.people[1]);
    const said = unwrap(await say(bora.log, 'Late'));
    unwrap(await anna.log.receive(everythingOf(street.founder.log), 'founder'));
    const early = unwrap(await takeBack(anna.log, said));
    await quiet(anna.log);
    expect(anna.here.room().voidById.get(early.event.id)).toBe('target-missing');
    unwrap(await anna.log.receive(everythingOf(bora.log), 'bora'));
    anna.clock.advance(2_000);
    await quiet(anna.log);
    expect([anna.log.byId(said.event.id)?.payload, anna.texts()]).toEqual([null, ['']]);
  });

  it('go at the next start when the device stopped in between', async () => {
    const street = await makeStreet('anna', 'bora');
    const bora = await street.move(street.people[1] ?? street.founderPerson);
    const said = unwrap(await say(bora.log, 'Gone'));
    unwrap(await takeBack(bora.log, said));
    expect(bora.disk.payloads.has(said.event.id)).toBe(true);
    await moveIn(street, street.people[1], { disk: bora.disk });
    expect(bora.disk.payloads.has(said.event.id)).toBe(false);
  });

  it('go when the disk takes the change at last', async () => {
    const street = await makeStreet('anna', 'bora');
    let refusals = 0;
    let left = 0;
    const bora = await moveIn(street, street.people[1], {
      beforeCommit: () => (left > 0 && (left -= 1) === 0 ? ((refusals += 1), 'quota-full') : null),
    });
    const said = unwrap(await say(bora.log, 'Gone'));
    left = 2; // the removal is written, its consequence is refused
    unwrap(await takeBack(bora.log, said));
    await quiet(bora.log);
    expect([refusals, bora.disk.payloads.has(said.event.id), bora.texts()]).toEqual([1, true, ['']]);
    bora.clock.advance(61_000);
    await quiet(bora.log);
    expect(bora.disk.payloads.has(said.event.id)).toBe(false);
  });
});

describe('an event that expires', () => {
  it('loses its payload when its time has come, on its own and over a restart, and keeps its header', async () => {
    const street = await makeStreet('anna', 'bora');
    const bora = await moveIn(street, street.people[1]);
    const body = { to: 'everyone' as const, text: 'Soup until six', clientId: hashOf('soup').slice(0, 16) };
    const until = Math.ceil(atSeconds(bora.clock.now())) + 7_200;
    const brief = unwrap(await bora.log.append('chat.message', body, { expires: until }));
    unwrap(await say(bora.log, 'Always'));
    const { disk } = bora;
    expect(bora.texts()).toEqual(['Soup until six', 'Always']);
    bora.expiry.stop();
    const again = await moveIn(street, street.people[1], { disk });
    const before = countStored(disk);
    again.clock.advance(7_100_000);
    await quiet(again.log);
    expect([again.expired(), again.texts(), countStored(disk)]).toEqual([0, ['Soup until six', 'Always'], before]);
    for (let second = 0; second < 200; second++) again.clock.advance(1_000);
    await quiet(again.log);
    expect([again.texts(), disk.payloads.has(brief.event.id)]).toEqual([['Always'], false]);
    expect(again.expired()).toBeGreaterThan(0);
    expect(countStored(disk)).toEqual({ stored: before.stored, payloads: before.payloads - 1 });
    expect(again.here.room().voidById.get(brief.event.id)).toBe('expired');
  });

  it('is never asked for by a newcomer whose clock is past it', async () => {
    const street = await makeStreet('anna', 'bora');
    const bora = await moveIn(street, street.people[1]);
    const body = { to: 'everyone' as const, text: 'Soup', clientId: hashOf('soup').slice(0, 16) };
    const brief = unwrap(await bora.log.append('chat.message', body, { expires: Math.floor(atSeconds(todayMs)) + 60 }));
    const anna = await moveIn(street, street.people[0]);
    anna.clock.advance(120_000);
    unwrap(await anna.log.receive([{ envelope: brief.event.envelope, payload: null }], 'bora'));
    await quiet(anna.log);
    expect(anna.log.missingPayloads(10)).toEqual([]);
  });
});
