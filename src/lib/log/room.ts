import { hlcFromMs, hlcToMs } from '../kernel/hlc.ts';
import { bytesToText } from '../kernel/ids.ts';
import { authorityLane } from './event.ts';
import { readEffect, type ReadEffect, type VoidReason } from './effect.ts';
import type { EventLog } from './event-log.ts';
import type { Entry } from './lanes.ts';
import type { Membership } from './membership.ts';

/** One message of the room "Everyone here", as every node folds it. `lane` and `seq` are its place for receipts. */
export type RoomMessage = {
  readonly eventId: string;
  readonly device: string;
  readonly lane: number;
  readonly seq: number;
  readonly text: string;
  readonly clientId: string;
  readonly atMs: number;
  /** Order within the same millisecond: the counter of the hlc. */
  readonly counter: number;
};

export type Room = { readonly messages: readonly RoomMessage[]; readonly voidById: ReadonlyMap<string, VoidReason> };
type RoomLog = Pick<EventLog, 'heads' | 'slice'>;

/** Folds the messages of all members in view order. A repeated clientId of one device is the same message: the first counts. */
export const foldRoom = (log: RoomLog, membership: Membership, read: ReadEffect = readEffect): Room =>
  createRoomFold(log, read).fold(membership);

/** What the event at a place says, membership and repetitions apart. It changes only when its payload comes. */
type Row =
  | RoomMessage
  | {
      readonly eventId: string;
      readonly device: string;
      readonly lane: number;
      readonly seq: number;
      readonly atMs: number;
      readonly counter: number;
      readonly reason: VoidReason;
    };

/**
 * The room of a log that grows: every payload is decoded once, and what is newest so far is only added at the end. The result
 * is that of folding everything anew.
 */
export const createRoomFold = (log: RoomLog, read: ReadEffect = readEffect) => {
  const rowsByLane = new Map<string, Row[]>();
  let ordered: Row[] = [];
  let isOrdered = true;
  let state = emptyRoom(null);

  const add = (row: Row): void => {
    const last = ordered.at(-1);
    if (last && compareRows(last, row) > 0) isOrdered = false;
    ordered.push(row);
  };

  /** The rows of what has come to the log since the last time. */
  const readNew = (): void => {
    for (const { author, lane, next } of log.heads()) {
      if (lane === authorityLane) continue;
      const place = `${author} ${lane}`;
      const rows = rowsByLane.get(place) ?? [];
      rowsByLane.set(place, rows);
      const from = rows.length;
      let previous = log.slice(author, lane, from - 1, 1)[0];
      for (const entry of log.slice(author, lane, from, next - from)) {
        const row = readRow(entry, previous, read);
        rows.push(row);
        add(row);
        previous = entry;
      }
    }
  };

  return {
    /** Events whose payload has come, or that are new: what is said of them is read again where it is known. */
    note: (entries: readonly Entry[]): void => {
      for (const { event } of entries) {
        const { lane, seq } = event.header;
        const rows = rowsByLane.get(`${event.author} ${lane}`);
        const entry = rows?.[seq] && log.slice(event.author, lane, seq, 1)[0];
        if (!rows || !entry) continue;
        rows[seq] = readRow(entry, log.slice(event.author, lane, seq - 1, 1)[0], read);
        ordered = [];
      }
    },
    fold: (membership: Membership): Room => {
      if (ordered.length === 0) {
        for (const rows of rowsByLane.values()) for (const row of rows) add(row);
        state = emptyRoom(membership);
      }
      readNew();
      if (!isOrdered) ordered.sort(compareRows);
      if (!isOrdered || state.membership !== membership) state = emptyRoom(membership);
      isOrdered = true;
      for (; state.folded < ordered.length; state.folded++) {
        const row = ordered[state.folded];
        if (row) foldRow(state, row, membership);
      }
      return { messages: [...state.messages], voidById: new Map(state.voidById) };
    },
  };
};

const emptyRoom = (membership: Membership | null) => ({
  membership,
  folded: 0,
  messages: [] as RoomMessage[],
  voidById: new Map<string, VoidReason>(),
  clientIdsByDevice: new Map<string, Set<string>>(),
});

const foldRow = (
  { messages, voidById, clientIdsByDevice }: ReturnType<typeof emptyRoom>,
  row: Row,
  membership: Membership,
): void => {
  if ('reason' in row) return void voidById.set(row.eventId, row.reason);
  if (membership.roleOf(row.device) === null) return void voidById.set(row.eventId, 'author-not-member');
  const seen = clientIdsByDevice.get(row.device) ?? new Set<string>();
  if (seen.has(row.clientId)) return;
  clientIdsByDevice.set(row.device, seen.add(row.clientId));
  messages.push(row);
};

/** Order of every view, as `compareEntries`. */
const compareRows = (a: Row, b: Row): number =>
  a.atMs - b.atMs ||
  a.counter - b.counter ||
  (a.device < b.device ? -1 : a.device > b.device ? 1 : 0) ||
  a.lane - b.lane ||
  a.seq - b.seq;

const readRow = (entry: Entry, before: Entry | undefined, read: ReadEffect): Row => {
  const { event } = entry;
  const { lane, seq, hlc } = event.header;
  const atMs = hlcToMs(hlc);
  const place = { eventId: event.id, device: event.author, lane, seq, atMs, counter: hlc - hlcFromMs(atMs) };
  const effect = read(entry, before);
  if (typeof effect === 'string') return { ...place, reason: effect };
  if (effect.kind !== 'chat.message') return { ...place, reason: 'kind-lane' };
  return { ...place, text: effect.body.text, clientId: bytesToText(effect.body.clientId) };
};

/** The message an entry is, or why it has no effect. Whether it repeats another one is not asked here. */
export const readMessage = (
  entry: Entry,
  log: Pick<EventLog, 'slice'>,
  membership: Membership,
  read: ReadEffect,
): RoomMessage | VoidReason => {
  const { lane, seq } = entry.event.header;
  const row = readRow(entry, log.slice(entry.event.author, lane, seq - 1, 1)[0], read);
  if ('reason' in row) return row.reason;
  return membership.roleOf(row.device) === null ? 'author-not-member' : row;
};
