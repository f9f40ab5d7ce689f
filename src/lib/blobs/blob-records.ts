import { limits } from '../kernel/limits.ts';
import type { BlobDisk, BlobRefusal } from '../kernel/ports/blobs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { BlobEntry, BlobIndex } from './blob-index.ts';
import { encodeRecord, type BlobRecord } from './blob-record.ts';
import type { BlobSpace } from './blob-space.ts';
import type { Manifest } from './manifest.ts';

export type BlobRecordsDeps = {
  readonly disk: BlobDisk;
  readonly index: BlobIndex;
  readonly space: BlobSpace;
  readonly clock: Clock;
  /** Records of blobs whose manifest did not survive: taken up again when the manifest comes. */
  readonly lost: Map<string, BlobRecord>;
  readonly changed: () => void;
};

/** Manifests and records on the disk, one change after the other, each told as done only when it is written. */
export const createBlobRecords = ({ disk, index, space, clock, lost, changed }: BlobRecordsDeps) => {
  let work: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const turn = work.then(act, act);
    work = turn.catch(() => undefined);
    return turn;
  };
  const write = (cid: string, record: BlobRecord) => space.writeSmall('records', cid, encodeRecord(record));

  return {
    change: (cid: string, next: (record: BlobRecord) => BlobRecord | BlobRefusal): Promise<Result<void, BlobRefusal>> =>
      inTurn(async () => {
        const entry = index.get(cid);
        if (!entry) return err('unknown-blob');
        const record = next(entry.record);
        if (typeof record === 'string') return err(record);
        if (record === entry.record) return ok(undefined);
        entry.holds += 1;
        const written = await write(cid, record).finally(() => (entry.holds -= 1));
        if (written.ok) entry.record = record;
        changed();
        return written;
      }),

    /** A record without holders, then the manifest: an end between the two leaves nothing that anybody was told of. Held once. */
    store: (
      cid: string,
      manifest: Manifest,
      bytes: Bytes,
      isShared: boolean,
    ): Promise<Result<BlobEntry, BlobRefusal>> =>
      inTurn(async () => {
        const known = index.get(cid);
        if (known) return ok(heldOnce(known));
        if (index.count() >= limits.blobsMax && !(await space.evictOne())) return err('too-many');
        const before = lost.get(cid);
        const record = before ?? { holders: [], isPinned: false, isShared, usedAt: clock.now() };
        const written = before ? ok(undefined) : await write(cid, record);
        if (!written.ok) return written;
        const stored = await space.writeSmall('manifests', cid, bytes);
        if (!stored.ok) {
          if (!before) await disk.remove('records', cid);
          return stored;
        }
        lost.delete(cid);
        return ok(heldOnce(index.add(cid, manifest, bytes.length, record)));
      }),

    remove: (cid: string): Promise<Result<void, BlobRefusal>> =>
      inTurn(async () => {
        const entry = index.get(cid);
        if (!entry) return err('unknown-blob');
        if (entry.record.holders.length > 0) return err('still-held');
        await space.forget(entry);
        changed();
        return ok(undefined);
      }),
  };
};
export type BlobRecords = ReturnType<typeof createBlobRecords>;

const heldOnce = (entry: BlobEntry): BlobEntry => {
  entry.holds += 1;
  return entry;
};

/** One more who needs it; naming somebody twice changes nothing. */
export const withHolder = (record: BlobRecord, holder: string | undefined): BlobRecord | BlobRefusal => {
  if (holder === undefined || record.holders.includes(holder)) return record;
  if (record.holders.length >= limits.blobHoldersMax || holder.length > limits.blobHolderCharsMax) return 'too-many';
  return { ...record, holders: [...record.holders, holder] };
};
