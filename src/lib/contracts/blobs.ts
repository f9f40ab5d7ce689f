import {
  array,
  boolean,
  instance,
  maxLength,
  minLength,
  nullable,
  object,
  optional,
  picklist,
  pipe,
  string,
  type InferOutput,
} from 'valibot';
import { limits } from '../kernel/limits.ts';
import { define, noDeadline } from './define.ts';
import { bytes32Id, count, shortText } from './fields.ts';

const mediaType = pipe(string(), maxLength(limits.blobTypeCharsMax));
const cidOnly = object({ cid: bytes32Id });

/**
 * Stores a large thing on this device, read piece by piece from the file behind `data`. `isShared`: neighbours may learn that it
 * is here, and fetch it. `isSealed`: encrypted before it is hashed; `key` opens it and is kept nowhere else.
 */
export const blobsPut = define({
  name: 'blobs.put',
  input: object({
    data: instance(Blob),
    mediaType: optional(mediaType, ''),
    isShared: boolean(),
    isSealed: optional(boolean(), false),
    isPinned: optional(boolean(), false),
  }),
  output: object({ cid: bytes32Id, size: count, key: nullable(bytes32Id) }),
  policy: 'self',
  idempotent: false,
  timeoutMs: noDeadline,
});

const progress = object({
  cid: bytes32Id,
  state: picklist(['waiting', 'searching', 'fetching', 'no-room', 'complete']),
  /** Chunks here, of all; 0 of 0 until the manifest has come. */
  have: count,
  total: count,
  bytes: count,
  size: count,
  from: array(object({ device: bytes32Id, chunks: count })),
  /** Devices that gave a wrong chunk and are not asked for this blob again. */
  blamed: array(bytes32Id),
});
export type BlobProgress = InferOutput<typeof progress>;

/**
 * Fetches a blob from whichever neighbours have it, several at once. It stays wanted when the stream's reader leaves and over
 * restarts, until it is whole or `blobs.cancel` is called; asking again shows how far it is.
 */
export const blobsFetch = define({
  name: 'blobs.fetch',
  input: object({ cid: bytes32Id, isPinned: optional(boolean(), false) }),
  output: progress,
  item: progress,
  policy: 'self',
  timeoutMs: noDeadline,
});

/** Ends a fetch; what has come stays until its room is needed. */
export const blobsCancel = define({ name: 'blobs.cancel', input: cidOnly, output: object({}), policy: 'self' });

/** The bytes of a blob in order, or `length` of them from byte `from` on; `key` opens a sealed one. */
export const blobsRead = define({
  name: 'blobs.read',
  input: object({
    cid: bytes32Id,
    from: optional(count, 0),
    length: optional(count, Number.MAX_SAFE_INTEGER),
    key: optional(bytes32Id),
  }),
  output: object({ size: count, mediaType: string() }),
  item: object({ bytes: instance(Uint8Array) }),
  policy: 'self',
  timeoutMs: noDeadline,
});

const blob = object({
  cid: bytes32Id,
  size: count,
  mediaType: string(),
  have: count,
  total: count,
  isPinned: boolean(),
  isShared: boolean(),
  /** It is being fetched, or waits for a neighbour who has it. */
  isWanted: boolean(),
  holders: array(shortText),
  usedAt: count,
});
const blobs = object({
  /** The ones used last first. */
  blobs: pipe(array(blob), maxLength(limits.blobsMax)),
  usedBytes: count,
  quotaBytes: count,
  /** What would make way for something else. */
  evictableBytes: count,
  /** disk: kept over restarts; memory: this browser has no private file system, everything is gone when the app closes. */
  keptIn: picklist(['disk', 'memory']),
});
export type BlobList = InferOutput<typeof blobs>;

/** What lies here and what room it takes; a snapshot now and at every change. */
export const blobsList = define({
  name: 'blobs.list',
  input: object({ most: optional(count, 500) }),
  output: blobs,
  item: blobs,
  policy: 'self',
  timeoutMs: noDeadline,
});

export const blobsPin = define({ name: 'blobs.pin', input: cidOnly, output: object({}), policy: 'self' });
export const blobsUnpin = define({ name: 'blobs.unpin', input: cidOnly, output: object({}), policy: 'self' });

/** Removes a blob from this device and ends its fetch; refused while something here still needs it. */
export const blobsRemove = define({ name: 'blobs.remove', input: cidOnly, output: object({}), policy: 'self' });

/** What this device has of these blobs, in their order. Private ones look as if they were not here, whoever asks. */
export const blobsHave = define({
  name: 'blobs.have',
  input: object({
    cids: pipe(array(bytes32Id), minLength(1), maxLength(limits.blobsAskedAtOnceMax)),
  }),
  output: object({
    have: array(
      object({
        has: picklist(['none', 'some', 'all']),
        /** One bit a chunk, lowest first, where it is `some`; else empty. */
        bitmap: instance(Uint8Array),
      }),
    ),
  }),
  policy: 'member',
  routable: true,
  maxConcurrent: 16,
  cost: 'cheap',
});
