import type { Clock } from './ports/clock.ts';

/**
 * A source of changes that tells at most once every `intervalMs`: what changes in between is told once, at the end of it. The
 * subscription itself counts as the first word, as whoever subscribes looks for the first time then.
 */
export const paced =
  (clock: Clock, intervalMs: number, onChange: (listener: () => void) => () => void) =>
  (listener: () => void): (() => void) => {
    let toldAt = clock.now();
    let cancel: (() => void) | null = null;
    const tell = (): void => {
      cancel = null;
      toldAt = clock.now();
      listener();
    };
    const stop = onChange(() => {
      const waitMs = Math.min(intervalMs, toldAt + intervalMs - clock.now());
      if (cancel) return;
      if (waitMs <= 0) tell();
      else cancel = clock.after(waitMs, tell);
    });
    return () => {
      stop();
      cancel?.();
    };
  };
