import type { Clock } from '../ports/clock.ts';

export type Contender<T> = (isLost: AbortSignal) => Promise<T>;

type Race<T> = {
  readonly clock: Clock;
  /** How long the first is waited for alone. */
  readonly afterMs: number;
  readonly first: Contender<T>;
  readonly second: Contender<T>;
  /** Ends the race; any other result leaves it to the one that still runs. */
  readonly isFinal: (value: T) => boolean;
  /** What the loser's signal is aborted with. */
  readonly lost: unknown;
};

/**
 * A hedged call: asks the first, and beside it the second when the first has been silent for `afterMs`. The first final result
 * wins; the other is told to stop, and both have ended when this resolves. Where neither is final the later one counts.
 */
export const raceHedged = async <T>({
  clock,
  afterMs,
  first,
  second,
  isFinal,
  lost,
}: Race<T>): Promise<{ readonly value: T; readonly hadSecond: boolean }> => {
  const control = new AbortController();
  const one = first(control.signal);
  const early = await within(clock, afterMs, one);
  if (early) return { ...early, hadSecond: false };
  const both = [one, second(control.signal)];
  try {
    return { value: await firstFinal(both, isFinal), hadSecond: true };
  } finally {
    control.abort(lost);
    await Promise.allSettled(both);
  }
};

const within = <T>(clock: Clock, ms: number, work: Promise<T>): Promise<{ readonly value: T } | null> =>
  new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(null));
    work.then((value) => resolve({ value }), reject).finally(cancel);
  });

const firstFinal = <T>(runs: readonly Promise<T>[], isFinal: (value: T) => boolean): Promise<T> =>
  new Promise((resolve, reject) => {
    let running = runs.length;
    for (const run of runs)
      run.then((value) => {
        running -= 1;
        if (running === 0 || isFinal(value)) resolve(value);
      }, reject);
  });
