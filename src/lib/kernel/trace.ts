import { limits } from './limits.ts';

/** One provider as the router saw it. `score` in milliseconds-equivalents, lower wins; `skipped` says why it was not in the race. */
export type Candidate = {
  readonly device: string;
  readonly score: number;
  readonly skipped?: 'quarantined' | 'full' | 'stale' | 'params';
};

/** One call as it really went: who asked, every candidate, who served, how it ended. */
export type Trace = {
  readonly id: number;
  readonly at: number;
  readonly capability: string;
  readonly caller: string;
  readonly candidates: readonly Candidate[];
  readonly attempts: readonly { readonly device: string; readonly outcome: string }[];
  readonly servedBy: string | null;
  readonly outcome: string;
  readonly ms: number;
};

/** A bounded ring: the newest `limits.tracesMax` calls, oldest overwritten. */
export const createTraceRing = (capacity: number = limits.tracesMax) => {
  const ring: Trace[] = [];
  let count = 0;
  return {
    add: (trace: Omit<Trace, 'id'>): Trace => {
      const kept = { ...trace, id: count, candidates: trace.candidates.slice(0, limits.traceCandidatesMax) };
      ring[count % capacity] = kept;
      count += 1;
      return kept;
    },
    /** Newest first. */
    list: (most: number): Trace[] => {
      const found: Trace[] = [];
      for (let i = count - 1; i >= 0 && i >= count - capacity && found.length < most; i--) {
        const trace = ring[i % capacity];
        if (trace) found.push(trace);
      }
      return found;
    },
    get total() {
      return count;
    },
  };
};
export type TraceRing = ReturnType<typeof createTraceRing>;
