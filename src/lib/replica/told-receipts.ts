import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';

/** Which receipts have gone over one link, either way, so that what is told by and by is told once. */
export const createToldReceipts = () => {
  const told = new Set<string>();
  return {
    has: (receipt: Bytes): boolean => told.has(markOf(receipt)),
    note: (receipt: Bytes): void => {
      // What was forgotten is told twice, some time.
      if (told.size >= limits.overlayTreesMax) told.clear();
      told.add(markOf(receipt));
    },
  };
};
export type ToldReceipts = ReturnType<typeof createToldReceipts>;

/** Its last bytes, a signature, tell a receipt from any other. */
const markOf = (receipt: Bytes): string => bytesToText(receipt.subarray(-24));
