import type { Result } from '../result.ts';

/** One stored event: its place, its id and the envelope bytes exactly as signed. */
export type StoredEvent = {
  readonly author: string;
  readonly lane: number;
  readonly seq: number;
  readonly id: string;
  readonly envelope: Uint8Array<ArrayBuffer>;
};

export type StoredPayload = { readonly id: string; readonly payload: Uint8Array<ArrayBuffer> };

/** What one commit writes, all of it or nothing. `kv` with a null value removes the key. */
export type Commit = {
  readonly events?: readonly StoredEvent[];
  readonly payloads?: readonly StoredPayload[];
  readonly kv?: readonly { readonly key: string; readonly value: unknown }[];
};

export type StoreRefusal = 'quota-full' | 'fenced' | 'conflict' | 'closed';

/**
 * The durable memory of one node. Called by the event log for every append and by services for small facts.
 * A commit is one transaction: after a crash either all of it is there or none. `fenced`: another leader has taken over.
 * `conflict`: another event already stands at that (author, lane, seq). Values of `kv` are structured-cloneable (CryptoKeys too).
 */
export type Store = {
  events(): Promise<StoredEvent[]>;
  payloads(): Promise<StoredPayload[]>;
  commit(commit: Commit, durability: 'strict' | 'relaxed'): Promise<Result<void, StoreRefusal>>;
  get(key: string): Promise<unknown>;
  list(prefix: string): Promise<{ key: string; value: unknown }[]>;
  close(): void;
};
