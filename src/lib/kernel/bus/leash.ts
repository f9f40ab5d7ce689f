import { failureOfAbort } from './call.ts';
import { failure, type Failure } from '../errors.ts';
import type { Stop } from '../lifecycle.ts';
import type { Clock } from '../ports/clock.ts';
import { err, ok, type Result } from '../result.ts';

/** What can end one call from outside of its handler: its caller, its deadline, or this node (`cut`). */
export type Leash = {
  readonly signal: AbortSignal;
  readonly cut: (why: Failure) => void;
  /** The work's value, or why the call was over before. The work itself is told by the signal only. */
  readonly wait: <T>(work: Promise<T>) => Promise<Result<T, Failure>>;
  /** Lets go of the caller's signal. */
  readonly end: Stop;
};

/** `endsAt` is the deadline in milliseconds of the clock; Infinity for none. */
export const createLeash = (clock: Clock, endsAt: number, outer: AbortSignal | undefined): Leash => {
  const control = new AbortController();
  const { signal } = control;
  const onAbort = (): void => control.abort(outer ? failureOfAbort(outer) : undefined);
  if (outer?.aborted) onAbort();
  outer?.addEventListener('abort', onAbort);
  const cut = (why: Failure): void => control.abort(why);
  return {
    signal,
    cut,
    wait: <T>(work: Promise<T>) =>
      new Promise<Result<T, Failure>>((resolve, reject) => {
        const stopTimer =
          endsAt === Infinity
            ? () => {}
            : clock.after(Math.max(0, endsAt - clock.now()), () => cut(failure('timeout', 'deadline')));
        const finish = (settle: () => void): void => {
          stopTimer();
          signal.removeEventListener('abort', onCut);
          settle();
        };
        const onCut = (): void => finish(() => resolve(err(failureOfAbort(signal))));
        work.then(
          (value) => finish(() => resolve(ok(value))),
          (error: unknown) => finish(() => reject(error)),
        );
        if (signal.aborted) onCut();
        else signal.addEventListener('abort', onCut);
      }),
    end: () => outer?.removeEventListener('abort', onAbort),
  };
};
