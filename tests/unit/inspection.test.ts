import { describe, expect, it } from 'vitest';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { compareEntries } from '../../src/lib/log/effect.ts';
import { countLog, inspectPage, type InspectionParts, type PageWish } from '../../src/lib/log/inspection.ts';
import { kinds } from '../../src/lib/log/kinds.ts';
import { newestFirst } from '../../src/lib/log/newest-first.ts';
import { foldRoom } from '../../src/lib/log/room.ts';
import { asIncoming } from './forks-fixture.ts';
import { forgeEvent, hashOf, makeStreet, payloadOf, todayLane, todayMs, type Person } from './street-fixture.ts';

const said = (text: string) => payloadOf('chat.message', { to: 'everyone', text, clientId: hashOf(text).slice(0, 16) });

/** Anna's log: her own authority lane, and messages of bora and chen; bora's clock goes back once, and chen shares a millisecond with him. */
const makeLog = async () => {
  const street = await makeStreet('anna', 'bora', 'chen');
  const [anna, bora, chen] = street.people as [Person, Person, Person];
  const at = (owner: Person, seq: number, second: number, more: { lane?: number; kind?: number } = {}) =>
    forgeEvent(
      owner.keys.signing,
      { community: street.community, lane: todayLane, seq, hlc: hlcFromMs(todayMs + second * 1_000), ...more },
      said(`${owner.name} ${seq} ${second}`),
    );
  const events = [
    ...(await Promise.all([10, 40, 20, 50, 60].map((second, seq) => at(bora, seq, second)))),
    ...(await Promise.all([5, 15, 40, 70].map((second, seq) => at(chen, seq, second)))),
    await at(chen, 0, 30, { lane: todayLane + 1, kind: 4_000 }),
  ];
  const { log, here, receipts } = await street.move(anna);
  const incoming = asIncoming(events).map((one, index) => (index === 4 ? { ...one, payload: null } : one));
  unwrap(await log.receive(incoming, 'bora'));
  const parts: InspectionParts = {
    log,
    receipts,
    voids: foldRoom(log, here.membership(), todayMs + 3_600_000).voidById,
  };
  const newest = [...log.all()].toSorted(compareEntries).toReversed();
  return { log, parts, newest, bora, chen };
};

const pagesOf = (parts: InspectionParts, wish: Omit<PageWish, 'before'>) => {
  const pages = [];
  for (let before: string | null = null; ;) {
    const page = inspectPage(parts, { ...wish, before });
    pages.push(page.entries);
    if (page.next === null) return pages;
    before = page.next;
  }
};

describe('pages of the log', () => {
  it('hold every entry of all lanes once, newest first, however long a page is', async () => {
    const { parts, newest } = await makeLog();
    expect(newest.length).toBeGreaterThan(12);
    for (const limit of [1, 2, 3, 5, newest.length, 500]) {
      const pages = pagesOf(parts, { only: 'all', limit });
      expect(pages.flat().map(({ eventId }) => eventId)).toEqual(newest.map(({ event }) => event.id));
      expect(pages.every((page) => page.length <= limit)).toBe(true);
    }
  });

  it('show a lane whose time goes back in the order of the times, and go on within it', async () => {
    const { parts, bora } = await makeLog();
    const seqs = pagesOf(parts, { only: 'all', limit: 1 })
      .flat()
      .filter(({ device }) => device === bora.device)
      .map(({ seq }) => seq);
    expect(seqs).toEqual([4, 3, 1, 2, 0]);
  });

  it('go on exactly where the cursor stands, also when something newer has come since', async () => {
    const { log, parts, newest, chen } = await makeLog();
    const first = inspectPage(parts, { before: null, only: 'all', limit: 4 });
    const later = await forgeEvent(
      chen.keys.signing,
      { community: log.community, lane: todayLane, seq: 4, hlc: hlcFromMs(todayMs + 90_000) },
      said('chen later'),
    );
    unwrap(await log.receive(asIncoming([later]), 'chen'));
    const second = inspectPage(parts, { before: first.next, only: 'all', limit: 500 });
    expect(second.entries.map(({ eventId }) => eventId)).toEqual(newest.slice(4).map(({ event }) => event.id));
    expect(second.next).toBeNull();
  });

  it('asked for what has no effect, hold that alone, each with its reason', async () => {
    const { parts } = await makeLog();
    for (const limit of [1, 50]) {
      const found = pagesOf(parts, { only: 'void', limit }).flat();
      expect(found.map(({ state, reason, kind }) => `${state} ${reason} ${kind}`)).toEqual([
        'bare payload-missing chat.message',
        'void kind-unknown 4000',
        'void hlc-order chat.message',
      ]);
    }
  });

  it('asked for people and rights, hold the authority lanes alone', async () => {
    const { parts } = await makeLog();
    const found = pagesOf(parts, { only: 'authority', limit: 2 }).flat();
    expect(found.map(({ kind }) => kind)).toEqual([
      'community.admit',
      'community.admit',
      'community.key',
      'community.genesis',
    ]);
  });

  it('read only what they show', async () => {
    const { log } = await makeLog();
    let read = 0;
    const counting = {
      ...log,
      slice: (...place: Parameters<typeof log.slice>) => ((read += 1), log.slice(...place)),
    };
    const entries = newestFirst(counting, () => true);
    for (let taken = 0; taken < 3; taken++) entries.next();
    expect(read).toBeLessThanOrEqual(log.heads().length + 3);
  });
});

describe('the counts of the log', () => {
  it('are those of what is stored: bytes, kinds, reasons, and the newest of each lane', async () => {
    const { log, parts, newest, bora, chen } = await makeLog();
    const counts = countLog(parts);
    expect(counts.bytes).toBe(
      newest.reduce((sum, { event, payload }) => sum + event.envelope.length + (payload?.length ?? 0), 0),
    );
    expect(counts.withoutPayload).toBe(1);
    expect(counts.dropped).toBe(0);
    expect(Object.fromEntries(counts.kinds)).toEqual({
      'community.genesis': 1,
      'community.key': 1,
      'community.admit': 2,
      'chat.message': 9,
      '4000': 1,
    });
    expect(Object.fromEntries(counts.voids)).toEqual({ 'hlc-order': 1, 'kind-unknown': 1 });
    expect(counts.newestByPlace.get(`${bora.device} ${todayLane}`)).toBe(todayMs + 60_000);
    expect(counts.newestByPlace.get(`${chen.device} ${todayLane}`)).toBe(todayMs + 70_000);
    expect(log.size).toBe(newest.length);
  });

  it('tell a payload that was dropped on purpose from one that has not come', async () => {
    const { log, parts, newest } = await makeLog();
    const message = newest.find(({ event, payload }) => payload && event.header.kind === kinds['chat.message'].number);
    unwrap(await log.dropPayloads([message?.event.id ?? '']));
    expect(countLog(parts)).toMatchObject({ withoutPayload: 1, dropped: 1 });
    const shown = inspectPage(parts, { before: null, only: 'all', limit: 500 }).entries;
    expect(shown.find(({ eventId }) => eventId === message?.event.id)?.state).toBe('dropped');
  });
});

describe('what the room says of events without effect', () => {
  it('is silent about those of documents, which say so themselves, and about nothing else', async () => {
    const street = await makeStreet('anna', 'bora');
    const [anna, bora] = street.people as [Person, Person];
    const at = (seq: number, kind: number) =>
      forgeEvent(bora.keys.signing, { community: street.community, seq, kind, hlc: hlcFromMs(todayMs + seq * 1_000) });
    const { log, here } = await street.move(anna);
    const events = [
      await at(0, kinds['doc.create'].number),
      await at(1, kinds['doc.update'].number),
      await at(2, kinds['chat.message'].number),
      await at(3, kinds['person.profile'].number),
      await at(4, 4_000),
    ];
    unwrap(await log.receive(asIncoming(events), 'bora'));
    const { voidById } = foldRoom(log, here.membership(), todayMs + 60_000);
    expect(events.map(({ id }) => voidById.get(id))).toEqual([
      undefined,
      undefined,
      'payload-malformed',
      'kind-lane',
      'kind-unknown',
    ]);
  });
});
