import { limits } from '../kernel/limits.ts';
import type { Asking } from './asking.ts';
import type { Place } from './bulk-frames.ts';
import type { Holding } from './chunk-plan.ts';

/** One neighbour as the source of one blob. */
export type FetchSource = {
  readonly device: string;
  readonly asking: Asking;
  holding: Holding;
  /** What is asked of it now, and since when. */
  readonly asked: Map<Place, number>;
  /** How much may be asked of it at once: grows while it answers quickly. */
  window: number;
  lastCameAt: number;
  pausedUntil: number;
  silences: number;
};

const windowFirst = 4;
const quickMs = 750;
const slowMs = 3_000;
const pauseMaxMs = 60_000;
const pauseFirstMs = 5_000;

export const createFetchSource = (asking: Asking, holding: Holding, now: number): FetchSource => ({
  device: asking.device,
  asking,
  holding,
  asked: new Map(),
  window: windowFirst,
  lastCameAt: now,
  pausedUntil: 0,
  silences: 0,
});

export const mayAsk = ({ asking, asked, window, pausedUntil }: FetchSource, now: number): boolean =>
  asked.size < window && now >= pausedUntil && asking.hasRoom();

/** An answer came: quick ones widen the window, slow ones narrow it, and old silences are forgiven. */
export const noteCame = (source: FetchSource, now: number): void => {
  const tookMs = now - source.lastCameAt;
  source.lastCameAt = now;
  source.silences = 0;
  if (tookMs <= quickMs) source.window = Math.min(limits.bulkChunksAskedMax, source.window + 1);
  else if (tookMs >= slowMs) source.window = Math.max(1, source.window - 1);
};

/** Asked for something, and not a chunk came for a long while. */
export const isSilent = ({ asked, lastCameAt }: FetchSource, now: number): boolean => {
  if (asked.size === 0) return false;
  const askedAt = Math.min(...asked.values());
  return now - Math.max(askedAt, lastCameAt) > limits.blobSilenceMs;
};

/** Nothing more is asked of it for a while, longer each time. */
export const pauseSource = (source: FetchSource, now: number): void => {
  source.pausedUntil = now + Math.min(pauseMaxMs, pauseFirstMs * 2 ** source.silences);
  source.silences += 1;
  source.window = 1;
};

/** A whole holding with one chunk less: what it said it had it did not give. */
export const without = (holding: Holding, at: number, total: number): Uint8Array => {
  const bits = holding === 'all' ? new Uint8Array(Math.ceil(total / 8)).fill(0xff) : holding.slice();
  bits[at >> 3] = (bits[at >> 3] ?? 0) & ~(1 << (at & 7));
  return bits;
};
