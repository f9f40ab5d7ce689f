import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import type { MemoryDisk } from '../../src/lib/stores/memory-store.ts';

/** The disk's own word on how long the prefix of a place is that it holds, payloads included. */
export const heldOnDisk = (disk: MemoryDisk): ReadonlyMap<string, number> => {
  const seqsByPlace = new Map<string, Set<number>>();
  for (const { author, lane, seq, id } of disk.events.values()) {
    if (!disk.payloads.has(id)) continue;
    const place = `${author} ${lane}`;
    const seqs = seqsByPlace.get(place) ?? new Set();
    seqsByPlace.set(place, seqs.add(seq));
  }
  const held = new Map<string, number>();
  for (const [place, seqs] of seqsByPlace) {
    let next = 0;
    while (seqs.has(next)) next += 1;
    held.set(place, next);
  }
  return held;
};

export const textBytes = (text: string): Bytes => new TextEncoder().encode(text) as Bytes;

/** What lies on a disk at one moment, keys and all. */
export type DiskCopy = Pick<MemoryDisk, 'events' | 'payloads' | 'kv'>;

export const copyOf = (disk: MemoryDisk): DiskCopy => ({
  events: new Map(disk.events),
  payloads: new Map(disk.payloads),
  kv: new Map(disk.kv),
});

/** Makes the disk what it was then. */
export const putBack = (disk: MemoryDisk, copy: DiskCopy): void => {
  refill(disk.events, copy.events);
  refill(disk.payloads, copy.payloads);
  refill(disk.kv, copy.kv);
  disk.unflushed.length = 0;
};

const refill = <K, V>(map: Map<K, V>, content: ReadonlyMap<K, V>): void => {
  map.clear();
  for (const [key, value] of content) map.set(key, value);
};
