import type { VoidReason } from './effect.ts';
import { createDayCounts } from './quotas.ts';
import { authorVoid, rememberPeople, removerOf, type RoomLog, type RoomPeople } from './room-rules.ts';
import {
  isSaid,
  type KeptMessage,
  type OrderedRow,
  type RemovalRow,
  type RoomMessage,
  type RoomRow,
  type SaidRow,
} from './room-rows.ts';

/** How far a room has been folded, and what came of it. */
export const emptyRoomState = (membership: RoomPeople | null) => {
  const people = membership && rememberPeople(membership);
  return { ...emptyView(), membership, people, isOverQuota: createDayCounts(people ?? nobody) };
};

export type RoomState = ReturnType<typeof emptyRoomState>;

/** A message of the room: what is kept of it, or in full when only who took it back is left to show. */
export type Shown = KeptMessage | RoomMessage;
export const isKept = (shown: Shown): shown is KeptMessage => !('eventId' in shown);

const nobody = { personOf: () => null };

const emptyView = () => ({
  folded: 0,
  nowMs: 0,
  /** When the first of the shown ones expires. */
  nextExpiryMs: Infinity,
  messages: [] as Shown[],
  voidById: new Map<string, VoidReason>(),
  repeatsById: new Map<string, readonly string[]>(),
  /** By device, then by clientId. */
  firstByClientId: new Map<string, Map<string, KeptMessage>>(),
});

/**
 * Who may speak, how many a day, how long, whether it was taken back, and only then what it says: the first four ask no payload,
 * so that they come out alike where it has gone.
 */
export const foldRow = (state: RoomState, row: OrderedRow, { log, eventIdOf, removals }: FoldAsking): void => {
  const { people, messages, voidById, firstByClientId, repeatsById } = state;
  if (!people) return;
  const setVoid = (reason: VoidReason): void => void voidById.set(eventIdOf(row), reason);
  if (row.kind === 'void') return setVoid(row.reason);
  if (!isSaid(row)) return;
  const author = authorVoid(row, people, log);
  if (author) return setVoid(author);
  if (state.isOverQuota(row)) return setVoid('quota');
  if (isExpired(row, state.nowMs)) return setVoid('expired');
  if (row.expiresMs !== null) state.nextExpiryMs = Math.min(state.nextExpiryMs, row.expiresMs);
  const remover = removerOf(removals, row.device, people, log);
  if (remover !== null) return void messages.push(removedMessage({ ...row, eventId: eventIdOf(row) }, remover));
  if (row.kind === 'unread') return setVoid(row.reason);
  const ofDevice = firstByClientId.get(row.device) ?? new Map<string, KeptMessage>();
  firstByClientId.set(row.device, ofDevice);
  const first = ofDevice.get(row.clientId);
  if (first) {
    const firstId = eventIdOf(first);
    return void repeatsById.set(firstId, [...(repeatsById.get(firstId) ?? []), eventIdOf(row)]);
  }
  ofDevice.set(row.clientId, row);
  messages.push(row);
};

type FoldAsking = {
  readonly log: RoomLog;
  readonly eventIdOf: (row: OrderedRow) => string;
  /** Those that name the row. */
  readonly removals: readonly RemovalRow[];
};

export const isExpired = ({ expiresMs }: Pick<RoomRow, 'expiresMs'>, nowMs: number): boolean =>
  expiresMs !== null && expiresMs <= nowMs;

export const removedMessage = (row: Omit<SaidRow, 'kind' | 'reason'>, removedBy: string): RoomMessage => {
  const { eventId, device, lane, seq, atMs, counter } = row;
  return { eventId, device, lane, seq, text: '', clientId: '', atMs, counter, removedBy };
};
