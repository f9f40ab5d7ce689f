import type { Clock } from '../kernel/ports/clock.ts';

const windowMs = 60_000;

/**
 * So much a minute and no more: what is over it waits and is never lost (P6). Of a clock that was put back or far ahead only the
 * distance counts, so that nothing waits longer than a minute.
 */
export const createPace = (clock: Clock, perMinute: number) => {
  let window = { startedAt: clock.now(), spent: 0 };
  const cancels = new Set<() => void>();

  /** True when it fits into this minute; then it is spent. */
  const takes = (cost: number): boolean => {
    if (Math.abs(clock.now() - window.startedAt) >= windowMs) window = { startedAt: clock.now(), spent: 0 };
    if (window.spent > 0 && window.spent + cost > perMinute) return false;
    window.spent += cost;
    return true;
  };
  const restMs = (): number => Math.max(1, windowMs - Math.abs(clock.now() - window.startedAt));

  return {
    takes,
    restMs,
    /** Resolves when it fits; never after `close`. */
    take: async (cost: number): Promise<void> => {
      while (!takes(cost)) {
        await new Promise<void>((resolve) => {
          const started = window;
          const cancel = clock.after(restMs(), () => {
            cancels.delete(cancel);
            if (window === started) window = { startedAt: clock.now(), spent: 0 };
            resolve();
          });
          cancels.add(cancel);
        });
      }
    },
    close: (): void => {
      for (const cancel of cancels) cancel();
      cancels.clear();
    },
  };
};
export type Pace = ReturnType<typeof createPace>;
