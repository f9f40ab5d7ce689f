/** Time as the server uses it; the shape of the kernel's Clock port, which `signaling/` may not import (D10). */
export type Clock = {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, run: () => void): () => void;
};

/** The machine's own time. Its timers never keep the process alive: open sockets do. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
