import { describe, expect, it } from 'vitest';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { bytesToText, textToBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { kinds } from '../../src/lib/log/kinds.ts';
import { encodeFrame } from '../../src/lib/replica/frames.ts';
import { guardUpdate } from '../../src/lib/replica/guard.ts';
import { previewOf } from '../../src/lib/replica/preview.ts';
import { createMemoryDisk } from '../../src/lib/stores/memory-store.ts';
import { carry, settle, type FakeLink } from './link-fixture.ts';
import {
  annaAndNewcomer,
  asIncoming,
  framesOf,
  meet,
  messagePayload,
  moveIn,
  writeWords,
  type Written,
} from './preview-fixture.ts';
import {
  everythingOf,
  forgeEvent,
  hashOf,
  idsOf,
  makeStreet,
  payloadOf,
  todayLane,
  todayMs,
} from './street-fixture.ts';

const wordsFrom = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, at) => `word ${from + at}`);

/** What one end has sent arrives at the other, as far as asked. */
const deliver = async (from: FakeLink, to: FakeLink, most = Infinity): Promise<void> => {
  await settle();
  for (const { channel, frame } of from.sent.splice(0, most)) to.hear(channel, frame);
  await settle();
};

/** Both have told their heads, bora has asked for the month, and anna's whole answer lies on the link. */
const askedHouses = async (count: number) => {
  const houses = await annaAndNewcomer(count);
  const { atAnna, atBora } = houses;
  meet(atAnna, atBora);
  await deliver(atAnna.link, atBora.link);
  await deliver(atBora.link, atAnna.link);
  return houses;
};

describe('what anna sends to a newcomer', () => {
  it('begins with the newest two hundred events, one run of each author up to the end, and no payload goes twice', async () => {
    const { atAnna, words } = await askedHouses(1_500);
    const frames = framesOf(atAnna.link.sent);
    const updates = frames.flatMap((frame) => (frame.type === 'update' ? [frame] : []));
    const ahead = updates.slice(0, 2).flatMap(({ update }) => unwrap(guardUpdate(update)));
    expect(ahead.length).toBe(limits.previewEvents);
    const newest = words.slice(-limits.previewEvents).map(({ envelope }) => bytesToText(envelope));
    expect(ahead.map(({ envelope }) => bytesToText(envelope)).toSorted()).toEqual(newest.toSorted());
    const screen = ahead.slice(0, limits.previewScreenEvents).map(({ envelope }) => bytesToText(envelope));
    expect(screen.toSorted()).toEqual(newest.slice(-limits.previewScreenEvents).toSorted());
    expect(unwrap(guardUpdate(updates[2]?.update ?? new Uint8Array(0)))[0]?.clock).toBe(0);
    const ids = frames.flatMap((frame) =>
      frame.type === 'payload' ? frame.payloads.map(({ id }) => bytesToText(id)) : [],
    );
    expect(ids.toSorted()).toEqual(words.map(({ id }) => id).toSorted());
  });

  it('is the plain answer where little is missing', async () => {
    const { atAnna } = await askedHouses(limits.previewMin);
    const [first] = framesOf(atAnna.link.sent).flatMap((frame) => (frame.type === 'update' ? [frame] : []));
    expect(unwrap(guardUpdate(first?.update ?? new Uint8Array(0)))[0]?.clock).toBe(0);
  });

  it('has no preview when bora asks once more over the same link', async () => {
    const { atAnna } = await askedHouses(limits.previewMin + 1);
    atAnna.link.sent.splice(0);
    atAnna.link.hear('sync', encodeFrame({ type: 'ask', lane: todayLane, clocks: new Map() }));
    await settle();
    const [first] = framesOf(atAnna.link.sent).flatMap((frame) => (frame.type === 'update' ? [frame] : []));
    expect(unwrap(guardUpdate(first?.update ?? new Uint8Array(0)))[0]?.clock).toBe(0);
  });

  it('is one run of each author also where their time goes back', () => {
    const hlcs = Float64Array.from({ length: 500 }, (_, seq) => (seq === 498 ? 1 : 1_000 + seq));
    const spans = ['anna', 'bora'].map((author, at) => ({ author, client: at + 1, from: 0, to: 500 }));
    const preview = previewOf(
      { hlcs: (author) => (author === 'anna' ? hlcs : hlcs.map((hlc) => hlc + 300)) },
      16,
      spans,
    );
    expect(preview.parts).toEqual([
      [
        { author: 'anna', client: 1, from: 499, to: 500 },
        { author: 'bora', client: 2, from: 461, to: 500 },
      ],
      [{ author: 'bora', client: 2, from: 301, to: 461 }],
    ]);
    expect(previewOf({ hlcs: () => hlcs }, 0, spans).parts).toEqual([]);
  });
});

describe("what bora's device shows of it", () => {
  it('is the newest message before anything of the month is stored, which counts nowhere yet', async () => {
    const { atAnna, atBora, bora } = await askedHouses(1_500);
    const stored = atBora.log.size;
    let told = 0;
    atBora.here.onChange(() => (told += 1));
    await deliver(atAnna.link, atBora.link, 4);
    expect(atBora.texts()).toEqual(wordsFrom(1_470, 1_500));
    expect(atBora.texts(500)).toEqual(wordsFrom(1_300, 1_500));
    expect(told).toBeGreaterThan(0);
    expect([atBora.log.size, atBora.here.room().messages, atBora.here.saidAtMost()]).toEqual([stored, [], 0]);
    expect(atBora.log.heads().filter(({ lane }) => lane === todayLane)).toEqual([]);
    expect(atBora.log.digestAt(bora.device, todayLane, 1)).toBeNull();
    expect(atBora.texts()).toEqual(wordsFrom(1_470, 1_500)); // also when the room has been read
  });

  it('is every message once and in order at every step, and the whole room at the end, with nothing asked for twice', async () => {
    const { atAnna, atBora, words } = await askedHouses(1_500);
    const orderOf = new Map(words.map((_, at) => [`word ${at}`, at]));
    while (atAnna.link.sent.length > 0) {
      await deliver(atAnna.link, atBora.link, 1);
      const shown = atBora.texts(2_000).map((text) => orderOf.get(text) ?? -1);
      expect(shown).toEqual([...new Set(shown)].toSorted((a, b) => a - b));
    }
    expect(framesOf(atBora.link.sent).filter(({ type }) => type === 'want')).toEqual([]);
    await carry(atAnna.link, atBora.link);
    expect(idsOf(atBora.log)).toEqual(idsOf(atAnna.log));
    expect([atBora.log.preview(), atBora.log.waitingCounts().orphans, atBora.log.missingPayloads(9)]).toEqual([
      [],
      0,
      [],
    ]);
    expect(atBora.texts(2_000)).toEqual(wordsFrom(0, 1_500));
    expect(atBora.here.room()).toEqual(atAnna.here.room());
    expect([...atBora.log.refusals(), ...atBora.sync.refusals()]).toEqual([]);
  });

  it('is nothing of a payload that does not fit its waiting event: it is refused, counted, and the right one is taken', async () => {
    const { street, chen, atBora } = await annaAndNewcomer(0);
    const [, early] = (await writeWords(street.community, [chen], 2)) as [Written, Written];
    unwrap(await atBora.log.receive([{ envelope: early.envelope, payload: null }], 'anna'));
    unwrap(await atBora.log.receivePayloads([{ id: early.id, payload: messagePayload('word 2') }], 'anna'));
    expect([atBora.texts(), atBora.log.refusals().get('payload-hash')]).toEqual([[], 1]);
    unwrap(await atBora.log.receivePayloads([{ id: early.id, payload: early.payload }], 'anna'));
    expect(atBora.texts()).toEqual(['word 1']);
  });

  it('comes again after a crash in between: nothing is lost, nothing doubled', async () => {
    const { street, bora, anna, atAnna, words } = await annaAndNewcomer(1_500);
    const disk = createMemoryDisk();
    const before = await moveIn(street, bora, anna, { disk });
    meet(atAnna, before);
    await deliver(atAnna.link, before.link);
    await deliver(before.link, atAnna.link);
    await deliver(atAnna.link, before.link, 7);
    expect(before.log.next(anna.device, todayLane)).toBeGreaterThan(0);
    expect(before.texts(1)).toEqual(['word 1499']);
    before.sync.stop();
    const again = await moveIn(street, bora, anna, { disk });
    const anew = await moveIn(street, anna, bora, { disk: atAnna.disk });
    expect(again.texts(1)).not.toEqual(['word 1499']);
    meet(anew, again);
    await carry(anew.link, again.link);
    expect(again.log.size).toBe(everythingOf(street.founder.log).length + words.length);
    expect(again.texts(2_000)).toEqual(wordsFrom(0, 1_500));
    expect(again.log.missingPayloads(9)).toEqual([]);
  });

  it('obeys the rules of the room: what was taken back, said twice, or goes back in time is not shown as said', async () => {
    const street = await makeStreet('anna', 'bora');
    const [anna, bora] = street.people;
    if (!anna || !bora) throw new Error('nobody lives here');
    const at = await street.move(anna);
    const write = async (
      seq: number,
      step: number,
      payload = messagePayload(`word ${seq}`),
      kind: number = kinds['chat.message'].number,
    ) =>
      forgeEvent(
        bora.keys.signing,
        { community: street.community, seq, hlc: hlcFromMs(todayMs) + step, kind },
        payload,
      );
    const taken = await write(4, 4);
    const stored = await write(0, 0);
    const removal = (target: string) => payloadOf('chat.remove', { target: textToBytes(target) ?? new Uint8Array(32) });
    const early = [
      await write(2, 2, messagePayload('said again', 'word 0')),
      await write(3, 3),
      taken,
      await write(5, 5, removal(taken.id), kinds['chat.remove'].number),
      await write(6, 3),
    ];
    unwrap(await at.log.receive(asIncoming([stored, ...early]), 'bora'));
    expect(at.log.preview()).toHaveLength(5);
    const shown = at.here.newest(9);
    expect(shown.map(({ text, removedBy }) => (removedBy === null ? text : 'taken back'))).toEqual([
      'word 0',
      'word 3',
      'taken back',
    ]);
    unwrap(await at.log.receive(asIncoming([await write(1, 1, hashOf('no message'))]), 'bora'));
    expect(at.log.preview()).toEqual([]);
    expect(at.here.newest(9)).toEqual(shown);
  });
});
