import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../../src/lib/kernel/wire/signal.ts';
import { numberOf } from './schema.ts';

/** The rows of the mailboxes, each call inside its caller's transaction. A box is a ring: its oldest items make room for new ones. */
export type MailTable = {
  /** False when the bound on all mail leaves no room, also after what has expired is gone. */
  put(box: Uint8Array, nowMs: number, keepMs: number, item: Uint8Array): boolean;
  after(box: Uint8Array, number: number, most: number, nowMs: number): FoundMail;
  dropExpired(nowMs: number): void;
  totals(): { readonly items: number; readonly bytes: number };
  /** After a rollback: the totals are read from the file again. */
  recount(): void;
};

export type FoundMail = {
  readonly items: readonly Uint8Array<ArrayBuffer>[];
  /** The number of the last item found, or the one asked for. */
  readonly last: number;
  readonly hasMore: boolean;
};

export const createMailTable = (database: DatabaseSync): MailTable => {
  const prepared = prepareAll(database);
  let items = 0;
  let bytes = 0;

  const recount = (): void => {
    const row = prepared.totals.get();
    items = numberOf(row?.['items']);
    bytes = numberOf(row?.['cost']);
  };
  recount();

  const drop = (rows: readonly { readonly [column: string]: unknown }[]): void => {
    for (const { number, box, cost } of rows) {
      if (!(box instanceof Uint8Array)) throw new TypeError('a box is not bytes');
      prepared.deleteOne.run(numberOf(number));
      prepared.lessInBox.run(numberOf(cost), box);
      prepared.deleteIfEmpty.run(box);
      items -= 1;
      bytes -= numberOf(cost);
    }
  };

  const dropExpired = (nowMs: number): void => drop(prepared.expired.all(nowMs, limits.mailSweepItemsMax));

  const makeRoomInBox = (box: Uint8Array, cost: number): void => {
    while (numberOf(prepared.boxCost.get(box)?.['cost']) + cost > limits.mailBoxBytesMax)
      drop(prepared.oldest.all(box));
  };

  return {
    put: (box, nowMs, keepMs, item) => {
      const cost = item.length + limits.mailItemCostBytes;
      makeRoomInBox(box, cost);
      if (bytes + cost > limits.mailBytesMax) dropExpired(nowMs);
      if (bytes + cost > limits.mailBytesMax) return false;
      prepared.insert.run(box, nowMs + keepMs, cost, item);
      prepared.moreInBox.run(box, cost, cost);
      items += 1;
      bytes += cost;
      return true;
    },
    after: (box, number, most, nowMs) => {
      const found: Uint8Array<ArrayBuffer>[] = [];
      let last = number;
      let size = 0;
      for (const row of prepared.after.iterate(box, number, nowMs)) {
        const item = row['item'];
        if (!(item instanceof Uint8Array)) throw new TypeError('an item is not bytes');
        size += item.length;
        if (found.length >= most || (found.length > 0 && size > limits.mailPageBytesMax)) {
          return { items: found, last, hasMore: true };
        }
        found.push(new Uint8Array(item));
        last = numberOf(row['number']);
      }
      return { items: found, last, hasMore: false };
    },
    dropExpired,
    totals: () => ({ items, bytes }),
    recount,
  };
};

const prepareAll = (database: DatabaseSync) => ({
  totals: database.prepare('SELECT coalesce(sum(items), 0) AS items, coalesce(sum(cost), 0) AS cost FROM box'),
  boxCost: database.prepare('SELECT cost FROM box WHERE box = ?'),
  insert: database.prepare('INSERT INTO mail (box, expires_at, cost, item) VALUES (?, ?, ?, ?)'),
  moreInBox: database.prepare(
    'INSERT INTO box (box, items, cost) VALUES (?, 1, ?) ON CONFLICT (box) DO UPDATE SET items = items + 1, cost = cost + ?',
  ),
  lessInBox: database.prepare('UPDATE box SET items = items - 1, cost = cost - ? WHERE box = ?'),
  deleteOne: database.prepare('DELETE FROM mail WHERE number = ?'),
  deleteIfEmpty: database.prepare('DELETE FROM box WHERE box = ? AND items <= 0'),
  oldest: database.prepare('SELECT number, box, cost FROM mail WHERE box = ? ORDER BY number LIMIT 16'),
  expired: database.prepare('SELECT number, box, cost FROM mail WHERE expires_at <= ? ORDER BY expires_at LIMIT ?'),
  after: database.prepare(
    'SELECT number, item FROM mail WHERE box = ? AND number > ? AND expires_at > ? ORDER BY number',
  ),
});
