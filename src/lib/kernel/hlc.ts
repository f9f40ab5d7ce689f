import { ok, err, type Result } from './result.ts';

/**
 * Hybrid logical clock (Kulkarni et al. 2014) in one integer below 2^53:
 * 4096 x (milliseconds since 2026-01-01T00:00:00Z) + counter. Order for views is (hlc, author, lane, seq).
 */
export type Hlc = number;

export const hlcEpochMs = Date.UTC(2026, 0, 1);
const counterRange = 4096;

export const hlcFromMs = (unixMs: number, counter = 0): Hlc =>
  Math.max(0, unixMs - hlcEpochMs) * counterRange + counter;
export const hlcToMs = (hlc: Hlc): number => Math.floor(hlc / counterRange) + hlcEpochMs;

/** The next hlc of a writer: later than its own last one and not before the clock. A full counter borrows the next millisecond. */
export const nextHlc = (last: Hlc, nowMs: number): Hlc => Math.max(last + 1, hlcFromMs(Math.floor(nowMs)));

/** Months since 2026-01 of an hlc, in UTC; lane 16 + n holds month n (protocol 3). */
export const hlcMonth = (hlc: Hlc): number => {
  const date = new Date(hlcToMs(hlc));
  return (date.getUTCFullYear() - 2026) * 12 + date.getUTCMonth();
};

export const parseHlc = (value: unknown): Result<Hlc, 'not-an-hlc'> =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? ok(value) : err('not-an-hlc');
