import type { Failure } from '../errors.ts';
import type { Result } from '../result.ts';

/** A box at a relay: its id is a public key, and only who holds the private half may put in or take out. */
export type BoxKey = {
  /** Ed25519 public key. */
  readonly id: Uint8Array<ArrayBuffer>;
  sign(message: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
};

/** What lay in a box, oldest first. `cursor` goes into the next `take`; it means something to its own relay only. */
export type BoxItems = {
  readonly items: readonly Uint8Array<ArrayBuffer>[];
  readonly cursor: string;
  readonly hasMore: boolean;
};

/** The boxes of one relay, while it can be reached. It keeps sealed bytes only, each of at most `limits.mailItemBytesMax`. */
export type Mailbox = {
  readonly url: string;
  /** Resolves when the relay has it on its disk, never before. */
  put(box: BoxKey, item: Uint8Array<ArrayBuffer>, keepMs: number): Promise<Result<null, Failure>>;
  /** From after `cursor` ('' from the beginning), at most `limits.mailItemsPerTakeMax`. */
  take(box: BoxKey, cursor: string): Promise<Result<BoxItems, Failure>>;
};

/** Every relay that can be reached now; the mail office asks each of them when it appears. */
export type Mailboxes = {
  all(): readonly Mailbox[];
  onOpen(listener: (mailbox: Mailbox) => void): () => void;
};
