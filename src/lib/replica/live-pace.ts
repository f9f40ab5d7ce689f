import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { authorityLane } from '../log/event.ts';
import type { Share } from '../log/newcomers.ts';
import { createPace, type Pace } from './pace.ts';

/**
 * How many events, and how much, of one budget may be pushed over one link in a minute. What is over it is not taken now: its
 * lane is wanted again when the minute is over, so it is late and not lost (P6). The authority lane has a budget of its own, so
 * that no flood of words holds up a removal.
 */
export const createLivePace = (
  clock: Clock,
  deps: { readonly wantLane: (lane: number) => void; readonly shareOf: (author: string) => Share },
) => {
  const pacesByBudget = new Map<string, { readonly events: Pace; readonly bytes: Pace }>();
  const timersByLane = new Map<number, () => void>();

  const paceOf = ({ holder, part }: Share, lane: number) => {
    const budget = `${lane === authorityLane ? 'acts' : 'words'} ${part} ${holder}`;
    const known = pacesByBudget.get(budget);
    if (known) return known;
    const made = {
      events: createPace(clock, limits.livePushEventsPerMinuteMax * part),
      bytes: createPace(clock, limits.livePushBytesPerMinuteMax * part),
    };
    pacesByBudget.set(budget, made);
    const oldest = pacesByBudget.size > limits.livePushAuthorsMax ? pacesByBudget.keys().next().value : undefined;
    if (oldest !== undefined) pacesByBudget.delete(oldest);
    return made;
  };

  return {
    takes: (author: string, lane: number, bytes: number): boolean => {
      const { events, bytes: volume } = paceOf(deps.shareOf(author), lane);
      if (events.takes(1) && volume.takes(bytes)) return true;
      if (!timersByLane.has(lane)) {
        const cancel = clock.after(Math.max(events.restMs(), volume.restMs()), () => {
          timersByLane.delete(lane);
          deps.wantLane(lane);
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
