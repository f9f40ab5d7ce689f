import { limits } from '../kernel/limits.ts';
import type { Store } from '../kernel/ports/store.ts';

export type PackingDeps = {
  readonly store: Pick<Store, 'pack'>;
  /** Runs work when what was asked for before is done. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly onBroken: (error: unknown) => void;
};

/**
 * When the store packs which lane: after a load every lane, later one that has grown by many commits. One stretch of one lane a
 * turn, so that an append never waits for more than one. What the store refuses here it will tell the next commit too.
 */
export const createPacking = ({ store, inTurn, onBroken }: PackingDeps) => {
  const commitsByPlace = new Map<string, number>();
  const waiting = new Map<string, { readonly author: string; readonly lane: number }>();
  let isPacking = false;

  const packWaiting = async (): Promise<void> => {
    for (const [place, { author, lane }] of waiting) {
      waiting.delete(place);
      for (let isMore = true; isMore;) {
        const packed = await inTurn(() => store.pack(author, lane));
        isMore = packed.ok && packed.value;
      }
    }
    isPacking = false;
  };

  const packSoon = (author: string, lane: number): void => {
    waiting.set(`${author} ${lane}`, { author, lane });
    if (isPacking) return;
    isPacking = true;
    packWaiting().catch(onBroken);
  };

  return {
    packSoon,
    /** Every commit leaves at least one record in the lane. */
    noteCommit: (author: string, lane: number): void => {
      const place = `${author} ${lane}`;
      const commits = (commitsByPlace.get(place) ?? 0) + 1;
      commitsByPlace.set(place, commits % limits.segmentsJoinedMin);
      if (commits === limits.segmentsJoinedMin) packSoon(author, lane);
    },
  };
};
