import type { Clock } from '../kernel/ports/clock.ts';
import type { Random } from '../kernel/ports/random.ts';

/** The device's own clock and timers. */
export const platformClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** The platform's cryptographic randomness. */
export const platformRandom: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) };
