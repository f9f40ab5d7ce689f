import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { createPace, type Pace } from './pace.ts';

/**
 * How many events, and how much, of one author may be pushed over one link in a minute. What is over it is not taken now: its
 * lane is wanted again when the minute is over, so it is late and not lost (P6).
 */
export const createLivePace = (clock: Clock, wantLane: (lane: number) => void) => {
  const pacesByAuthor = new Map<string, { readonly events: Pace; readonly bytes: Pace }>();
  const timersByLane = new Map<number, () => void>();

  const paceOf = (author: string) => {
    const known = pacesByAuthor.get(author);
    if (known) return known;
    const made = {
      events: createPace(clock, limits.livePushEventsPerMinuteMax),
      bytes: createPace(clock, limits.livePushBytesPerMinuteMax),
    };
    pacesByAuthor.set(author, made);
    const oldest = pacesByAuthor.size > limits.livePushAuthorsMax ? pacesByAuthor.keys().next().value : undefined;
    if (oldest !== undefined) pacesByAuthor.delete(oldest);
    return made;
  };

  return {
    takes: (author: string, lane: number, bytes: number): boolean => {
      const { events, bytes: volume } = paceOf(author);
      if (events.takes(1) && volume.takes(bytes)) return true;
      if (!timersByLane.has(lane)) {
        const cancel = clock.after(Math.max(events.restMs(), volume.restMs()), () => {
          timersByLane.delete(lane);
          wantLane(lane);
        });
        timersByLane.set(lane, cancel);
      }
      return false;
    },
    close: (): void => {
      for (const cancel of timersByLane.values()) cancel();
      timersByLane.clear();
    },
  };
};
