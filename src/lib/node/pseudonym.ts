import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Store } from '../kernel/ports/store.ts';

const storeKey = 'pseudonym';
const weekMs = 7 * 24 * 3600_000;
const seedBytes = 32;

/**
 * The key this device is known by at servers: random, new each week, the same after a restart within it, and bound to nothing else.
 * A server that keeps lists can follow a device for a week at most. Where the store is full the key lasts until the next start.
 */
export const createPseudonym = (deps: {
  readonly store: Store;
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
}): (() => Promise<SigningKey>) => {
  const { store, crypto, clock, random } = deps;
  let current: { readonly week: number; readonly key: Promise<SigningKey> } | null = null;
  const open = async (week: number): Promise<SigningKey> => {
    const kept = readKept(await store.get(storeKey));
    const seed = kept?.week === week ? kept.seed : random.bytes(seedBytes);
    if (seed !== kept?.seed) await store.commit({ kv: [{ key: storeKey, value: { week, seed } }] }, 'relaxed');
    return crypto.signerFrom(seed);
  };
  return () => {
    const week = Math.floor(clock.now() / weekMs);
    if (current?.week === week) return current.key;
    const key = open(week);
    current = { week, key };
    key.catch(() => {
      // A store that could not be read once is asked again; the caller hears of it, too.
      if (current?.key === key) current = null;
    });
    return key;
  };
};

const readKept = (stored: unknown): { readonly week: number; readonly seed: Uint8Array } | null => {
  if (typeof stored !== 'object' || stored === null || !('week' in stored) || !('seed' in stored)) return null;
  const { week, seed } = stored;
  return typeof week === 'number' && seed instanceof Uint8Array && seed.length === seedBytes ? { week, seed } : null;
};
