import { authorityLane } from './event.ts';
import { readEffect, type ReadEffect, type VoidReason } from './effect.ts';
import type { Entry } from './lanes.ts';
import { createDayCounts } from './quotas.ts';
import { authorVoid, mayRemove, rememberPeople, removerOf, type RoomLog, type RoomPeople } from './room-rules.ts';
import { compareRows, isSaid, readRow, type RemovalRow, type RoomRow, type SaidRow } from './room-rows.ts';

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
  /** The device that removed it for all; its words are gone then, `text` and `clientId` are empty. */
  readonly removedBy: string | null;
};

export type Room = {
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
 * The room of a log that grows: every payload is decoded once, and what is newest so far is only added at the end. The result
 * is that of folding everything anew.
 */
export const createRoomFold = (log: RoomLog, read: ReadEffect = readEffect) => {
  const rowsByLane = new Map<string, RoomRow[]>();
  let removalsByTarget = new Map<string, RemovalRow[]>();
  let ordered: RoomRow[] = [];
  let isOrdered = true;
  let state = emptyState(null);

  const add = (row: RoomRow): void => {
    if (row.kind === 'other') return;
    if (row.kind === 'removal') {
      removalsByTarget.set(row.target, [...(removalsByTarget.get(row.target) ?? []), row]);
      state = emptyState(null); // what it removes may have been folded already
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
        const row = readRow(entry, previous, read);
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
    state = emptyState(null);
  };

  /** Why a removal removes nothing, or null. Asked anew at every fold: what it names may still come. */
  const removalVoid = (removal: RemovalRow, people: RoomPeople): VoidReason | null => {
    const author = authorVoid(removal, people, log);
    if (author) return author;
    const target = log.byId(removal.target)?.event;
    const row = target && rowsByLane.get(`${target.author} ${target.header.lane}`)?.[target.header.seq];
    if (!target) return 'target-missing';
    if (!row || !isSaid(row)) return 'target-kind';
    return mayRemove(removal, target.author, people) ? null : 'target-foreign';
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
        rows[seq] = readRow(entry, log.slice(event.author, lane, seq - 1, 1)[0], read);
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
        state = emptyState(people);
      isOrdered = true;
      state.nowMs = nowMs;
      for (; state.folded < ordered.length; state.folded++) {
        const row = ordered[state.folded];
        if (row) foldRow(state, row, log, removalsByTarget.get(row.eventId) ?? []);
      }
      const { voids, removedIds } = judgeRemovals(people);
      return {
        messages: [...state.messages],
        voidById: new Map([...state.voidById, ...voids]),
        repeatsById: new Map(state.repeatsById),
        removedIds,
      };
    },
  };
};

const nobody = { personOf: () => null };

const emptyState = (membership: RoomPeople | null) => {
  const people = membership && rememberPeople(membership);
  return { ...emptyView(), membership, people, isOverQuota: createDayCounts(people ?? nobody) };
};

const emptyView = () => ({
  folded: 0,
  nowMs: 0,
  /** When the first of the shown ones expires. */
  nextExpiryMs: Infinity,
  messages: [] as RoomMessage[],
  voidById: new Map<string, VoidReason>(),
  repeatsById: new Map<string, readonly string[]>(),
  /** By device, then by clientId. */
  firstByClientId: new Map<string, Map<string, string>>(),
});

/**
 * Who may speak, how many a day, how long, whether it was taken back, and only then what it says: the first four ask no payload,
 * so that they come out alike where it has gone.
 */
const foldRow = (
  state: ReturnType<typeof emptyState>,
  row: RoomRow,
  log: RoomLog,
  removals: readonly RemovalRow[],
): void => {
  const { people, messages, voidById, firstByClientId, repeatsById } = state;
  if (!people) return;
  if (row.kind === 'void') return void voidById.set(row.eventId, row.reason);
  if (!isSaid(row)) return;
  const author = authorVoid(row, people, log);
  if (author) return void voidById.set(row.eventId, author);
  if (state.isOverQuota(row)) return void voidById.set(row.eventId, 'quota');
  if (isExpired(row, state.nowMs)) return void voidById.set(row.eventId, 'expired');
  if (row.expiresMs !== null) state.nextExpiryMs = Math.min(state.nextExpiryMs, row.expiresMs);
  const remover = removerOf(removals, row.device, people, log);
  if (remover !== null) return void messages.push(removedMessage(row, remover));
  if (row.kind === 'unread') return void voidById.set(row.eventId, row.reason);
  const ofDevice = firstByClientId.get(row.device) ?? new Map<string, string>();
  firstByClientId.set(row.device, ofDevice);
  const first = ofDevice.get(row.clientId);
  if (first !== undefined) return void repeatsById.set(first, [...(repeatsById.get(first) ?? []), row.eventId]);
  ofDevice.set(row.clientId, row.eventId);
  messages.push(row);
};

export const isExpired = ({ expiresMs }: Pick<RoomRow, 'expiresMs'>, nowMs: number): boolean =>
  expiresMs !== null && expiresMs <= nowMs;

export const removedMessage = (row: SaidRow, removedBy: string): RoomMessage => {
  const { eventId, device, lane, seq, atMs, counter } = row;
  return { eventId, device, lane, seq, text: '', clientId: '', atMs, counter, removedBy };
};
