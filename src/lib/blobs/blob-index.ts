import { bytesToText } from '../kernel/ids.ts';
import type { BlobView } from '../kernel/ports/blobs.ts';
import type { BlobRecord } from './blob-record.ts';
import { chunkCountOf, chunkLengthOf, type Manifest } from './manifest.ts';

/** One blob as it is known in memory. `names` are the file names of its chunks in order, the hash as text. */
export type BlobEntry = {
  readonly cid: string;
  readonly manifest: Manifest;
  readonly manifestBytes: number;
  readonly names: readonly string[];
  record: BlobRecord;
  /** Chunks here now. */
  have: number;
  /** Readers and writers that must not lose it now. */
  holds: number;
};

/** Names of the chunk files of a manifest, in order. */
export const chunkNamesOf = ({ size, hashes }: Manifest): string[] =>
  Array.from({ length: chunkCountOf(size) }, (_, index) => bytesToText(hashes.subarray(index * 32, (index + 1) * 32)));

/**
 * Which blobs are known, which chunks lie on the disk, and who needs which chunk: two blobs may share one. A chunk that no blob
 * names any more is garbage. Nothing here touches the disk.
 */
export const createBlobIndex = () => {
  const entries = new Map<string, BlobEntry>();
  /** Blobs that name a chunk, once for each place; a running put names its chunks under a text of its own. */
  const usersByChunk = new Map<string, string[]>();
  const bytesByChunk = new Map<string, number>();
  let usedBytes = 0;

  const countHave = (name: string, by: 1 | -1): void => {
    for (const user of usersByChunk.get(name) ?? []) {
      const entry = entries.get(user);
      if (entry) entry.have += by;
    }
  };
  /** True when nobody needs the chunk any more. */
  const leave = (name: string, user: string): boolean => {
    const users = usersByChunk.get(name) ?? [];
    const at = users.indexOf(user);
    if (at >= 0) users.splice(at, 1);
    if (users.length === 0) usersByChunk.delete(name);
    return users.length === 0;
  };
  const use = (name: string, user: string): void => {
    const users = usersByChunk.get(name);
    if (users) users.push(user);
    else usersByChunk.set(name, [user]);
  };

  return {
    use,
    leave,
    isUsed: (name: string): boolean => usersByChunk.has(name),
    get: (cid: string): BlobEntry | undefined => entries.get(cid),
    all: (): BlobEntry[] => [...entries.values()],
    count: (): number => entries.size,
    add: (cid: string, manifest: Manifest, manifestBytes: number, record: BlobRecord): BlobEntry => {
      const names = chunkNamesOf(manifest);
      const have = names.filter((name) => bytesByChunk.has(name)).length;
      const entry: BlobEntry = { cid, manifest, manifestBytes, names, record, have, holds: 0 };
      entries.set(cid, entry);
      usedBytes += manifestBytes;
      for (const name of names) use(name, cid);
      return entry;
    },
    /** Forgets a blob; the chunks that nobody names now, for the disk to remove. */
    drop: (entry: BlobEntry): string[] => {
      if (!entries.delete(entry.cid)) return [];
      usedBytes -= entry.manifestBytes;
      return [...new Set(entry.names.filter((name) => leave(name, entry.cid)))].filter((name) =>
        bytesByChunk.has(name),
      );
    },
    isOnDisk: (name: string): boolean => bytesByChunk.has(name),
    arrived: (name: string, bytes: number): void => {
      if (bytesByChunk.has(name)) return;
      bytesByChunk.set(name, bytes);
      usedBytes += bytes;
      countHave(name, 1);
    },
    gone: (name: string): void => {
      const bytes = bytesByChunk.get(name);
      if (bytes === undefined) return;
      bytesByChunk.delete(name);
      usedBytes -= bytes;
      countHave(name, -1);
    },
    usedBytes: (): number => usedBytes,
    /** Bytes that evicting this blob alone would free at least. */
    bytesOf: (entry: BlobEntry): number => entry.manifestBytes + bytesHere(entry, bytesByChunk),
  };
};
export type BlobIndex = ReturnType<typeof createBlobIndex>;

const bytesHere = ({ names }: BlobEntry, bytesByChunk: ReadonlyMap<string, number>): number => {
  let total = 0;
  for (const name of new Set(names)) total += bytesByChunk.get(name) ?? 0;
  return total;
};

export const isEvictable = ({ record, holds }: BlobEntry): boolean =>
  holds === 0 && !record.isPinned && record.holders.length === 0;

/** Bytes that are still to come. */
export const missingBytesOf = ({ manifest, names }: BlobEntry, isOnDisk: (name: string) => boolean): number =>
  names.reduce((total, name, index) => total + (isOnDisk(name) ? 0 : chunkLengthOf(manifest.size, index)), 0);

export const viewOf = ({ cid, manifest, names, record, have }: BlobEntry): BlobView => ({
  cid,
  size: manifest.size,
  mediaType: manifest.mediaType,
  have,
  total: names.length,
  holders: record.holders,
  isPinned: record.isPinned,
  isShared: record.isShared,
  usedAt: record.usedAt,
});
