import { expose } from 'comlink';
import type { BlobDisk, BlobFolder } from '../../src/lib/kernel/ports/blobs.ts';
import { platformRandom as random } from '../../src/lib/node/platform.ts';
import { openOpfsBlobDisk } from '../../src/lib/stores/opfs-blobs.ts';

let disk: BlobDisk | null = null;
const opened = (): BlobDisk => {
  if (!disk) throw new Error('not opened');
  return disk;
};

/** The disk as the node's worker has it, for a test on the page: sync access handles exist in workers only. */
const remote = {
  open: async (folder: string): Promise<BlobDisk['kind'] | null> => {
    disk = await openOpfsBlobDisk({ random, folder });
    return disk?.kind ?? null;
  },
  names: (folder: BlobFolder) => opened().names(folder),
  read: (folder: BlobFolder, name: string) => opened().read(folder, name),
  write: (folder: BlobFolder, name: string, bytes: Uint8Array) => opened().write(folder, name, bytes),
  remove: (folder: BlobFolder, name: string) => opened().remove(folder, name),
  sweep: () => opened().sweep(),
};
export type RemoteDisk = typeof remote;
expose(remote);
