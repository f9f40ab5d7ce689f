/** Time, injected so that the simulator can own it. Every timer of the node goes through here. */
export type Clock = {
  /** Milliseconds since 1970, as the device believes them. */
  now(): number;
  /** Runs once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, run: () => void): () => void;
};

/** Repeats until stopped. The next turn is planned after the last one ran, so turns never pile up. */
export const every = (clock: Clock, intervalMs: () => number, run: () => void): (() => void) => {
  let cancel = (): void => {};
  let stopped = false;
  const plan = (): void => {
    cancel = clock.after(intervalMs(), () => {
      run();
      if (!stopped) plan();
    });
  };
  plan();
  return () => {
    stopped = true;
    cancel();
  };
};

/** Resolves after `delayMs` of the given clock, or rejects with the signal's reason when it aborts first. */
export const pause = (clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const cancel = clock.after(delayMs, resolve);
    signal?.addEventListener('abort', () => {
      cancel();
      reject(signal.reason);
    });
  });
