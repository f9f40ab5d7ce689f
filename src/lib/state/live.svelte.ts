import type { BusClient } from '../kernel/bus/bus-client.ts';
import type { Capability } from '../kernel/bus/capability.ts';
import type { Failure } from '../kernel/errors.ts';
import { pause, type Clock } from '../kernel/ports/clock.ts';
import { pageClock } from './page-clock.ts';

/** How long a subscription waits before it asks again after a failure, in milliseconds; doubled up to the second figure. */
const retryMinMs = 1_000;
const retryMaxMs = 15_000;

export type Live<S> = {
  /** The newest snapshot; null until the first one. A failure keeps the last snapshot: old news beats a blank page. */
  readonly value: S | null;
  /** Why there is nothing new, until the next snapshot. */
  readonly failure: Failure | null;
  /** True until the first snapshot or the first failure. */
  readonly isLoading: boolean;
  stop(): void;
};

/**
 * Follows a stream of snapshots for a screen. It starts at once, asks again by itself when the stream ends or fails,
 * and holds nothing after `stop` (which is safe to call twice).
 */
export const createLive = <I, O, S>(
  bus: BusClient,
  capability: Capability<I, O, S>,
  input: I,
  clock: Clock = pageClock,
): Live<S> => {
  let value = $state.raw<S | null>(null);
  let failure = $state.raw<Failure | null>(null);
  const leaving = new AbortController();
  const { signal } = leaving;

  /** Reads one subscription to its end; true when it brought anything. */
  const follow = async (): Promise<boolean> => {
    const items = bus.stream(capability, input, { signal });
    let hasBrought = false;
    for (;;) {
      const step = await items.next();
      if (signal.aborted) return hasBrought;
      if (step.done) {
        failure = step.value.ok ? null : step.value.error;
        return hasBrought;
      }
      hasBrought = true;
      value = step.value;
      failure = null;
    }
  };

  const run = async (): Promise<void> => {
    let waitMs = retryMinMs;
    while (!signal.aborted) {
      const hasBrought = await follow().catch((cause: unknown) => {
        failure = { code: 'internal', reason: cause instanceof Error ? cause.message : 'stream-broke' };
        return false;
      });
      if (signal.aborted) return;
      waitMs = hasBrought ? retryMinMs : Math.min(retryMaxMs, waitMs * 2);
      await pause(clock, waitMs, signal).catch(() => undefined);
    }
  };
  void run();

  return {
    get value() {
      return value;
    },
    get failure() {
      return failure;
    },
    get isLoading() {
      return value === null && failure === null;
    },
    stop: () => leaving.abort(),
  };
};
