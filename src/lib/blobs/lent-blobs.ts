import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Place } from './bulk-frames.ts';

/** A sealed blob in memory for one device: its manifest and its chunks as they travel. */
export type LentBlob = { readonly device: string; readonly manifest: Bytes; readonly chunks: readonly Bytes[] };

/** The blobs lent for calls that run. For everybody but the device it is lent to a lent blob looks as if it were not here. */
export const createLentBlobs = () => {
  const blobsByCid = new Map<string, LentBlob>();
  return {
    lend: (cid: string, blob: LentBlob): void => void blobsByCid.set(cid, blob),
    release: (cid: string): void => void blobsByCid.delete(cid),
    read: (device: string, cid: string, at: Place): Bytes | null => {
      const blob = blobsByCid.get(cid);
      if (blob?.device !== device) return null;
      return at === null ? blob.manifest : (blob.chunks[at] ?? null);
    },
    size: (): number => blobsByCid.size,
  };
};
export type LentBlobs = ReturnType<typeof createLentBlobs>;
