import { hlcEpochMs, hlcFromMs, hlcToMs } from '../kernel/hlc.ts';
import { bytesToText } from '../kernel/ids.ts';
import type { ReadEffect, VoidReason } from './effect.ts';
import { kindName, kinds } from './kinds.ts';
import type { Entry } from './lanes.ts';

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

type Place = {
  readonly eventId: string;
  readonly device: string;
  readonly lane: number;
  readonly seq: number;
  readonly atMs: number;
  /** Order within the same millisecond: the counter of the hlc. */
  readonly counter: number;
  /** Milliseconds since 1970 from which on it is not shown and its payload goes; null: by policy, and for chat that is never. */
  readonly expiresMs: number | null;
};

/**
 * What the event at a place says, whoever wrote it and whatever was said before. It changes only when its payload comes or goes.
 * - unread: a message by its header, whose payload is not here or is none. All rules that ask no payload (who may remove it,
 *   how many a day) treat it like a message, so that nobody's view of them depends on which payloads are here.
 * - other: of a kind that other rooms show.
 */
export type RoomRow =
  | MessageRow
  | (Place & { readonly kind: 'unread'; readonly reason: VoidReason })
  | RemovalRow
  | (Place & { readonly kind: 'void'; readonly reason: VoidReason })
  | (Place & { readonly kind: 'other' });
/** It is what the room shows, too. */
export type MessageRow = Place & {
  readonly kind: 'message';
  readonly text: string;
  readonly clientId: string;
  readonly removedBy: null;
};
export type RemovalRow = Place & { readonly kind: 'removal'; readonly target: string };
/** A row that takes a place in the room, if its author may say something there. */
export type SaidRow = Extract<RoomRow, { kind: 'message' | 'unread' }>;

/**
 * What is kept of a row while the log stands: of a hundred thousand messages only what orders and counts them. Their ids and
 * their words are in the segments of the log, and are read when they are shown.
 */
export type KeptRow = KeptMessage | Exclude<RoomRow, { kind: 'message' | 'other' }> | typeof otherRow;
export type KeptMessage = Omit<MessageRow, 'eventId' | 'text' | 'removedBy'>;
/** A kept row that has a place in the order of the room. */
export type OrderedRow = Exclude<KeptRow, typeof otherRow>;

const otherRow = { kind: 'other' } as const;

export const keepRow = (row: RoomRow): KeptRow => {
  if (row.kind === 'other') return otherRow;
  if (row.kind !== 'message') return row;
  const { kind, device, lane, seq, atMs, counter, expiresMs, clientId } = row;
  return { kind, device, lane, seq, atMs, counter, expiresMs, clientId };
};

export const isSaid = <Row extends { readonly kind: string }>(
  row: Row,
): row is Extract<Row, { readonly kind: 'message' | 'unread' }> => row.kind === 'message' || row.kind === 'unread';

export const readRow = (entry: Entry, before: Entry | undefined, read: ReadEffect): RoomRow => {
  const { event } = entry;
  const { lane, seq, hlc, expires, kind } = event.header;
  const atMs = hlcToMs(hlc);
  const expiresMs = expires === 0 ? null : hlcEpochMs + expires * 1000;
  const counter = hlc - hlcFromMs(atMs);
  const place = { eventId: event.id, device: event.author, lane, seq, atMs, counter, expiresMs };
  const effect = read(entry, before);
  if (typeof effect === 'string') {
    if (isOfOtherRoom(kind)) return { ...place, kind: 'other' };
    const isUnread = effect.startsWith('payload-') && kind === kinds['chat.message'].number;
    return { ...place, kind: isUnread ? 'unread' : 'void', reason: effect };
  }
  if (effect.kind === 'chat.remove') return { ...place, kind: 'removal', target: bytesToText(effect.body.target) };
  if (effect.kind !== 'chat.message') return { ...place, kind: 'other' };
  return {
    ...place,
    kind: 'message',
    text: effect.body.text,
    clientId: bytesToText(effect.body.clientId),
    removedBy: null,
  };
};

/** Kinds of the month whose own view says why they have no effect. What nobody knows, or is in the wrong lane, is said here. */
const isOfOtherRoom = (kind: number): boolean => {
  const name = kindName(kind);
  return name !== undefined && kinds[name].lane === 'month' && !name.startsWith('chat.');
};

type RowOrder = Pick<Place, 'device' | 'lane' | 'seq' | 'atMs' | 'counter'>;

/** Order of every view, as `compareEntries`. */
export const compareRows = (a: RowOrder, b: RowOrder): number =>
  a.atMs - b.atMs ||
  a.counter - b.counter ||
  (a.device < b.device ? -1 : a.device > b.device ? 1 : 0) ||
  a.lane - b.lane ||
  a.seq - b.seq;
