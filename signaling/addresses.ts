/** Counts what is open, in all and for each network address, so that one machine cannot take every place. */
export type AddressBook = {
  /** Names the bound that is reached, or null: then one more is counted until `release`. Without an address only the total counts. */
  take(address: string | null): 'total' | 'per-address' | null;
  release(address: string | null): void;
};

export const createAddressBook = (bounds: { totalMax: number; perAddressMax: number }): AddressBook => {
  const openByKey = new Map<string, number>();
  let total = 0;
  return {
    take: (address) => {
      if (total >= bounds.totalMax) return 'total';
      if (address === null) {
        total += 1;
        return null;
      }
      const key = addressToKey(address);
      const open = openByKey.get(key) ?? 0;
      if (open >= bounds.perAddressMax) return 'per-address';
      total += 1;
      openByKey.set(key, open + 1);
      return null;
    },
    release: (address) => {
      total -= 1;
      if (address === null) return;
      const key = addressToKey(address);
      const open = openByKey.get(key) ?? 0;
      if (open > 1) openByKey.set(key, open - 1);
      else openByKey.delete(key);
    },
  };
};

/**
 * IPv4 counts by address, also when it comes mapped into IPv6. IPv6 counts by its first 64 bits, because one
 * household is given that many addresses at once.
 */
export const addressToKey = (address: string): string => {
  const plain = (address.split('%')[0] ?? '').toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (!plain.includes(':')) return plain;
  const [head = '', tail = ''] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const zeros = plain.includes('::') ? Math.max(0, 8 - before.length - after.length) : 0;
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
};
