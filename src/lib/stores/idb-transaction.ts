import type { IDBPDatabase } from 'idb';
import type { StoreRefusal } from '../kernel/ports/store.ts';
import { err, type Result } from '../kernel/result.ts';
import { storeNames, type Layout, type WriteTransaction } from './idb-layout.ts';

/** One transaction over everything: the work is done whole, or refused or broken and then nothing of it is left. */
export const inTransaction = async <T>(
  db: IDBPDatabase<Layout>,
  durability: 'strict' | 'relaxed',
  work: (transaction: WriteTransaction) => Promise<Result<T, StoreRefusal>>,
): Promise<Result<T, StoreRefusal>> => {
  let end: { abort(): void; ended: Promise<unknown> } | null = null;
  try {
    const transaction = db.transaction(storeNames, 'readwrite', { durability });
    // Watched from the start, so that an abort never becomes an unhandled rejection.
    const ended = transaction.done.then(
      () => null,
      (error: unknown) => error ?? new Error('transaction failed'),
    );
    end = { abort: () => transaction.abort(), ended };
    const worked = await work(transaction);
    if (!worked.ok) transaction.abort();
    const failed = await ended;
    if (!worked.ok || failed === null) return worked;
    return err(commitRefusals[errorName(failed)] ?? raise(failed));
  } catch (error) {
    if (end) await abandon(end);
    return err(commitRefusals[errorName(error)] ?? raise(error));
  }
};

/** AbortError: the browser ended the transaction, not we (those return before); it does so when it closes the database. */
const commitRefusals: Readonly<Record<string, StoreRefusal>> = {
  QuotaExceededError: 'quota-full',
  InvalidStateError: 'closed',
  AbortError: 'closed',
};

/** Ends the transaction and waits until it has; one that has already ended by itself is fine. */
const abandon = async ({ abort, ended }: { abort(): void; ended: Promise<unknown> }): Promise<void> => {
  try {
    abort();
  } catch (error) {
    if (errorName(error) !== 'InvalidStateError') throw error;
  }
  await ended;
};

export const errorName = (error: unknown): string =>
  error instanceof Error || error instanceof DOMException ? error.name : '';

export const raise = (error: unknown): never => {
  throw error;
};
