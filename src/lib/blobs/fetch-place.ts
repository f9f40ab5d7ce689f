import { failureOfAbort } from '../kernel/bus/call.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { Asking } from './asking.ts';
import type { Place } from './bulk-frames.ts';

type PlaceWish = {
  readonly clock: Clock;
  readonly asking: Asking;
  readonly cid: string;
  readonly at: Place;
  readonly signal: AbortSignal;
};

const askAgainMs = 500;

/**
 * The bytes at one place of a blob from one neighbour. Asked again while the link is full or the neighbour busy; given up when it is
 * silent for `limits.blobSilenceMs` in all, or when the signal aborts. Checks nothing.
 */
export const fetchPlace = ({ clock, asking, cid, at, signal }: PlaceWish): Promise<Result<Bytes, Failure>> =>
  new Promise((resolve) => {
    let stopAskingAgain = (): void => {};
    const end = (result: Result<Bytes, Failure>): void => {
      stopSilence();
      stopAskingAgain();
      signal.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const giveUp = (reason: Failure): void => {
      asking.cancel(cid, [at], false);
      end(err(reason));
    };
    const onAbort = (): void => giveUp(failureOfAbort(signal));
    const again = (): void => void (stopAskingAgain = clock.after(askAgainMs, ask));
    const ask = (): void => {
      const isAsked = asking.ask(cid, at, {
        came: (_place, bytes) => end(ok(bytes)),
        refused: (_place, reason) => {
          if (reason === 'not-here') end(err(failure('bad_request', 'input-not-here')));
          else again();
        },
      });
      if (!isAsked) again();
    };
    const stopSilence = clock.after(limits.blobSilenceMs, () => giveUp(failure('unavailable', 'input-silent')));
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else ask();
  });
