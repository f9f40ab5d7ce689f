import { bytesToText } from '../kernel/ids.ts';
import type { BlobDisk } from '../kernel/ports/blobs.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import type { BlobIndex } from './blob-index.ts';
import { parseRecord, unreadableRecord, type BlobRecord } from './blob-record.ts';
import { chunkLengthOf, parseManifest } from './manifest.ts';

/**
 * Reads what lies on the disk into the index and sweeps what an end in the middle left: half-written files, chunks that no
 * manifest names, records of blobs that were never begun. A manifest that does not hash to its name is removed; when somebody
 * holds that blob its record is answered by cid, to be fetched anew. Which chunks are here is read off the disk, never remembered.
 */
export const loadBlobs = async (
  disk: BlobDisk,
  crypto: CryptoPort,
  index: BlobIndex,
): Promise<Map<string, BlobRecord>> => {
  await disk.sweep();
  const lost = new Map<string, BlobRecord>();
  const recordNames = new Set(await disk.names('records'));
  for (const cid of await disk.names('manifests')) {
    const bytes = await disk.read('manifests', cid);
    const isGenuine = bytes !== null && bytesToText(await crypto.sha256(bytes)) === cid;
    const manifest = isGenuine ? parseManifest(bytes) : null;
    if (!bytes || !manifest?.ok) {
      await disk.remove('manifests', cid);
      continue;
    }
    recordNames.delete(cid);
    index.add(cid, manifest.value, bytes.length, (await readRecord(disk, cid)) ?? unreadableRecord);
  }
  for (const cid of recordNames) {
    const record = await readRecord(disk, cid);
    if (record && (record.holders.length > 0 || record.isPinned)) lost.set(cid, record);
    else await disk.remove('records', cid);
  }
  const sizes = chunkSizes(index);
  for (const name of await disk.names('chunks')) {
    const bytes = sizes.get(name);
    if (bytes === undefined) await disk.remove('chunks', name);
    else index.arrived(name, bytes);
  }
  return lost;
};

const readRecord = async (disk: BlobDisk, cid: string): Promise<BlobRecord | null> => {
  const bytes = await disk.read('records', cid);
  return bytes && parseRecord(bytes);
};

const chunkSizes = (index: BlobIndex): Map<string, number> => {
  const sizes = new Map<string, number>();
  for (const { names, manifest } of index.all())
    names.forEach((name, at) => sizes.set(name, chunkLengthOf(manifest.size, at)));
  return sizes;
};
