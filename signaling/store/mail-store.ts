import type { DatabaseSync } from 'node:sqlite';
import { err, limits, ok, type Result } from '../../src/lib/kernel/wire/signal.ts';
import type { Clock } from '../clock.ts';
import type { MailPage, MailState, MailStore, MailTrouble } from '../exchange.ts';
import { createMailTable, type MailTable } from './mail-table.ts';
import { isFullDisk, isSqliteTrouble } from './sqlite-trouble.ts';

/**
 * The mailboxes in the data file. What comes in one turn of the loop is written in one commit, which waits for the disk once;
 * only then is each of them `kept`.
 */
export const createMailStore = (database: DatabaseSync, clock: Clock, life: number): MailStore => {
  const table = createMailTable(database);
  let waiting: Waiting[] = [];
  let isFull = false;
  let isStopped = false;
  let cancelSweep = (): void => {};

  const write = (puts: readonly Waiting[]): MailTrouble | null => {
    const trouble = commit(database, () => {
      for (const { box, keepMs, item } of puts) {
        if (!table.put(box, clock.now(), keepMs, item)) return 'mail-full';
      }
      return null;
    });
    if (trouble !== null) table.recount();
    return trouble;
  };

  /** One that does not fit must not take the others of its turn with it. */
  const flush = (): void => {
    const puts = waiting;
    waiting = [];
    const isWritten = puts.length > 1 && write(puts) === null;
    for (const put of puts) {
      const trouble = isWritten ? null : write([put]);
      isFull = trouble === 'mail-full';
      put.settle(trouble === null ? ok(null) : err(trouble));
    }
  };

  const sweep = (): void => {
    const trouble = commit(database, () => {
      table.dropExpired(clock.now());
      return null;
    });
    if (trouble !== null) table.recount();
    cancelSweep = clock.after(limits.mailSweepMs, sweep);
  };
  sweep();

  return {
    put: (box, keepMs, item) =>
      new Promise((settle) => {
        if (isStopped) return settle(err('mail-unavailable'));
        waiting.push({ box: Buffer.from(box, 'base64url'), keepMs, item, settle });
        if (waiting.length === 1) setImmediate(flush);
      }),
    take: (box, cursor, most) => {
      if (isStopped) return Promise.resolve(err('mail-unavailable'));
      return Promise.resolve(takePage(table, { box, after: numberAfter(cursor, life), most, life }, clock));
    },
    state: (): MailState => ({ ...table.totals(), isOpen: true, isFull }),
    stop: () => {
      isStopped = true;
      flush();
      cancelSweep();
      return Promise.resolve();
    },
  };
};

type Waiting = {
  readonly box: Uint8Array;
  readonly keepMs: number;
  readonly item: Uint8Array;
  settle(result: Result<null, MailTrouble>): void;
};

/** All of it or nothing. A trouble that the work itself names rolls back as well. */
const commit = (database: DatabaseSync, work: () => MailTrouble | null): MailTrouble | null => {
  try {
    database.exec('BEGIN IMMEDIATE');
    const trouble = work();
    database.exec(trouble === null ? 'COMMIT' : 'ROLLBACK');
    return trouble;
  } catch (error) {
    // A full disk has often rolled back by itself.
    if (database.isTransaction) database.exec('ROLLBACK');
    if (!isSqliteTrouble(error)) throw error;
    return isFullDisk(error) ? 'mail-full' : 'mail-unavailable';
  }
};

type Wanted = { readonly box: string; readonly after: number; readonly most: number; readonly life: number };

const takePage = (table: MailTable, wanted: Wanted, clock: Clock): Result<MailPage, MailTrouble> => {
  const { after, most, life } = wanted;
  try {
    const page = table.after(Buffer.from(wanted.box, 'base64url'), after, most, clock.now());
    return ok({ items: page.items, cursor: `${life.toString(36)}.${page.last}`, hasMore: page.hasMore });
  } catch (error) {
    if (!isSqliteTrouble(error)) throw error;
    return err('mail-unavailable');
  }
};

/** 0 for a cursor that this life of the file did not give. */
const numberAfter = (cursor: string, life: number): number => {
  const [of, number = ''] = cursor.split('.');
  return of === life.toString(36) && /^\d{1,15}$/.test(number) ? Number(number) : 0;
};
