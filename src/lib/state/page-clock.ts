import type { Clock } from '../kernel/ports/clock.ts';

/** The clock of a page: the device's time and the browser's timers. State modules take it as a default, tests give their own. */
export const pageClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
