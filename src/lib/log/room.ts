import { authorityLane } from './event.ts';
import { readEffect, type ReadEffect, type VoidReason } from './effect.ts';
import type { Entry } from './lanes.ts';
import { authorVoid, mayRemove, type RoomLog, type RoomPeople } from './room-rules.ts';
import {
  compareRows,
  isSaid,
  keepRow,
  readRow,
  type KeptMessage,
  type KeptRow,
  type OrderedRow,
  type RemovalRow,
  type RoomMessage,
} from './room-rows.ts';
import { emptyRoomState, foldRow, isKept, type Shown } from './room-state.ts';

export type { RoomMessage } from './room-rows.ts';

export type Room = {
  /** How many messages there are. */
  readonly count: number;
  /**
   * All messages, read from the log anew at every look. Who wants the newest, or one, asks the fold. To be asked before the log
   * changes: what has gone from it since is left out.
   */
  readonly messages: readonly RoomMessage[];
  readonly voidById: ReadonlyMap<string, VoidReason>;
  /** Messages that say once more what one of `messages` says (same device, same clientId), by its event id. */
  readonly repeatsById: ReadonlyMap<string, readonly string[]>;
  /** Events whose payload has to go: somebody who may has removed them for all. */
  readonly removedIds: ReadonlySet<string>;
};

/** Folds the messages of all members in view order. A repeated clientId of one device is the same message: the first counts. */
export const foldRoom = (log: RoomLog, people: RoomPeople, nowMs: number, read: ReadEffect = readEffect): Room =>
  createRoomFold(log, read).fold(people, nowMs);

/**
 * The room of a log that grows: every payload is decoded once to be judged, and what is newest so far is only added at the end.
 * The result is that of folding everything anew. Words are read again when they are shown, so that the log is their only place.
 */
export const createRoomFold = (log: RoomLog, read: ReadEffect = readEffect) => {
  const rowsByLane = new Map<string, KeptRow[]>();
  let removalsByTarget = new Map<string, RemovalRow[]>();
  let ordered: OrderedRow[] = [];
  let isOrdered = true;
  let state = emptyRoomState(null);

  const add = (row: KeptRow): void => {
    if (row.kind === 'other') return;
    if (row.kind === 'removal') {
      removalsByTarget.set(row.target, [...(removalsByTarget.get(row.target) ?? []), row]);
      state = emptyRoomState(null); // what it removes may have been folded already
    }
    const last = ordered.at(-1);
    if (last && compareRows(last, row) > 0) isOrdered = false;
    ordered.push(row);
  };

  /** The rows of at most so many events that have come to the log since the last time; true: there are more. */
  const readNew = (most = Infinity): boolean => {
    let left = most;
    for (const { author, lane, next } of log.heads()) {
      if (lane === authorityLane) continue;
      const place = `${author} ${lane}`;
      const rows = rowsByLane.get(place) ?? [];
      rowsByLane.set(place, rows);
      const from = rows.length;
      let previous = log.slice(author, lane, from - 1, 1)[0];
      for (const entry of log.slice(author, lane, from, Math.min(left, next - from))) {
        const row = keepRow(readRow(entry, previous, read));
        rows.push(row);
        add(row);
        previous = entry;
        left -= 1;
      }
      if (rows.length < next) return true;
    }
    return false;
  };

  const forgetOrder = (): void => {
    ordered = [];
    removalsByTarget = new Map();
    state = emptyRoomState(null);
  };

  const entryOf = ({ device, lane, seq }: Pick<KeptMessage, 'device' | 'lane' | 'seq'>): Entry | undefined =>
    log.slice(device, lane, seq, 1)[0];
  const eventIdOf = (row: OrderedRow): string => ('eventId' in row ? row.eventId : (entryOf(row)?.event.id ?? ''));

  const shownOf = (shown: Shown): RoomMessage | [] => {
    if (!isKept(shown)) return shown;
    const entry = entryOf(shown);
    const row = entry && readRow(entry, undefined, read);
    return row?.kind === 'message' ? row : [];
  };

  const rowOfTarget = (target: string): KeptRow | undefined => {
    const event = log.byId(target)?.event;
    return event && rowsByLane.get(`${event.author} ${event.header.lane}`)?.[event.header.seq];
  };

  /** Why a removal removes nothing, or null. Asked anew at every fold: what it names may still come. */
  const removalVoid = (removal: RemovalRow, people: RoomPeople): VoidReason | null => {
    const author = authorVoid(removal, people, log);
    if (author) return author;
    if (!log.byId(removal.target)) return 'target-missing';
    const row = rowOfTarget(removal.target);
    if (!row || !isSaid(row)) return 'target-kind';
    return mayRemove(removal, row.device, people) ? null : 'target-foreign';
  };

  const foldOrdered = (): void => {
    const removalsByRow = new Map<KeptRow | undefined, readonly RemovalRow[]>();
    for (const [target, removals] of removalsByTarget) removalsByRow.set(rowOfTarget(target), removals);
    for (; state.folded < ordered.length; state.folded++) {
      const row = ordered[state.folded];
      if (row) foldRow(state, row, { log, eventIdOf, removals: removalsByRow.get(row) ?? [] });
    }
  };

  const judgeRemovals = (people: RoomPeople): { voids: [string, VoidReason][]; removedIds: Set<string> } => {
    const voids: [string, VoidReason][] = [];
    const removedIds = new Set<string>();
    for (const removal of [...removalsByTarget.values()].flat()) {
      const reason = removalVoid(removal, people);
      if (reason) voids.push([removal.eventId, reason]);
      else removedIds.add(removal.target);
    }
    return { voids, removedIds };
  };

  return {
    /** Events whose payload has come or gone, or that are new: what is said of them is read again where it is known. */
    note: (entries: readonly Entry[]): void => {
      for (const { event } of entries) {
        const { lane, seq } = event.header;
        const rows = rowsByLane.get(`${event.author} ${lane}`);
        const entry = rows?.[seq] && log.slice(event.author, lane, seq, 1)[0];
        if (!rows || !entry) continue;
        rows[seq] = keepRow(readRow(entry, log.slice(event.author, lane, seq - 1, 1)[0], read));
        forgetOrder();
      }
    },
    /** Lanes were cut or replaced: everything is read anew. */
    restart: (): void => {
      rowsByLane.clear();
      forgetOrder();
    },
    /** Reads on, so that a later fold has less to read; true: there is more. */
    readSome: (most: number): boolean => readNew(most),
    fold: (people: RoomPeople, nowMs: number): Room => {
      if (ordered.length === 0) for (const rows of rowsByLane.values()) for (const row of rows) add(row);
      readNew();
      if (!isOrdered) ordered.sort(compareRows);
      if (!isOrdered || state.membership !== people || nowMs >= state.nextExpiryMs || nowMs < state.nowMs)
        state = emptyRoomState(people);
      isOrdered = true;
      state.nowMs = nowMs;
      foldOrdered();
      const { voids, removedIds } = judgeRemovals(people);
      const { messages } = state;
      const count = messages.length;
      return {
        count,
        get messages() {
          return messages.slice(0, count).flatMap(shownOf);
        },
        voidById: new Map([...state.voidById, ...voids]),
        repeatsById: new Map(state.repeatsById),
        removedIds,
      };
    },
    /** The last messages of the last fold. */
    newest: (most: number): RoomMessage[] => state.messages.slice(-most).flatMap(shownOf),
    /** The message of the last fold with this event id, or null. */
    find: (eventId: string): RoomMessage | null => {
      const event = log.byId(eventId)?.event;
      if (!event) return null;
      const { lane, seq } = event.header;
      const found = state.messages.find(
        (each) => each.seq === seq && each.lane === lane && each.device === event.author,
      );
      return (found && [shownOf(found)].flat()[0]) ?? null;
    },
  };
};
