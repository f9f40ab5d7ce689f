import type { Result } from '../result.ts';

/** One event to store: its place, its id (without blanks) and the envelope bytes exactly as signed. */
export type StoredEvent = {
  readonly author: string;
  readonly lane: number;
  readonly seq: number;
  readonly id: string;
  readonly envelope: Uint8Array<ArrayBuffer>;
  /** Prefix digest of the lane up to and with this event, 32 bytes, where the writer knows it. */
  readonly digest?: Uint8Array<ArrayBuffer>;
};

/** `at` is the place of its event, for a payload that comes later than the event: many at once then join its segment. */
export type StoredPayload = {
  readonly id: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly at?: Pick<StoredEvent, 'author' | 'lane' | 'seq'>;
};

/**
 * Successive events of one lane in one record: what is stored, and what the log keeps in memory, so that a hundred thousand
 * events are read without a hundred thousand objects. `kernel/segment.ts` makes, reads and checks it.
 */
export type StoredSegment = {
  readonly author: string;
  readonly lane: number;
  /** First and last seq. Segments of a lane never overlap. */
  readonly from: number;
  readonly to: number;
  /** The ids, parted by blanks, then of every event its envelope and its payload. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where in `bytes` the ids end, then of every event where its envelope and where its payload ends. */
  readonly ends: Uint32Array<ArrayBuffer>;
  /** Seqs of the events without their payload. */
  readonly bare: readonly number[];
  /** Prefix digest of the lane up to and with the last event; null where it was not known. */
  readonly digest: Uint8Array<ArrayBuffer> | null;
  /** Checksum of everything above, against a damaged disk (not against a person, who could compute it as well). */
  readonly check: number;
};

/** Everything of a lane from one seq on, which is not the truth any more: the events and their payloads go. */
export type Truncation = Pick<StoredEvent, 'author' | 'lane'> & { readonly from: number };

/** One payload that goes while its event stays: the seq becomes bare. Of an event that is not at `at`, nothing happens. */
export type Dropped = { readonly id: string; readonly at: Pick<StoredEvent, 'author' | 'lane' | 'seq'> };

/**
 * What one commit writes, all of it or nothing, in this order: truncate, events, payloads, drop, kv. So another event may take
 * a place that was freed, and a payload that is given and dropped is dropped. `kv` with a null value removes the key.
 */
export type Commit = {
  readonly truncate?: readonly Truncation[];
  readonly events?: readonly StoredEvent[];
  readonly payloads?: readonly StoredPayload[];
  readonly drop?: readonly Dropped[];
  readonly kv?: readonly { readonly key: string; readonly value: unknown }[];
};

export type StoreRefusal = 'quota-full' | 'fenced' | 'conflict' | 'closed' | 'damaged';

/**
 * The durable memory of one node. A commit is one transaction: after a crash either all of it is there or none. `fenced`:
 * another leader has taken over. `conflict`: another event already stands at that (author, lane, seq). `damaged` is the
 * log's own word: events of this device were lost on the disk, and nothing is signed at their places. Values of `kv` are
 * structured-cloneable (CryptoKeys too).
 *
 * - `segments`, `payloads`: called by the log once, at load. Segments come by author, lane and seq, damaged ones among them
 *   (`isSegmentSound` tells). Payloads are those that came after their events and are in no segment yet.
 * - `commit`: called by the log for every append and arrival, by services for small facts. Events at the place of a damaged
 *   segment replace it: it is gone once its last place is written. What is truncated or dropped is gone from every record,
 *   damaged ones too; of a damaged segment that reaches over a cut, an empty one stays, so that its loss stays known.
 * - `pack`: called by the log in the background, for a lane that has grown by many commits. One relaxed transaction joins one
 *   stretch of short neighbouring segments, with the payloads that came later; true: there may be more to do. It never changes
 *   which events and payloads are stored, and a commit waits for one segment's worth of work at most.
 */
export type Store = {
  segments(): Promise<StoredSegment[]>;
  payloads(): Promise<StoredPayload[]>;
  commit(commit: Commit, durability: 'strict' | 'relaxed'): Promise<Result<void, StoreRefusal>>;
  pack(author: string, lane: number): Promise<Result<boolean, StoreRefusal>>;
  get(key: string): Promise<unknown>;
  list(prefix: string): Promise<{ key: string; value: unknown }[]>;
  close(): void;
};
