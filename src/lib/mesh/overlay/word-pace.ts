import type { Clock } from '../../kernel/ports/clock.ts';

const minuteMs = 60_000;

/** So many words of each link in a minute are listened to; the others are dropped, for each of them will be said again. */
export const createPaced = (clock: Clock, perMinute: number) => {
  const minuteByLink = new Map<string, { startedAt: number; count: number }>();
  return {
    takes: (link: string): boolean => {
      const now = clock.now();
      const minute = minuteByLink.get(link);
      // The distance, not the difference: a clock that was put back must not hold a minute open.
      const isOver = !minute || Math.abs(now - minute.startedAt) >= minuteMs;
      const current = isOver ? { startedAt: now, count: 0 } : minute;
      current.count += 1;
      minuteByLink.set(link, current);
      return current.count <= perMinute;
    },
    forget: (link: string): void => void minuteByLink.delete(link),
  };
};
