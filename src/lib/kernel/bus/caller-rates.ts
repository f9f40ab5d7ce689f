import type { Caller } from './capability.ts';
import { failure, type Failure } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../ports/clock.ts';

const minuteMs = 60_000;

type Minute = { readonly startedAt: number; calls: number };

/**
 * Calls a minute of every neighbour's device, refused ones too, kept over its links: who reconnects has not called less. Bounded: when
 * so many devices are being counted, the one that has called least is forgotten, so that a crowd of fresh names neither shuts others
 * out nor frees one that has called too often.
 */
export const createCallerRates = ({ clock }: { readonly clock: Clock }) => {
  const minutesByDevice = new Map<string, Minute>();

  const makeRoom = (now: number): void => {
    let least: readonly [device: string, minute: Minute] | null = null;
    for (const entry of minutesByDevice) {
      if (Math.abs(now - entry[1].startedAt) >= minuteMs) minutesByDevice.delete(entry[0]);
      else if (least === null || entry[1].calls < least[1].calls) least = entry;
    }
    if (minutesByDevice.size >= limits.callersCountedMax && least) minutesByDevice.delete(least[0]);
  };

  const minuteOf = (device: string, now: number): Minute => {
    const known = minutesByDevice.get(device);
    // The distance, not the difference: a clock that was put back must not hold a minute open for an hour.
    if (known && Math.abs(now - known.startedAt) < minuteMs) return known;
    minutesByDevice.delete(device);
    if (minutesByDevice.size >= limits.callersCountedMax) makeRoom(now);
    const fresh = { startedAt: now, calls: 0 };
    minutesByDevice.set(device, fresh);
    return fresh;
  };

  return {
    /** Counts one call, or says when the next minute begins. Own screens may call as often as they like. */
    take: (caller: Caller): Failure | null => {
      if (caller.kind === 'self') return null;
      const now = clock.now();
      const minute = minuteOf(caller.device, now);
      minute.calls += 1;
      if (minute.calls <= limits.callsPerMinutePerPeerMax) return null;
      const restMs = minute.startedAt + minuteMs - now;
      return failure('rate_limited', 'calls-per-minute', Math.ceil(Math.min(Math.max(restMs, 1), minuteMs)));
    },
    size: () => minutesByDevice.size,
  };
};
export type CallerRates = ReturnType<typeof createCallerRates>;
