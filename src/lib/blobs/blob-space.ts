import type { BlobDisk, BlobRefusal } from '../kernel/ports/blobs.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { isEvictable, type BlobEntry, type BlobIndex } from './blob-index.ts';

/**
 * The room on the disk: what is written stays below the quota, and what nobody needs makes way, the blob unused for longest first.
 * Somebody's bytes are never removed for somebody else's: without anything to evict the answer is `quota-full`.
 */
export const createBlobSpace = (deps: {
  readonly disk: BlobDisk;
  readonly index: BlobIndex;
  readonly quotaBytes: () => number;
}) => {
  const { disk, index } = deps;
  const writing = new Map<string, Promise<Result<void, BlobRefusal>>>();
  const removing = new Map<string, Promise<void>>();
  let promisedBytes = 0;
  let evicting: Promise<unknown> = Promise.resolve();

  /** The manifest goes first: from then on its chunks are garbage, whatever interrupts us. */
  const forget = async (entry: BlobEntry): Promise<void> => {
    const garbage = index.drop(entry);
    await disk.remove('manifests', entry.cid);
    for (const name of garbage) {
      // Another blob may have begun to need it meanwhile.
      if (!index.isUsed(name)) await removeChunk(name);
    }
    await disk.remove('records', entry.cid);
  };

  const removeChunk = (name: string): Promise<void> => {
    index.gone(name);
    const work = disk.remove('chunks', name).finally(() => removing.delete(name));
    removing.set(name, work);
    return work;
  };

  const evictOne = async (): Promise<boolean> => {
    const oldest = index
      .all()
      .filter(isEvictable)
      .reduce<BlobEntry | null>((found, entry) => (found === null || isOlder(entry, found) ? entry : found), null);
    if (oldest) await forget(oldest);
    return oldest !== null;
  };
  /** One after the other, so that two who need room do not evict twice as much. */
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const turn = evicting.then(act, act);
    evicting = turn.catch(() => undefined);
    return turn;
  };

  const makeRoom = (bytes: number): Promise<boolean> =>
    inTurn(async () => {
      while (index.usedBytes() + promisedBytes + bytes > deps.quotaBytes()) if (!(await evictOne())) return false;
      promisedBytes += bytes;
      return true;
    });

  /** The browser may know of less room than the quota says: then one blob after the other makes way. */
  const writeMakingRoom = async (
    folder: 'chunks' | 'manifests' | 'records',
    name: string,
    bytes: Uint8Array,
  ): Promise<Result<void, BlobRefusal>> => {
    for (;;) {
      const written = await disk.write(folder, name, bytes);
      if (written.ok || written.error !== 'quota-full' || !(await inTurn(evictOne))) return written;
    }
  };

  const writeChunkNow = async (name: string, bytes: Uint8Array): Promise<Result<void, BlobRefusal>> => {
    // A chunk that was garbage a moment ago may be on its way out: what is written now must not go with it.
    await removing.get(name);
    if (!(await makeRoom(bytes.length))) return err('quota-full');
    try {
      const written = await writeMakingRoom('chunks', name, bytes);
      if (written.ok) index.arrived(name, bytes.length);
      return written;
    } finally {
      promisedBytes -= bytes.length;
    }
  };

  return {
    forget,
    removeChunk,
    /** Two who bring the same chunk at once write it once. */
    writeChunk: (name: string, bytes: Uint8Array): Promise<Result<void, BlobRefusal>> => {
      if (index.isOnDisk(name)) return Promise.resolve(ok(undefined));
      const running = writing.get(name);
      if (running) return running;
      const work = writeChunkNow(name, bytes).finally(() => writing.delete(name));
      writing.set(name, work);
      return work;
    },
    writeSmall: (folder: 'manifests' | 'records', name: string, bytes: Uint8Array) =>
      writeMakingRoom(folder, name, bytes),
    evictOne: (): Promise<boolean> => inTurn(evictOne),
    /** Whether so many bytes would fit if everything evictable went; before a fetch begins. */
    couldFit: (bytes: number): boolean => {
      const kept = index.all().filter((entry) => !isEvictable(entry));
      const keptBytes = kept.reduce((total, entry) => total + index.bytesOf(entry), 0);
      return keptBytes + promisedBytes + bytes <= deps.quotaBytes();
    },
    evictableBytes: (): number =>
      index.all().reduce((total, entry) => total + (isEvictable(entry) ? index.bytesOf(entry) : 0), 0),
  };
};
export type BlobSpace = ReturnType<typeof createBlobSpace>;

const isOlder = (a: BlobEntry, b: BlobEntry): boolean =>
  a.record.usedAt < b.record.usedAt || (a.record.usedAt === b.record.usedAt && a.cid < b.cid);
