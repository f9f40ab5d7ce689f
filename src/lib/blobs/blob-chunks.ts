import { bytesToText } from '../kernel/ids.ts';
import type { BlobDisk, BlobRefusal, Blobs } from '../kernel/ports/blobs.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { BlobEntry, BlobIndex } from './blob-index.ts';
import type { BlobListeners } from './blob-listeners.ts';
import type { BlobSpace } from './blob-space.ts';
import { chunkLengthOf } from './manifest.ts';

export type BlobChunksDeps = {
  readonly disk: BlobDisk;
  readonly crypto: CryptoPort;
  readonly index: BlobIndex;
  readonly space: BlobSpace;
  readonly listeners: BlobListeners;
};

/** Single chunks in and out, each compared with the hash that its manifest names: nothing else is stored or handed out. */
export const createBlobChunks = ({ disk, crypto, index, space, listeners }: BlobChunksDeps) => {
  const isGenuine = async (name: string, bytes: Uint8Array): Promise<boolean> =>
    bytesToText(await crypto.sha256(bytes)) === name;

  const find = (cid: string, at: number): Result<{ entry: BlobEntry; name: string }, BlobRefusal> => {
    const entry = index.get(cid);
    const name = entry?.names[at];
    if (!entry) return err('unknown-blob');
    return name === undefined ? err('unknown-chunk') : ok({ entry, name });
  };

  const putChunk: Blobs['putChunk'] = async (cid, at, bytes) => {
    const found = find(cid, at);
    if (!found.ok) return found;
    const { entry, name } = found.value;
    if (bytes.length !== chunkLengthOf(entry.manifest.size, at)) return err('wrong-length');
    if (!(await isGenuine(name, bytes))) return err('wrong-chunk');
    if (index.isOnDisk(name)) return ok(false);
    entry.holds += 1;
    const written = await space.writeChunk(name, bytes).finally(() => (entry.holds -= 1));
    if (!written.ok) return written;
    // Removed while its last bytes were written: then nobody names the chunk any more.
    if (!index.isUsed(name)) await space.removeChunk(name);
    listeners.chunk(cid, at);
    return ok(true);
  };

  const readChunk = async (cid: string, at: number): Promise<Result<Bytes, BlobRefusal>> => {
    const found = find(cid, at);
    if (!found.ok) return found;
    const { name } = found.value;
    if (!index.isOnDisk(name)) return err('not-here');
    const bytes = await disk.read('chunks', name);
    if (bytes && (await isGenuine(name, bytes))) return ok(bytes);
    // It may have been evicted while it was read; else the disk has spoiled it.
    if (!index.isOnDisk(name)) return err('not-here');
    await space.removeChunk(name);
    listeners.damaged(cid);
    return err('damaged');
  };
  return { putChunk, readChunk };
};

/** One bit a chunk, lowest bit first. */
export const bitmapOf = ({ names }: BlobEntry, isOnDisk: (name: string) => boolean): Bytes => {
  const bitmap = new Uint8Array(Math.ceil(names.length / 8));
  names.forEach((name, at) => {
    if (isOnDisk(name)) bitmap[at >> 3] = (bitmap[at >> 3] ?? 0) | (1 << (at & 7));
  });
  return bitmap;
};

export const hasBit = (bitmap: Uint8Array, at: number): boolean => ((bitmap[at >> 3] ?? 0) & (1 << (at & 7))) !== 0;
