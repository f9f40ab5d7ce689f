import { decodeCbor, encodeCbor, isCborCount, isCborList, isCborMap } from '../kernel/codec.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';

/** The facts of one blob on this device, beside its manifest: who needs it, whether neighbours may have it, when it was last used. */
export type BlobRecord = {
  readonly holders: readonly string[];
  readonly isPinned: boolean;
  readonly isShared: boolean;
  readonly usedAt: number;
};

export const encodeRecord = ({ holders, isPinned, isShared, usedAt }: BlobRecord): Bytes =>
  encodeCbor({
    v: 1,
    holders: [...holders].sort(),
    pinned: isPinned,
    shared: isShared,
    used: Math.max(0, Math.floor(usedAt)),
  });

/** What a record that the disk lost or spoiled stands for: kept for good and shown to nobody, so that neither data nor privacy is lost. */
export const unreadableRecord: BlobRecord = { holders: [], isPinned: true, isShared: false, usedAt: 0 };

/** null for what this code did not write. */
export const parseRecord = (bytes: Uint8Array): BlobRecord | null => {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isCborMap(decoded.value)) return null;
  const { v, holders, pinned, shared, used } = decoded.value;
  if (v !== 1 || !isCborList(holders) || holders.length > limits.blobHoldersMax || !isCborCount(used)) return null;
  if (typeof pinned !== 'boolean' || typeof shared !== 'boolean') return null;
  const names = holders.filter((holder) => typeof holder === 'string');
  return names.length === holders.length ? { holders: names, isPinned: pinned, isShared: shared, usedAt: used } : null;
};
