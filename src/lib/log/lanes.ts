import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Event } from './event.ts';

/** One stored event with its payload, or without it while it is still on its way (or was deleted). */
export type Entry = { readonly event: Event; payload: Bytes | null };

/** What a holder of a gapless prefix can say of it: how many events, and D(n) = SHA-256(D(n-1) || id(n)). */
export type Head = { readonly author: string; readonly lane: number; readonly next: number; readonly digest: Bytes };

type Lane = { readonly entries: Entry[]; digest: Bytes };

/** All lanes of all authors in memory, by (author, lane), gapless from seq 0. Knows no rules: who may come in is decided before. */
export const createLanes = () => {
  const lanesByKey = new Map<string, Lane>();
  const entriesById = new Map<string, Entry>();
  const keyOf = (author: string, lane: number) => `${author} ${lane}`;
  return {
    next: (author: string, lane: number): number => lanesByKey.get(keyOf(author, lane))?.entries.length ?? 0,
    at: (author: string, lane: number, seq: number): Entry | undefined => lanesByKey.get(keyOf(author, lane))?.entries[seq],
    digest: (author: string, lane: number): Bytes => lanesByKey.get(keyOf(author, lane))?.digest ?? new Uint8Array(32),
    byId: (id: string): Entry | undefined => entriesById.get(id),
    /** `digest` is the new D(n). The event must be the next of its lane. */
    push: (entry: Entry, digest: Bytes): void => {
      const { author, header } = entry.event;
      const lane = lanesByKey.get(keyOf(author, header.lane)) ?? { entries: [], digest };
      if (header.seq !== lane.entries.length) throw new Error('lanes: an event out of sequence reached the log');
      lanesByKey.set(keyOf(author, header.lane), lane);
      lane.entries.push(entry);
      lane.digest = digest;
      entriesById.set(entry.event.id, entry);
    },
    heads: (): Head[] =>
      [...lanesByKey].map(([key, { entries, digest }]) => {
        const [author = '', lane = ''] = key.split(' ');
        return { author, lane: Number(lane), next: entries.length, digest };
      }),
    /** Entries of one author's lane from a seq on, at most `most`. */
    slice: (author: string, lane: number, from: number, most: number): Entry[] =>
      lanesByKey.get(keyOf(author, lane))?.entries.slice(from, from + most) ?? [],
    all: function* (): Generator<Entry> {
      for (const { entries } of lanesByKey.values()) yield* entries;
    },
    get size() {
      return entriesById.size;
    },
  };
};
export type Lanes = ReturnType<typeof createLanes>;
