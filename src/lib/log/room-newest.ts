import { areBytesEqual, textToBytes } from '../kernel/ids.ts';
import { authorityLane } from './event.ts';
import { compareEntries, readEffect, type ReadEffect } from './effect.ts';
import type { EventLog } from './event-log.ts';
import type { Entry } from './lanes.ts';
import { newestFirst } from './newest-first.ts';
import { createQuotaLookup } from './quotas.ts';
import { authorVoid, removerOf, type RoomLog, type RoomPeople } from './room-rules.ts';
import { isSaid, readRow, type RemovalRow, type RoomMessage, type RoomRow, type SaidRow } from './room-rows.ts';
import { isExpired, removedMessage } from './room-state.ts';

type NewestLog = RoomLog & Pick<EventLog, 'hlcs' | 'search'>;
type Found = { readonly entry: Entry; readonly row: SaidRow };

/**
 * The last `most` messages of the room, the very same ones that a whole fold ends with, but with only the newest payloads
 * decoded: lanes are merged from their ends. Whether a message was removed, or repeats an older one, is asked of the bytes of
 * all other payloads, and only those that hold its id or its clientId are decoded. Events of the `preview`, which are not stored
 * yet, take their places among them; of the rules only those that ask for what lies before them (time order, quota) wait.
 */
export const foldNewest = (
  log: NewestLog,
  people: RoomPeople,
  most: number,
  nowMs: number,
  preview: readonly Entry[] = [],
  read: ReadEffect = readEffect,
): RoomMessage[] => {
  const stored = newestFirst(log, (lane) => lane !== authorityLane);
  const entries = preview.length === 0 ? stored : withPreview(stored, preview);
  const previewByPlace = new Map(preview.map((entry) => [placeOf(entry, 0), entry]));
  const isOverQuota = createQuotaLookup(log, people, read);
  const rowOf = (entry: Entry): RoomRow => {
    const { author, header } = entry.event;
    const before = log.slice(author, header.lane, header.seq - 1, 1)[0] ?? previewByPlace.get(placeOf(entry, -1));
    return readRow(entry, before, read);
  };
  const standingOf = (entry: Entry): SaidRow | null => {
    const row = rowOf(entry);
    if (!isSaid(row) || authorVoid(row, people, log) !== null || isOverQuota(row)) return null;
    return isExpired(row, nowMs) ? null : row;
  };
  const found: Found[] = [];
  for (;;) {
    const before = found.length;
    for (let messages = 0; messages < most;) {
      const { value: entry, done } = entries.next();
      if (done) break;
      const row = standingOf(entry);
      if (row) found.push({ entry, row });
      if (row?.kind === 'message') messages += 1;
    }
    const shown = showFound(found, { log, preview, people, rowOf, standingOf });
    if (shown.length >= most || found.length === before) return shown.slice(0, most).toReversed();
  }
};

const placeOf = ({ event: { author, header } }: Entry, step: number): string =>
  `${author} ${header.lane} ${header.seq + step}`;

/** Both newest first, as one. */
const withPreview = function* (stored: Iterator<Entry>, preview: readonly Entry[]): Generator<Entry, undefined> {
  const early = preview.toSorted((a, b) => compareEntries(b, a));
  let next = stored.next();
  for (const entry of early) {
    for (; !next.done && compareEntries(next.value, entry) > 0; next = stored.next()) yield next.value;
    yield entry;
  }
  for (; !next.done; next = stored.next()) yield next.value;
};

type Asking = {
  readonly log: NewestLog;
  readonly preview: readonly Entry[];
  readonly people: RoomPeople;
  readonly rowOf: (entry: Entry) => RoomRow;
  readonly standingOf: (entry: Entry) => SaidRow | null;
};

/** Of rows that stand, newest first, those that are shown: removed ones as such, and of those that repeat each other the first. */
const showFound = (found: readonly Found[], asking: Asking): RoomMessage[] => {
  const oldest = found.at(-1)?.entry;
  if (!oldest) return [];
  const needles = found.flatMap(({ row }) => [
    textToBytes(row.eventId),
    row.kind === 'message' ? textToBytes(row.clientId) : null,
  ]);
  const holding = entriesHolding(
    asking,
    needles.flatMap((needle) => needle ?? []),
  );
  const removers = removersOf(
    found.map(({ row }) => row),
    holding,
    asking,
  );
  const firstByKey = new Map<string, string>();
  for (const { row } of found)
    if (row.kind === 'message' && !removers.has(row.eventId)) firstByKey.set(keyOf(row), row.eventId);
  const older = holding.flatMap((entry) => {
    const row = compareEntries(entry, oldest) < 0 ? asking.standingOf(entry) : null;
    return row?.kind === 'message' && firstByKey.has(keyOf(row)) ? [row] : [];
  });
  const removedOlder = older.length === 0 ? new Map() : removersOf(older, allHolding(older, asking), asking);
  const repeated = new Set(older.filter(({ eventId }) => !removedOlder.has(eventId)).map(keyOf));
  return found.flatMap(({ row }): RoomMessage[] => {
    const remover = removers.get(row.eventId);
    if (remover !== undefined) return [removedMessage(row, remover)];
    if (row.kind !== 'message' || repeated.has(keyOf(row)) || firstByKey.get(keyOf(row)) !== row.eventId) return [];
    return [row];
  });
};

const keyOf = ({ device, clientId }: Extract<SaidRow, { kind: 'message' }>): string => `${device} ${clientId}`;

/** Which of the rows were removed, and by which device; `holding` are all entries that may name one of them. */
const removersOf = (
  rows: readonly SaidRow[],
  holding: readonly Entry[],
  { log, people, rowOf }: Asking,
): Map<string, string> => {
  const removalsByTarget = new Map<string, RemovalRow[]>();
  for (const entry of holding) {
    const row = rowOf(entry);
    if (row.kind === 'removal') removalsByTarget.set(row.target, [...(removalsByTarget.get(row.target) ?? []), row]);
  }
  const removers = new Map<string, string>();
  for (const { eventId, device } of rows) {
    const remover = removerOf(removalsByTarget.get(eventId) ?? [], device, people, log);
    if (remover !== null) removers.set(eventId, remover);
  }
  return removers;
};

const allHolding = (rows: readonly SaidRow[], asking: Asking): Entry[] =>
  entriesHolding(
    asking,
    rows.flatMap(({ eventId }) => textToBytes(eventId) ?? []),
  );

/** The message that a device has said under a clientId, wherever it stands; null when there is none, or its words are gone. */
export const findSaid = (log: NewestLog, device: string, clientId: string): Entry | null => {
  const mayHold = createByteSearch([textToBytes(clientId) ?? new Uint8Array(16)]);
  for (const { author, lane } of log.heads()) {
    if (author !== device || lane === authorityLane) continue;
    for (const entry of log.search(author, lane, mayHold)) {
      const row = readRow(entry, undefined, readEffect);
      if (row.kind === 'message' && row.clientId === clientId) return entry;
    }
  }
  return null;
};

/** Every entry whose payload holds one of the needles anywhere. */
const entriesHolding = ({ log, preview }: Asking, needles: readonly Uint8Array[]): Entry[] => {
  const mayHold = createByteSearch(needles);
  const holding = preview.filter(({ payload }) => payload && mayHold(payload));
  for (const { author, lane } of log.heads()) {
    if (lane === authorityLane) continue;
    for (const entry of log.search(author, lane, mayHold))
      if (entry.payload && mayHold(entry.payload)) holding.push(entry);
  }
  return holding;
};

/** Whether some bytes hold one of the needles anywhere. One pass, with a table of their first two bytes. */
const createByteSearch = (needles: readonly Uint8Array[]) => {
  const byStart = new Map<number, Uint8Array[]>();
  const starts = new Uint8Array(0x10000);
  for (const needle of needles) {
    const start = ((needle[0] ?? 0) << 8) | (needle[1] ?? 0);
    starts[start] = 1;
    byStart.set(start, [...(byStart.get(start) ?? []), needle]);
  }
  return (bytes: Uint8Array): boolean => {
    let start = bytes[0] ?? 0;
    for (let at = 1; at < bytes.length; at++) {
      start = ((start << 8) | (bytes[at] ?? 0)) & 0xffff;
      if (
        starts[start] === 1 &&
        byStart.get(start)?.some((needle) => areBytesEqual(needle, bytes.subarray(at - 1, at - 1 + needle.length)))
      )
        return true;
    }
    return false;
  };
};
