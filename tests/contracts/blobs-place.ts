import { openBlobs } from '../../src/lib/blobs/open-blobs.ts';
import type { BlobDisk, BlobFolder, Blobs } from '../../src/lib/kernel/ports/blobs.ts';
import type { CryptoPort } from '../../src/lib/kernel/ports/crypto.ts';
import { createSeededRandom, createVirtualClock, type VirtualClock } from './transport-world.ts';

/** A disk that keeps what was written: every `disk` is one more process on it. */
export type BlobPlace = {
  readonly crypto: CryptoPort;
  disk(): Promise<BlobDisk>;
  /** What a damaged disk does to a file. */
  overwrite(folder: BlobFolder, name: string, bytes: Uint8Array): Promise<void>;
  /** Every file of every name, half-written ones too, as `folder/name`. */
  files(): Promise<string[]>;
  dispose(): Promise<void>;
};

export type OpenWish = {
  readonly quotaBytes?: number;
  /** The process ends at its k-th operation on the disk, k counted from 1. */
  readonly breaksAt?: number;
  /** Writes are refused from the k-th on. */
  readonly fullAt?: number;
};

export type OpenPlace = { readonly blobs: Blobs; readonly clock: VirtualClock; operations(): number };

export const openPlace = async (place: BlobPlace, wish: OpenWish = {}): Promise<OpenPlace> => {
  const clock = createVirtualClock();
  const counted = withFaults(await place.disk(), wish);
  const { quotaBytes } = wish;
  const blobs = await openBlobs({
    disk: counted.disk,
    crypto: place.crypto,
    clock,
    random: createSeededRandom(7 + Math.floor(Math.random() * 1e9)),
    ...(quotaBytes === undefined ? {} : { quotaBytes: () => quotaBytes }),
  });
  return { blobs, clock, operations: counted.operations };
};

const withFaults = (disk: BlobDisk, { breaksAt = 0, fullAt = 0 }: OpenWish) => {
  let operations = 0;
  let writes = 0;
  let isDead = false;
  const step = (): void => {
    operations += 1;
    if (operations === breaksAt) isDead = true;
    if (isDead) throw Object.assign(new Error('the device stopped here'), { name: 'SimulatedCrash' });
  };
  const wrapped: BlobDisk = {
    kind: disk.kind,
    names: async (folder) => (step(), disk.names(folder)),
    read: async (folder, name) => (step(), disk.read(folder, name)),
    remove: async (folder, name) => (step(), disk.remove(folder, name)),
    sweep: async () => (step(), disk.sweep()),
    write: async (folder, name, bytes) => {
      step();
      writes += 1;
      if (fullAt > 0 && writes >= fullAt) return { ok: false, error: 'quota-full' };
      return disk.write(folder, name, bytes);
    },
  };
  return { disk: wrapped, operations: () => operations };
};

/** Bytes that are not all the same, the same for the same seed. */
export const bytesOf = (length: number, seed = 1): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
};

/** A source that comes in parts of an odd length. */
export const streamOf = async function* (bytes: Uint8Array, part = 100_003): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += part) yield bytes.subarray(at, at + part);
};

export const areSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

export const readAll = async (
  blobs: Blobs,
  cid: string,
  range: Parameters<Blobs['read']>[1] = {},
): Promise<{ bytes: Uint8Array; end: unknown }> => {
  const parts: Uint8Array[] = [];
  const items = blobs.read(cid, range);
  for (;;) {
    const step = await items.next();
    if (step.done) {
      const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
      let at = 0;
      for (const part of parts) {
        bytes.set(part, at);
        at += part.length;
      }
      return { bytes, end: step.value };
    }
    parts.push(step.value);
  }
};

export const isCrash = (error: unknown): boolean => error instanceof Error && error.name === 'SimulatedCrash';
