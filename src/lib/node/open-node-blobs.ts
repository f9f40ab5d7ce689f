import { openBlobs } from '../blobs/open-blobs.ts';
import { limits } from '../kernel/limits.ts';
import type { Blobs } from '../kernel/ports/blobs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import { openOpfsBlobDisk } from '../stores/opfs-blobs.ts';

/** The folder of the blobs in the origin's private file system. */
export const blobFolder = 'hearthnet-blobs';

/** Where there is no private file system, blobs are kept in memory: few, and gone when the app closes. */
const memoryQuotaBytes = 64 * 1024 * 1024;
/** The share of what the browser grants this origin that blobs may take: the log must never be the one without room. */
const blobShare = 0.7;

/** The blobs of this browser. How much room there is, is asked once, at the start. */
export const openNodeBlobs = async (deps: {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
}): Promise<Blobs> => {
  const disk = await openOpfsBlobDisk({ random: deps.random, folder: blobFolder });
  if (!disk) {
    const { createMemoryBlobDisk } = await import('../stores/memory-blobs.ts');
    return openBlobs({ ...deps, disk: createMemoryBlobDisk(), quotaBytes: () => memoryQuotaBytes });
  }
  const { quota = limits.blobQuotaBytesMax } = await navigator.storage.estimate();
  const quotaBytes = Math.min(limits.blobQuotaBytesMax, Math.floor(quota * blobShare));
  return openBlobs({ ...deps, disk, quotaBytes: () => quotaBytes });
};
