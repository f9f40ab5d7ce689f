import { boxPlainBytesMax, type Box } from '../crypto/box.ts';
import { limits } from '../kernel/limits.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Mailbox } from '../kernel/ports/mailbox.ts';
import { emptyItem, encodeBoxItem, type BoxItem } from './box-item.ts';
import type { Shelf } from './box-reader.ts';
import { dueBatches, type Here, type Wanted } from './due-events.ts';

export type WriterDeps = {
  readonly random: Random;
  readonly here: Here;
  onRefused(reason: string): void;
};

/** Seals one item and has the relay keep it; true when it lies on its disk. */
export const putItem = async (
  { random, onRefused }: WriterDeps,
  { mailbox, box }: { readonly mailbox: Mailbox; readonly box: Box },
  item: Partial<BoxItem>,
): Promise<boolean> => {
  const sealed = await box.seal(random, encodeBoxItem({ ...emptyItem, ...item }));
  if (!sealed) {
    onRefused('box-item-too-large');
    return false;
  }
  const kept = await mailbox.put(box.key, sealed, limits.mailKeepMs);
  if (!kept.ok) onRefused(`box-put ${kept.error.reason}`);
  return kept.ok;
};

/**
 * Hands on what is due in this box, and notes what the relay has kept. False when something is left for the next look: the relay
 * refused, or it is a lot.
 */
export const putDue = async (
  deps: WriterDeps,
  { mailbox, box, ledger }: Shelf,
  wanted: Omit<Wanted, 'bytesMax'>,
): Promise<boolean> => {
  let puts = 0;
  // Beside the events an item has its own few bytes.
  for (const { events, reached } of dueBatches(deps.here, ledger, { ...wanted, bytesMax: boxPlainBytesMax - 32 })) {
    if (events.length > 0) {
      if (puts >= limits.boxPutsPerLookMax) return false;
      puts += 1;
      if (!(await putItem(deps, { mailbox, box }, { events }))) return false;
    }
    for (const [place, next] of reached) ledger.note(place, next);
    await ledger.save();
  }
  return true;
};
