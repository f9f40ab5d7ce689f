import { describe, expect, it } from 'vitest';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { compareBytes } from '../../src/lib/kernel/ids.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { encodeFrame } from '../../src/lib/replica/frames.ts';
import { createMemoryDisk } from '../../src/lib/stores/memory-store.ts';
import { asIncoming, digestOf, imageOf, pinAt, sayAt } from '../unit/forks-fixture.ts';
import { createFakeLink, settle } from '../unit/link-fixture.ts';
import { signWithNonce } from '../unit/second-signature.ts';
import { hashOf, makeStreet, say, todayLane, todayMs, type Person } from '../unit/street-fixture.ts';
import { meet, moveInto, openHouse, ownWaitMs, type House } from './forks-fixture.ts';
import { runOf, updateOf } from './sync-fixture.ts';

const threeHouses = async (names: readonly [string, ...string[]] = ['anna', 'bora', 'chen', 'dora']) => {
  const street = await makeStreet(...names);
  const [anna, bora, chen, dora] = street.people as [Person, Person, Person, Person];
  const [atAnna, atChen] = [
    await moveInto(street, await openHouse(street, anna)),
    await moveInto(street, await openHouse(street, chen)),
  ];
  const authority = [...street.founder.log.all()].map(({ event }) => event);
  return { street, community: street.community, anna, bora, chen, dora, atAnna, atChen, authority };
};
const take = async ({ log }: House, events: Parameters<typeof asIncoming>[0]) =>
  unwrap(await log.receive(asIncoming(events), 'bora'));

describe('equivocation: one device tells two halves of the street different things', () => {
  it('both halves of equal length find the twins by the digests of their heads', async () => {
    const { community, bora, atAnna, atChen } = await threeHouses();
    const shared = await Promise.all([0, 1, 2].map((seq) => sayAt(bora, community, seq, `${seq}`)));
    await take(atAnna, [
      ...shared,
      await sayAt(bora, community, 3, 'to anna'),
      await sayAt(bora, community, 4, 'four'),
    ]);
    await take(atChen, [
      ...shared,
      await sayAt(bora, community, 3, 'to chen'),
      await sayAt(bora, community, 4, 'five'),
    ]);
    await meet(atAnna, atChen);
    expect(atAnna.log.forks()).toMatchObject([{ device: bora.device, seq: 3 }]);
    expect(atAnna.log.next(bora.device, todayLane)).toBe(3);
    expect(imageOf(atAnna.log)).toEqual(imageOf(atChen.log));
  });

  it('also when one half has more, and when the same events follow the twins on both sides', async () => {
    const { community, bora, atAnna, atChen } = await threeHouses();
    const after = await Promise.all([1, 2, 3, 4].map((seq) => sayAt(bora, community, seq, `${seq}`)));
    await take(atAnna, [await sayAt(bora, community, 0, 'to anna'), ...after]);
    await take(atChen, [await sayAt(bora, community, 0, 'to chen'), ...after.slice(0, 2)]);
    await meet(atAnna, atChen);
    expect(atChen.log.forks()).toMatchObject([{ device: bora.device, seq: 0, standsUpTo: null }]);
    expect(imageOf(atAnna.log)).toEqual(imageOf(atChen.log));
  });

  it('who was away hears the proof with the first words of a link, and passes it on', async () => {
    const { street, community, bora, dora, atAnna, atChen } = await threeHouses();
    await take(atAnna, [await sayAt(bora, community, 0, 'one'), await sayAt(bora, community, 0, 'other')]);
    const first = await meet(atAnna, atChen, 0);
    first.part();
    const atDora = await moveInto(street, await openHouse(street, dora));
    await take(atDora, [await sayAt(bora, community, 0, 'one')]);
    await meet(atChen, atDora, 0);
    expect(atDora.log.forks()).toMatchObject([{ device: bora.device, seq: 0 }]);
    expect(imageOf(atDora.log)).toEqual(imageOf(atAnna.log));
  });

  it('stolen founder key: whoever heard the thief first comes back to what others have pinned', async () => {
    const { community, anna, bora, chen, dora, street, authority } = await threeHouses();
    const atDora = await moveInto(street, await openHouse(street, dora));
    await take(atDora, [await pinAt(bora, community, 0, [digestOf(authority)])]);
    const atChen = await openHouse(street, chen);
    const stolen = [await pinAt(anna, community, 2, [], 'stolen'), await pinAt(anna, community, 3, [], 'stolen')];
    const [genesis, key] = [...street.founder.log.all()];
    if (!genesis || !key) throw new Error('nothing was founded');
    const start = [genesis, key].map(({ event, payload }) => ({ envelope: event.envelope, payload }));
    await take(atChen, [...start, ...stolen]);
    expect(atChen.log.next(anna.device, 0)).toBe(4);
    await meet(atDora, atChen, 3);
    expect(atChen.log.forks()).toMatchObject([{ device: anna.device, seq: 2, standsUpTo: authority.length }]);
    expect(atChen.log.isAdmitted(dora.device)).toBe(true);
    expect(imageOf(atChen.log)).toEqual(imageOf(atDora.log));
  });

  it('a liar with false digests and forged proofs sets off one question for each claim, and no more', async () => {
    const { community, bora, chen, atAnna } = await threeHouses();
    await take(atAnna, [await sayAt(bora, community, 0, 'one'), await sayAt(bora, community, 1, 'two')]);
    const link = createFakeLink(chen.device, chen.person);
    atAnna.links.up(link);
    link.sent.splice(0);
    const lie = encodeFrame({
      type: 'heads',
      heads: [{ author: bora.keys.signing.publicKey, lane: todayLane, next: 2, digest: hashOf('lie') }],
    });
    for (let turn = 0; turn < 20; turn++) link.hear('sync', lie);
    for (let turn = 0; turn < 5; turn++)
      link.hear('sync', encodeFrame({ type: 'update', lane: todayLane, update: Uint8Array.of(0, 0), isLast: true }));
    await settle();
    expect(link.sent.filter(({ frame }) => frame[0] === 0)).toHaveLength(1);
    expect(atAnna.log.forks()).toEqual([]);
    expect(atAnna.log.next(bora.device, todayLane)).toBe(2);
  });

  it('two good signatures under one header: the smaller bytes reach everybody who held the larger ones', async () => {
    const { community, bora, atAnna, atChen } = await threeHouses();
    const one = await sayAt(bora, community, 0, 'hello');
    const other = { ...(await signWithNonce('bora', one)), payload: one.payload };
    const [smaller, larger] = compareBytes(one.envelope, other.envelope) < 0 ? [one, other] : [other, one];
    for (const house of [atAnna, atChen]) await take(house, [larger]);
    const { talk } = await meet(atAnna, atChen);
    await take(atAnna, [smaller]);
    await talk(1);
    expect(atChen.log.byId(one.id)?.event.envelope).toEqual(smaller.envelope);
    expect(imageOf(atChen.log)).toEqual(imageOf(atAnna.log));
    expect(atAnna.log.forks()).toEqual([]);
  });
});

describe('a second writer with our own key', () => {
  it('a disk that was rolled back: chen waits for the first neighbour, gets his own words back and is told', async () => {
    const { street, chen, atAnna, atChen } = await threeHouses();
    const early = createMemoryDisk();
    for (const [place, event] of atChen.disk.events) early.events.set(place, event);
    for (const [id, payload] of atChen.disk.payloads) early.payloads.set(id, payload);
    unwrap(await say(atChen.log, 'before the crash'));
    const first = await meet(atAnna, atChen);
    first.part();
    const again = await openHouse(street, chen, { disk: early });
    const meeting = meet(atAnna, again);
    let isSaid = false;
    const saying = say(again.log, 'after it').then(() => (isSaid = true));
    await again.log.settled();
    expect(isSaid).toBe(false);
    await meeting;
    await saying;
    expect(again.ahead).toEqual(['behind']);
    expect(again.log.slice(chen.device, todayLane, 0, 9)).toHaveLength(2);
    expect(again.log.forks()).toEqual([]);
  });

  it('a copied profile that wrote: both are told that their key has forked, and sign nothing more', async () => {
    const { street, chen, atAnna, atChen } = await threeHouses();
    const copy = await moveInto(street, await openHouse(street, chen));
    unwrap(await say(atChen.log, 'from the one'));
    unwrap(await say(copy.log, 'from the other'));
    (await meet(atAnna, atChen)).part();
    await meet(atAnna, copy);
    expect(copy.ahead).toContain('forked');
    expect(await say(copy.log, 'more')).toMatchObject({ error: 'retired' });
    expect(atAnna.log.forks()).toMatchObject([{ device: chen.device }]);
  });

  it('a silent neighbour holds own words up for a bounded time, and nobody at all not at all', async () => {
    const { atChen, atAnna } = await threeHouses();
    unwrap(await say(atChen.log, 'nobody is there'));
    atChen.links.up(createFakeLink(atAnna.owner.device));
    const saying = say(atChen.log, 'somebody silent is');
    atChen.clock.advance(ownWaitMs);
    expect(unwrap(await saying).event.header.seq).toBe(1);
    expect(atChen.ahead).toEqual([]);
  });

  it('a neighbour who only claims to hold more of us makes nobody retire', async () => {
    const { chen, atChen, atAnna } = await threeHouses();
    const link = createFakeLink(atAnna.owner.device);
    atChen.links.up(link);
    const heads = [{ author: chen.keys.signing.publicKey, lane: todayLane, next: 9, digest: hashOf('lie') }];
    link.hear('sync', encodeFrame({ type: 'heads', heads }));
    link.hear('sync', encodeFrame({ type: 'update', lane: todayLane, update: Uint8Array.of(0, 0), isLast: true }));
    await settle();
    expect(atChen.ahead).toEqual([]);
    expect(unwrap(await say(atChen.log, 'going on')).event.header.seq).toBe(0);
  });
});

describe('keys whose Yjs clients meet', () => {
  it('the larger key loses its place in the document, its events still reach every node', async () => {
    const { street, community, anna, bora, chen, dora } = await threeHouses();
    const meeting = (author: string, lane: number): number =>
      author === bora.device || author === dora.device ? 7 : clientOf(author, lane);
    const isBoraLarger = Buffer.compare(bora.keys.signing.publicKey, dora.keys.signing.publicKey) > 0;
    const [larger, smaller] = isBoraLarger ? [bora, dora] : [dora, bora];
    const atAnna = await moveInto(street, await openHouse(street, anna, { clientOf: meeting }));
    const atChen = await moveInto(street, await openHouse(street, chen, { clientOf: meeting }));
    expect([larger, smaller].map(({ device }) => atAnna.log.isCollided(device, todayLane))).toEqual([true, false]);
    for (const owner of [larger, smaller])
      await take(atAnna, [await sayAt(owner, community, 0, owner.name), await sayAt(owner, community, 1, owner.name)]);
    await meet(atAnna, atChen);
    expect(imageOf(atChen.log)).toEqual(imageOf(atAnna.log));
    expect(atChen.log.next(larger.device, todayLane)).toBe(2);
    const stock = createFakeLink(chen.device);
    atAnna.links.up(stock);
    stock.sent.splice(0);
    stock.hear('sync', encodeFrame({ type: 'ask', lane: todayLane, clocks: new Map() }));
    await settle();
    const words = stock.sent.map(({ frame }) => Buffer.from(frame).toString('latin1')).join();
    const holds = ({ device }: Person) => words.includes(`l/${device}`);
    expect([holds(larger), holds(smaller)]).toEqual([false, true]);
  });

  it('client 0 is nobody: it is never sent and never taken', async () => {
    const { street, community, anna, bora, chen } = await threeHouses();
    const zero = (author: string, lane: number): number => (author === bora.device ? 0 : clientOf(author, lane));
    const atAnna = await moveInto(street, await openHouse(street, anna, { clientOf: zero }));
    const atChen = await moveInto(street, await openHouse(street, chen, { clientOf: zero }));
    await take(atAnna, [await sayAt(bora, community, 0, 'zero')]);
    const { ends } = await meet(atAnna, atChen);
    expect(atChen.log.next(bora.device, todayLane)).toBe(0);
    const event = await sayAt(bora, community, 0, 'zero');
    const update = updateOf(await runOf(bora, [event.envelope], { client: 0 })) as Uint8Array<ArrayBuffer>;
    ends[1].hear('sync', encodeFrame({ type: 'update', lane: todayLane, update, isLast: false }));
    await settle();
    expect(atChen.log.next(bora.device, todayLane)).toBe(0);
    expect(atAnna.log.isCollided(bora.device, todayLane)).toBe(true);
  });
});

describe('more than fits into a minute', () => {
  it('live pushes of one author beyond the pace come later and are not lost', async () => {
    const { community, bora, chen, atAnna, atChen } = await threeHouses();
    const many = limits.livePushEventsPerMinuteMax + 40;
    const events = [];
    for (let seq = 0; seq < many; seq++)
      events.push(await sayAt(bora, community, seq, `${seq}`, hlcFromMs(todayMs) + seq));
    await take(atChen, events);
    const link = createFakeLink(chen.device);
    atAnna.links.up(link);
    for (const [seq, { envelope }] of events.entries()) {
      const update = updateOf(await runOf(bora, [envelope], { start: seq })) as Uint8Array<ArrayBuffer>;
      link.hear('sync', encodeFrame({ type: 'update', lane: todayLane, update, isLast: false }));
    }
    await settle();
    await atAnna.log.settled();
    expect(atAnna.log.next(bora.device, todayLane)).toBe(limits.livePushEventsPerMinuteMax);
    link.sent.splice(0);
    atAnna.clock.advance(60_000);
    await settle();
    expect(link.sent.some(({ frame }) => frame[0] === 0 && frame[1] === todayLane)).toBe(true);
    atAnna.links.down(link);
    await meet(atAnna, atChen);
    expect(atAnna.log.next(bora.device, todayLane)).toBe(many);
  }, 60_000);
});
