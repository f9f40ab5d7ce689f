import { openBox, type Box } from '../crypto/box.ts';
import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Mailbox } from '../kernel/ports/mailbox.ts';
import { ledgersOf, openBoxLedger, type BoxLedger, type LedgerDeps } from './box-ledger.ts';
import type { Shelf } from './box-reader.ts';

/** The boxes of the community keys this device can open, at every relay it has met; opened once and remembered, bounded. */
export const createShelves = (deps: LedgerDeps) => {
  const boxesByKey = new Map<string, Promise<Box>>();
  const ledgersByPlace = new Map<string, Promise<BoxLedger>>();

  const boxOf = (key: Bytes): Promise<Box> =>
    remember(boxesByKey, bytesToText(key), 2 * (1 + limits.olderEpochsMax), () => openBox(deps.crypto, key));

  return {
    /** Up to where lanes lay in the box of this key when this device last looked, before it has looked again. */
    before: async (key: Bytes): Promise<ReadonlyMap<string, number>> => ledgersOf(deps, (await boxOf(key)).key.id),
    /** Of the oldest key first; the last is where is written. `keys`: the current one first. */
    at: async (mailbox: Mailbox, keys: readonly Bytes[]): Promise<Shelf[]> => {
      const shelves: Shelf[] = [];
      for (const key of keys.toReversed()) {
        const box = await boxOf(key);
        const before = shelves.at(-1)?.ledger ?? null;
        const place = `${bytesToText(box.key.id)} ${mailbox.url}`;
        const ledger = await remember(ledgersByPlace, place, limits.boxLedgersMax, () =>
          openBoxLedger(deps, { url: mailbox.url, box: box.key.id, before }),
        );
        shelves.push({ mailbox, communityKey: key, box, ledger });
      }
      return shelves;
    },
  };
};

const remember = <T>(map: Map<string, Promise<T>>, key: string, most: number, make: () => Promise<T>): Promise<T> => {
  const known = map.get(key);
  if (known) return known;
  const [oldest] = map.keys();
  if (map.size >= most && oldest !== undefined) map.delete(oldest);
  const made = make();
  map.set(key, made);
  return made;
};
