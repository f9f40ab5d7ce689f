import { bytesToText, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Store } from '../kernel/ports/store.ts';

/** One box at one relay: how far this device has read in it, and up to where each lane lies in it. */
export type BoxLedger = {
  cursor(): string;
  /** Events of this place with a smaller seq lie in the box, or need not. */
  next(place: string): number;
  /** Moves on, never back. */
  note(place: string, next: number): void;
  readTo(cursor: string): void;
  /** The relay has begun anew: nothing lies there any more. */
  restart(): void;
  /** Kept over restarts; what is lost of it is only read or handed on again. */
  save(): Promise<void>;
};

export type LedgerDeps = { readonly crypto: CryptoPort; readonly clock: Clock; readonly store: Store };

const keyPrefix = 'box/';

export const openBoxLedger = async (
  { crypto, clock, store }: LedgerDeps,
  { url, box, before }: { readonly url: string; readonly box: Bytes; readonly before: BoxLedger | null },
): Promise<BoxLedger> => {
  const boxText = bytesToText(box);
  const key = keyPrefix + bytesToText((await crypto.sha256(utf8(`${boxText} ${url}`))).subarray(0, 16));
  const stored = readStored(await store.get(key));
  let cursor = stored?.cursor ?? '';
  const nextByPlace = new Map(stored?.nexts ?? []);
  let isChanged = false;
  return {
    cursor: () => cursor,
    // What lies in the box of the key before lies there for everybody who still reads it, and that is everybody who lacks it.
    next: (place) => nextByPlace.get(place) ?? before?.next(place) ?? 0,
    note: (place, next) => {
      if (next <= (nextByPlace.get(place) ?? 0)) return;
      nextByPlace.set(place, next);
      isChanged = true;
    },
    readTo: (to) => {
      isChanged ||= to !== cursor;
      cursor = to;
    },
    restart: () => {
      nextByPlace.clear();
      isChanged = true;
    },
    save: async () => {
      if (!isChanged) return;
      isChanged = false;
      const value: StoredLedger = { box: boxText, cursor, nexts: [...nextByPlace], savedAt: clock.now() };
      const committed = await store.commit({ kv: [{ key, value }] }, 'relaxed');
      isChanged ||= !committed.ok;
    },
  };
};

type StoredLedger = {
  readonly box: string;
  readonly cursor: string;
  readonly nexts: readonly (readonly [string, number])[];
  readonly savedAt: number;
};

/**
 * What earlier runs noted of this box at any relay: up to where each lane lay in it. Ledgers that nobody has written to for as long
 * as a relay keeps anything are thrown away on the way.
 */
export const ledgersOf = async ({ clock, store }: Omit<LedgerDeps, 'crypto'>, box: Bytes) => {
  const nextByPlace = new Map<string, number>();
  const old: { key: string; value: null }[] = [];
  for (const { key, value } of await store.list(keyPrefix)) {
    const ledger = readStored(value);
    // The distance: a clock that was put back throws nothing away.
    if (!ledger || Math.abs(clock.now() - ledger.savedAt) > 2 * limits.mailKeepMs) old.push({ key, value: null });
    else if (ledger.box === bytesToText(box))
      for (const [place, next] of ledger.nexts) nextByPlace.set(place, Math.max(next, nextByPlace.get(place) ?? 0));
  }
  if (old.length > 0) await store.commit({ kv: old }, 'relaxed');
  return nextByPlace;
};

const readStored = (value: unknown): StoredLedger | null => {
  if (typeof value !== 'object' || value === null) return null;
  const { box, cursor, nexts, savedAt } = value as Record<string, unknown>;
  return typeof box === 'string' && typeof cursor === 'string' && typeof savedAt === 'number' && Array.isArray(nexts)
    ? { box, cursor, nexts: nexts.filter(isNext), savedAt }
    : null;
};

const isNext = (value: unknown): value is readonly [string, number] =>
  Array.isArray(value) && typeof value[0] === 'string' && Number.isSafeInteger(value[1]);
