import { createFigures } from './figures.ts';
import { limits } from '../limits.ts';
import { createSignal } from '../watch.ts';

/** Why a provider was not in the race. `schema`: it means something else by the same version. */
export type SkipReason = 'quarantined' | 'full' | 'stale' | 'params' | 'schema';

/** One provider as the router saw it: its score in milliseconds-equivalents (lower wins) and what the score was made of. */
export type Candidate = {
  readonly device: string;
  readonly score: number;
  readonly p50Ms: number;
  readonly successRate: number;
  readonly loadPercent: number;
  /** It served the session before. */
  readonly isSticky: boolean;
  readonly skipped?: SkipReason;
};

/** One try of one provider. hedge: a second one beside a slow first; probe: the one call that ends a quarantine; again: the same one after its link came back. */
export type Attempt = {
  readonly device: string;
  readonly why: 'first' | 'failover' | 'hedge' | 'probe' | 'again';
  readonly outcome: string;
  readonly ms: number;
};

/** One call as it really went: who asked, every candidate, who served, how it ended. */
export type Trace = {
  readonly id: number;
  /** Shared by all calls that one call caused, here and at the neighbour that served. */
  readonly trace: string;
  readonly at: number;
  readonly capability: string;
  /** `self` or a neighbour's device. */
  readonly caller: string;
  readonly session: string | null;
  readonly candidates: readonly Candidate[];
  readonly attempts: readonly Attempt[];
  readonly servedBy: string | null;
  readonly outcome: string;
  readonly ms: number;
};

/** The newest `limits.tracesMax` calls in a bounded ring, oldest overwritten, and the figures of all there have been. */
export const createTraceRing = (capacity: number = limits.tracesMax) => {
  const ring: Trace[] = [];
  const figures = createFigures();
  const added = createSignal();
  let count = 0;
  return {
    figures: figures.rows,
    /** Called after every finished call. */
    onAdd: added.on,
    add: (trace: Omit<Trace, 'id'>): Trace => {
      const kept = { ...trace, id: count, candidates: trace.candidates.slice(0, limits.traceCandidatesMax) };
      ring[count % capacity] = kept;
      count += 1;
      figures.note(kept);
      added.tell();
      return kept;
    },
    /** Newest first: at most so many of those that are wanted. */
    list: (most: number, isWanted: (trace: Trace) => boolean = () => true): Trace[] => {
      const found: Trace[] = [];
      for (let i = count - 1; i >= 0 && i >= count - capacity && found.length < most; i--) {
        const trace = ring[i % capacity];
        if (trace && isWanted(trace)) found.push(trace);
      }
      return found;
    },
    get total() {
      return count;
    },
  };
};
export type TraceRing = ReturnType<typeof createTraceRing>;
