import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';

const minuteMs = 60_000;

/**
 * What is read of one link in a minute beside what running calls wait for, so that rubbish cannot keep the others from being heard.
 * Each call counts a frame; false when there were more than any honest neighbour has reason to send.
 */
export const createRpcBudget = (clock: Clock): (() => boolean) => {
  let minute = { startedAt: clock.now(), frames: 0 };
  return () => {
    // The distance, not the difference: a clock that was turned back must not hold a minute open.
    if (Math.abs(clock.now() - minute.startedAt) >= minuteMs) minute = { startedAt: clock.now(), frames: 0 };
    minute.frames += 1;
    return minute.frames <= limits.rpcFramesPerMinuteMax;
  };
};
