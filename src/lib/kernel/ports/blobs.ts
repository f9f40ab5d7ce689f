import type { Result } from '../result.ts';
import type { Bytes } from './crypto.ts';

/** Where a disk keeps what: chunks by their own hash, manifests by cid, and one small record of facts beside each manifest. */
export type BlobFolder = 'chunks' | 'manifests' | 'records';
export type DiskRefusal = 'quota-full' | 'disk-failed';

/**
 * The disk under the blobs: small whole files with fixed names (43 characters of base64url). Adapters: OPFS and memory.
 * opfs: written through sync access handles; opfs-swap: through the browser's own swap file, where those are missing.
 * `write` is all or nothing: a file is never seen before its last byte is on the disk. `sweep` is called once, before all else,
 * and removes what interrupted writes left; it resolves with how many there were.
 */
export type BlobDisk = {
  readonly kind: 'opfs' | 'opfs-swap' | 'memory';
  names(folder: BlobFolder): Promise<string[]>;
  read(folder: BlobFolder, name: string): Promise<Bytes | null>;
  write(folder: BlobFolder, name: string, bytes: Uint8Array): Promise<Result<void, DiskRefusal>>;
  remove(folder: BlobFolder, name: string): Promise<void>;
  sweep(): Promise<number>;
};

export type BlobRefusal =
  | DiskRefusal
  | 'too-large'
  | 'media-type'
  | 'unknown-blob'
  | 'unknown-chunk'
  | 'not-here'
  | 'damaged'
  | 'wrong-chunk'
  | 'wrong-length'
  | 'wrong-manifest'
  | 'wrong-key'
  | 'source-failed'
  | 'still-held'
  | 'too-many';

/** `size` in bytes as stored; `have` of `total` chunks are here. `usedAt` in milliseconds since 1970. */
export type BlobView = {
  readonly cid: string;
  readonly size: number;
  readonly mediaType: string;
  readonly have: number;
  readonly total: number;
  readonly holders: readonly string[];
  readonly isPinned: boolean;
  /** Neighbours may learn that it is here, and fetch it. */
  readonly isShared: boolean;
  readonly usedAt: number;
};

export type BlobWish = {
  readonly mediaType: string;
  readonly isShared: boolean;
  /** Encrypted before it is hashed; the key is made here and handed back, and kept nowhere. */
  readonly isSealed?: boolean;
  readonly isPinned?: boolean;
  /** Who needs it, from the first moment on. */
  readonly holder?: string;
  /** How many bytes will come, where that is known: what can never fit is refused before anything makes way for it. */
  readonly expectedBytes?: number;
};
export type StoredBlob = { readonly cid: string; readonly size: number; readonly key: Bytes | null };

/** Which bytes to read, counted in what was put in; the key of a sealed blob. */
export type BlobRange = { readonly from?: number; readonly length?: number; readonly key?: Bytes };

/**
 * The large things this device keeps (protocol 10). A blob that nobody holds and that is not pinned may be evicted for room, the
 * one unused for longest first. Nothing is told as stored before it is on the disk, and every chunk is checked against its hash
 * whenever it comes in and whenever it is read.
 *
 * - `put`: streams; never more than a chunk of the source is in memory. Refusals leave nothing behind.
 * - `begin`: a manifest from a neighbour; its bytes must hash to the cid. `putChunk`: true when the chunk was missing.
 * - `readChunk`: a damaged one is removed, told to `onDamaged`, and is missing from then on.
 * - `read`: the bytes in order; the return value says whether all of them came. The blob is not evicted meanwhile.
 * - `hold`: keeps a blob from eviction until released, in memory only. `ref` and `pin` do so for good.
 * - `lost`: held by somebody, but the manifest did not survive on the disk.
 */
export type Blobs = {
  readonly kind: BlobDisk['kind'];
  put(source: AsyncIterable<Uint8Array>, wish: BlobWish): Promise<Result<StoredBlob, BlobRefusal>>;
  begin(cid: string, manifest: Uint8Array, wish: { readonly isShared: boolean }): Promise<Result<void, BlobRefusal>>;
  putChunk(cid: string, index: number, bytes: Uint8Array): Promise<Result<boolean, BlobRefusal>>;
  view(cid: string): BlobView | null;
  list(): readonly BlobView[];
  lost(): readonly string[];
  manifest(cid: string): Promise<Bytes | null>;
  hasChunk(cid: string, index: number): boolean;
  /** One bit a chunk, lowest bit first; null for a blob that is not known here. */
  bitmap(cid: string): Bytes | null;
  readChunk(cid: string, index: number): Promise<Result<Bytes, BlobRefusal>>;
  read(cid: string, range?: BlobRange): AsyncGenerator<Bytes, Result<void, BlobRefusal>>;
  hold(cid: string): () => void;
  ref(cid: string, holder: string): Promise<Result<void, BlobRefusal>>;
  unref(cid: string, holder: string): Promise<Result<void, BlobRefusal>>;
  pin(cid: string, isPinned: boolean): Promise<Result<void, BlobRefusal>>;
  share(cid: string, isShared: boolean): Promise<Result<void, BlobRefusal>>;
  remove(cid: string): Promise<Result<void, BlobRefusal>>;
  usage(): { readonly usedBytes: number; readonly quotaBytes: number; readonly evictableBytes: number };
  onChange(listener: () => void): () => void;
  onChunk(listener: (cid: string, index: number) => void): () => void;
  onDamaged(listener: (cid: string) => void): () => void;
};

/**
 * How far a wanted blob is. searching: nobody who has it is linked; no-room: the quota or the disk is full, tried again by itself.
 * `from`: the devices that gave chunks, most first. `blamed`: those that gave a wrong one and are not asked for this blob again.
 */
export type FetchProgress = {
  readonly cid: string;
  readonly state: 'waiting' | 'searching' | 'fetching' | 'no-room' | 'complete';
  readonly have: number;
  readonly total: number;
  readonly bytes: number;
  readonly size: number;
  readonly from: readonly { readonly device: string; readonly chunks: number }[];
  readonly blamed: readonly string[];
};

/** Fetching blobs from neighbours. What is wanted stays wanted over links lost and nodes started anew, until complete or cancelled. */
export type BlobExchange = {
  want(
    cid: string,
    wish?: { readonly holder?: string; readonly isPinned?: boolean },
  ): Promise<Result<void, BlobRefusal>>;
  cancel(cid: string): Promise<void>;
  /** null for what is not wanted and not here. */
  progress(cid: string): FetchProgress | null;
  wanted(): readonly string[];
  onProgress(listener: () => void): () => void;
};
