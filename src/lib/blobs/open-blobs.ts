import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { BlobDisk, Blobs } from '../kernel/ports/blobs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import { err, ok } from '../kernel/result.ts';
import { bitmapOf, createBlobChunks } from './blob-chunks.ts';
import { chunkNamesOf, createBlobIndex, missingBytesOf, viewOf } from './blob-index.ts';
import { createBlobListeners } from './blob-listeners.ts';
import { createBlobRecords, withHolder, type BlobRecords } from './blob-records.ts';
import { createBlobSpace } from './blob-space.ts';
import { loadBlobs } from './load-blobs.ts';
import { parseManifest } from './manifest.ts';
import { releaseChunks, writeChunks } from './put-blob.ts';
import { readRange } from './read-blob.ts';

export type BlobsDeps = {
  readonly disk: BlobDisk;
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  /** How many bytes all blobs together may take; asked each time. */
  readonly quotaBytes?: () => number;
};

/** A blob read again within this time is not noted as used again: a film would write its record once a chunk. */
const useNotedEveryMs = 60_000;

/** Opens the blobs of this device: sweeps the disk, reads what is there, and from then on keeps index and disk in step. */
export const openBlobs = async (deps: BlobsDeps): Promise<Blobs> => {
  const { disk, crypto, clock, quotaBytes = () => limits.blobQuotaBytesMax } = deps;
  const index = createBlobIndex();
  const lost = await loadBlobs(disk, crypto, index);
  const space = createBlobSpace({ disk, index, quotaBytes });
  const listeners = createBlobListeners();
  const records = createBlobRecords({ disk, index, space, clock, lost, changed: listeners.changed });
  const { putChunk, readChunk } = createBlobChunks({ disk, crypto, index, space, listeners });
  const parts: Parts = { ...deps, index, space, records };

  const read: Blobs['read'] = async function* (cid, range = {}) {
    const entry = index.get(cid);
    if (!entry) return err('unknown-blob');
    entry.holds += 1;
    try {
      if (clock.now() - entry.record.usedAt >= useNotedEveryMs)
        await records.change(cid, (record) => ({ ...record, usedAt: clock.now() }));
      return yield* readRange(crypto, entry, range, (at) => readChunk(cid, at));
    } finally {
      entry.holds -= 1;
    }
  };

  return {
    kind: disk.kind,
    put: putWith(parts),
    begin: beginWith(parts),
    putChunk,
    readChunk,
    read,
    hold: (cid) => {
      const entry = index.get(cid);
      let isOver = entry === undefined;
      if (entry) entry.holds += 1;
      return () => {
        if (!isOver && entry) entry.holds -= 1;
        isOver = true;
      };
    },
    remove: records.remove,
    view: (cid) => {
      const entry = index.get(cid);
      return entry ? viewOf(entry) : null;
    },
    list: () => index.all().map(viewOf),
    lost: () => [...lost.keys()],
    manifest: async (cid) => (index.get(cid) ? disk.read('manifests', cid) : null),
    hasChunk: (cid, at) => index.isOnDisk(index.get(cid)?.names[at] ?? ''),
    bitmap: (cid) => {
      const entry = index.get(cid);
      return entry ? bitmapOf(entry, index.isOnDisk) : null;
    },
    ref: (cid, holder) => records.change(cid, (record) => withHolder(record, holder)),
    unref: (cid, holder) =>
      records.change(cid, (record) => ({ ...record, holders: record.holders.filter((each) => each !== holder) })),
    pin: (cid, isPinned) => records.change(cid, (record) => ({ ...record, isPinned })),
    share: (cid, isShared) => records.change(cid, (record) => ({ ...record, isShared })),
    usage: () => ({
      usedBytes: index.usedBytes(),
      quotaBytes: quotaBytes(),
      evictableBytes: space.evictableBytes(),
    }),
    onChange: listeners.onChange,
    onChunk: listeners.onChunk,
    onDamaged: listeners.onDamaged,
  };
};

type Parts = BlobsDeps & {
  readonly index: ReturnType<typeof createBlobIndex>;
  readonly space: ReturnType<typeof createBlobSpace>;
  readonly records: BlobRecords;
};

const putWith = (parts: Parts): Blobs['put'] => {
  const { records, random, clock } = parts;
  let puts = 0;
  return async (source, wish) => {
    const { expectedBytes = 0 } = wish;
    if (expectedBytes > limits.blobBytesMax) return err('too-large');
    if (!parts.space.couldFit(expectedBytes)) return err('quota-full');
    const key = wish.isSealed === true ? random.bytes(32) : null;
    const user = `put ${(puts += 1)}`;
    const written = await writeChunks(parts, user, source, wish, key);
    if (!written.ok) return written;
    const { cid, manifest, bytes } = written.value;
    const stored = await records.store(cid, manifest, bytes, wish.isShared);
    await releaseChunks(parts, user, chunkNamesOf(manifest));
    if (!stored.ok) return stored;
    const { holder, isPinned, isShared } = wish;
    const noted = await records.change(cid, (record) =>
      withHolder(
        {
          ...record,
          isPinned: record.isPinned || isPinned === true,
          isShared: record.isShared || isShared,
          usedAt: clock.now(),
        },
        holder,
      ),
    );
    stored.value.holds -= 1;
    return noted.ok ? ok({ cid, size: manifest.size, key }) : noted;
  };
};

const beginWith =
  ({ crypto, index, space, records }: Parts): Blobs['begin'] =>
  async (cid, bytes, { isShared }) => {
    const parsed = parseManifest(bytes);
    if (!parsed.ok || bytesToText(await crypto.sha256(bytes)) !== cid) return err('wrong-manifest');
    const known = index.get(cid);
    const comingBytes = known ? missingBytesOf(known, index.isOnDisk) : parsed.value.size + bytes.length;
    if (!space.couldFit(comingBytes)) return err('quota-full');
    const stored = await records.store(cid, parsed.value, new Uint8Array(bytes), isShared);
    if (!stored.ok) return stored;
    stored.value.holds -= 1;
    return ok(undefined);
  };
