import type { BlobDisk, BlobFolder } from '../kernel/ports/blobs.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err, ok } from '../kernel/result.ts';

/** What survives a crash: keep it, and open a new disk on it. Half-written files have names that no reader asks for. */
export type MemoryBlobFiles = { readonly [name in BlobFolder]: Map<string, Bytes> };

/**
 * What happens to one step on the disk instead of its success. crash: the process ends before it; crash-after: after it;
 * quota-full, disk-failed: a write is refused (any other step goes on).
 */
export type BlobDiskFault = 'crash' | 'crash-after' | 'quota-full' | 'disk-failed';

export type MemoryBlobDiskOptions = {
  readonly files?: MemoryBlobFiles;
  /** Asked before the n-th step of this disk, n counted from 1. A write has two: its bytes, and the move to its place. */
  readonly beforeStep?: (n: number) => BlobDiskFault | null;
};

export const createMemoryBlobFiles = (): MemoryBlobFiles => ({
  chunks: new Map(),
  manifests: new Map(),
  records: new Map(),
});

const namePattern = /^[A-Za-z0-9_-]{43}$/;

/** A blob disk in memory, for tests, the simulator and browsers without a private file system. */
export const createMemoryBlobDisk = ({
  files = createMemoryBlobFiles(),
  beforeStep = () => null,
}: MemoryBlobDiskOptions = {}): BlobDisk => {
  let isCrashed = false;
  let steps = 0;
  let parts = 0;
  const crash = (): never => {
    isCrashed = true;
    throw Object.assign(new Error('the device stopped here, as the test wished'), { name: 'SimulatedCrash' });
  };
  const step = (act: () => void): BlobDiskFault | null => {
    if (isCrashed) return crash();
    const fault = beforeStep((steps += 1));
    if (fault === 'crash') return crash();
    if (fault === null || fault === 'crash-after') act();
    if (fault === 'crash-after') return crash();
    return fault;
  };
  const assertName = (name: string): void => {
    if (!namePattern.test(name)) throw new RangeError('blob disk: not a name of ours');
  };
  return {
    kind: 'memory',
    names: async (folder) => {
      step(() => undefined);
      return [...files[folder].keys()].filter((name) => namePattern.test(name));
    },
    read: async (folder, name) => {
      assertName(name);
      step(() => undefined);
      return files[folder].get(name)?.slice() ?? null;
    },
    write: async (folder, name, bytes) => {
      assertName(name);
      const part = `part-${(parts += 1)}-${steps}`;
      const place = files[folder];
      // What a crash leaves of a write is half of its bytes under another name.
      place.set(part, bytes.slice(0, bytes.length >> 1));
      const refused = step(() => place.set(part, new Uint8Array(bytes))) ?? step(() => movePart(place, part, name));
      if (refused === null) return ok(undefined);
      place.delete(part);
      return err(refused === 'quota-full' ? 'quota-full' : 'disk-failed');
    },
    remove: async (folder, name) => {
      assertName(name);
      step(() => files[folder].delete(name));
    },
    sweep: async () => {
      let swept = 0;
      step(() => {
        for (const place of Object.values(files)) {
          for (const name of [...place.keys()]) if (!namePattern.test(name) && place.delete(name)) swept += 1;
        }
      });
      return swept;
    },
  };
};

const movePart = (place: Map<string, Bytes>, part: string, name: string): void => {
  const bytes = place.get(part);
  place.delete(part);
  if (bytes) place.set(name, bytes);
};
