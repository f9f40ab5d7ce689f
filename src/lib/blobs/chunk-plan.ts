import { randomInt, type Random } from '../kernel/ports/random.ts';
import { hasBit } from './blob-chunks.ts';

/** What a neighbour has of a blob: all of it, or one bit a chunk. */
export type Holding = 'all' | Uint8Array;

export const holds = (holding: Holding, at: number): boolean => holding === 'all' || hasBit(holding, at);

/**
 * Which chunk to ask for next: the rarest among the neighbours first, so that what only one of them has is not lost with it; among
 * equals from a random place on, so that two who fetch the same blob do not fetch the same chunks in the same order.
 */
export const createChunkPlan = (total: number, here: Uint8Array, random: Random) => {
  const isHere = Uint8Array.from({ length: total }, (_, at) => (hasBit(here, at) ? 1 : 0));
  const asks = new Uint8Array(total);
  /** Neighbours with a part of the blob that have this chunk. Those who have all of it make no chunk rarer than another. */
  const partHolders = new Uint16Array(total);
  const firstLook = total > 0 ? randomInt(random, total) : 0;
  let missing = isHere.reduce((count, each) => count - each, total);

  const count = (holding: Holding | null, by: 1 | -1): void => {
    if (holding === null || holding === 'all') return;
    for (let at = 0; at < total; at++) if (hasBit(holding, at)) partHolders[at] = (partHolders[at] ?? 0) + by;
  };
  return {
    missing: (): number => missing,
    learn: (before: Holding | null, now: Holding | null): void => {
      count(before, -1);
      count(now, 1);
    },
    /** A missing chunk that is asked of nobody and that this neighbour has. */
    pick: (holding: Holding): number | null => {
      const rarest = holding === 'all' ? 0 : 1;
      let found: number | null = null;
      let foundHolders = Infinity;
      for (let step = 0; step < total; step++) {
        const at = (firstLook + step) % total;
        if (isHere[at] === 1 || asks[at] !== 0 || !holds(holding, at)) continue;
        const holders = partHolders[at] ?? 0;
        if (holders >= foundHolders) continue;
        found = at;
        foundHolders = holders;
        if (holders <= rarest) break;
      }
      return found;
    },
    isWanted: (at: number): boolean => isHere[at] === 0,
    askers: (at: number): number => asks[at] ?? 0,
    asked: (at: number): void => void (asks[at] = (asks[at] ?? 0) + 1),
    back: (at: number): void => void (asks[at] = Math.max(0, (asks[at] ?? 0) - 1)),
    came: (at: number): void => {
      if (isHere[at] === 0) missing -= 1;
      isHere[at] = 1;
    },
    lost: (at: number): void => {
      if (isHere[at] === 1) missing += 1;
      isHere[at] = 0;
    },
  };
};
export type ChunkPlan = ReturnType<typeof createChunkPlan>;
