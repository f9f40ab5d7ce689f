import type { Caller } from './capability.ts';
import { failure, type Failure } from '../errors.ts';
import type { Stop } from '../lifecycle.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../ports/clock.ts';
import { err, ok, type Result } from '../result.ts';

/**
 * The places of one capability on this device. One neighbour's device alone has at most half of them (rounded up), all neighbours
 * together leave one to the own screens where there are two or more. A place is held until the handler has really ended.
 */
export const createCapacity = (slots: number, clock: Clock) => {
  const shareOfOne = Math.ceil(slots / 2);
  const shareOfAll = slots >= 2 ? slots - 1 : slots;
  const heldByDevice = new Map<string, number>();
  const timesMs: number[] = [];
  let held = 0;
  let heldByNeighbours = 0;
  let ended = 0;

  const retryAfterMs = (): number => {
    if (timesMs.length === 0) return limits.retryAfterUnknownMs;
    const median = timesMs.toSorted((a, b) => a - b)[(timesMs.length - 1) >> 1] ?? 0;
    return Math.round(Math.min(Math.max(median, limits.retryAfterMinMs), limits.retryAfterMaxMs));
  };

  /** null where there is a place for this caller. */
  const refusalOf = (caller: Caller): Failure | null => {
    const isFull = held >= slots;
    if (!isFull && caller.kind === 'self') return null;
    if (!isFull && heldByNeighbours < shareOfAll && heldBy(caller) < shareOfOne) return null;
    return failure('capacity_exceeded', isFull ? 'busy' : 'share', retryAfterMs());
  };
  const heldBy = (caller: Caller): number => (caller.kind === 'self' ? 0 : (heldByDevice.get(caller.device) ?? 0));

  const count = (caller: Caller, by: 1 | -1): void => {
    held += by;
    if (caller.kind === 'self') return;
    heldByNeighbours += by;
    const now = heldBy(caller) + by;
    if (now > 0) heldByDevice.set(caller.device, now);
    else heldByDevice.delete(caller.device);
  };

  return {
    refusalOf,
    /** A place, given back by the returned function; calling that twice gives back one. */
    take: (caller: Caller): Result<Stop, Failure> => {
      const refusal = refusalOf(caller);
      if (refusal) return err(refusal);
      const startedAt = clock.now();
      let isHeld = true;
      count(caller, 1);
      return ok(() => {
        if (!isHeld) return;
        isHeld = false;
        count(caller, -1);
        timesMs[ended++ % limits.handlerTimesMax] = Math.max(0, clock.now() - startedAt);
      });
    },
    /** When a place is likely to be free: the median time of the last handlers, within bounds. */
    retryAfterMs,
    held: (): number => held,
    loadPercent: (): number => Math.round((held * 100) / slots),
    isFull: (): boolean => held >= slots,
  };
};
export type Capacity = ReturnType<typeof createCapacity>;
