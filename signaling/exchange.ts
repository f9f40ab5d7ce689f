import type { Bytes, ClusterState } from '../src/lib/kernel/wire/mesh-wire.ts';
import type { Result } from '../src/lib/kernel/wire/signal.ts';

/**
 * Who is at which tag, and the way from one connection to another: inside one process (`mesh/local-exchange.ts`) or over
 * several. Tags, ids and boxes are base64url text here. Musts:
 * - Bytes are passed on once, to the one they are for, and only while that one is at the tag; never to all.
 * - Every `send` has an outcome that the sender hears; nothing is lost in silence.
 */
export type Exchange = {
  /**
   * Enters `id` at the tag; the returned function parts. The same id again replaces who was there, and the earlier part
   * function then does nothing. Null when no more tags fit.
   */
  join(tag: string, id: string, deliver: Deliver): (() => void) | null;
  /** Others at the tag, at most `most`; an id never gets itself. */
  sample(tag: string, self: string, most: number): Sample | Promise<Sample>;
  send(to: string, tag: string, from: string, bytes: Bytes): SendOutcome | Promise<SendOutcome>;
  state(): ClusterState;
  /** Tags at which somebody is, in this process. */
  tagCount(): number;
  stop(): Promise<void>;
};

/** False when the receiver is too far behind: it was not handed over. */
export type Deliver = (from: string, tag: string, bytes: Bytes) => boolean;
export type SendOutcome = 'sent' | 'gone' | 'busy';
/** `present` counts everybody known to be at the tag, the asker included. */
export type Sample = { readonly near: readonly string[]; readonly present: number };

/** The boxes. `put` resolves when the item would survive the end of the process and of the power, never before. */
export type MailStore = {
  put(box: string, keepMs: number, item: Bytes): Promise<Result<null, MailTrouble>>;
  /**
   * What came after the cursor, oldest first, at most `most` items and `limits.mailPageBytesMax` bytes (one item always fits).
   * A cursor of another life of this store, or none of ours, starts from the beginning: twice is better than never.
   */
  take(box: string, cursor: string, most: number): Promise<Result<MailPage, MailTrouble>>;
  state(): MailState;
  stop(): Promise<void>;
};

export type MailPage = {
  readonly items: readonly Bytes[];
  readonly cursor: string;
  readonly hasMore: boolean;
};
/** `isOpen`: an item would be taken now, were there room. `isFull` is what the last `put` found. */
export type MailState = {
  readonly items: number;
  readonly bytes: number;
  readonly isOpen: boolean;
  readonly isFull: boolean;
};
/** The disk or the bound is full and what was kept before stays; or the store cannot be reached now. */
export type MailTrouble = 'mail-full' | 'mail-unavailable';
