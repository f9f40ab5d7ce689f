import { openBlobs } from '../../src/lib/blobs/open-blobs.ts';
import type { Blobs } from '../../src/lib/kernel/ports/blobs.ts';
import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import type { CryptoPort } from '../../src/lib/kernel/ports/crypto.ts';
import type { Random } from '../../src/lib/kernel/ports/random.ts';
import {
  createMemoryBlobDisk,
  createMemoryBlobFiles,
  type MemoryBlobFiles,
} from '../../src/lib/stores/memory-blobs.ts';

/** Blobs in this process; on the same files they are the same device started anew. */
export const openMemoryBlobs = (deps: {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly files?: MemoryBlobFiles;
  readonly quotaBytes?: () => number;
}): Promise<Blobs> =>
  openBlobs({ ...deps, disk: createMemoryBlobDisk({ files: deps.files ?? createMemoryBlobFiles() }) });
