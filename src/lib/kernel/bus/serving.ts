import type { AnyCapability } from './call.ts';
import type { Caller } from './capability.ts';
import { failure, type Failure } from '../errors.ts';
import type { Stop } from '../lifecycle.ts';

/** What of a capability decides whether this device gives it. */
export type Givable = Pick<AnyCapability, 'name' | 'policy' | 'cost' | 'routable'>;

/**
 * What this device gives to others, as its person wants it. A bus without one gives all that the gates allow. Own screens are never
 * asked about: what is switched off for neighbours still works here.
 */
export type Serving = {
  /** null: it is given; otherwise `unavailable` with `not-given` or `battery-saver`. Asked after the first gate, for neighbours only. */
  mayServe(capability: Givable, caller: Caller): Failure | null;
  /** This device would rather use its neighbours' abilities than its own. */
  leansOnNeighbours(): boolean;
  /** Tells of every change of either answer; running calls of what is no longer given end at once. */
  onChange(listener: () => void): Stop;
};

type Served = {
  readonly capability: Givable & Pick<AnyCapability, 'idempotent'>;
  readonly caller: Caller;
  readonly cut: (why: Failure) => void;
};

/** The neighbours' calls that run here now: they end when what they use is no longer given. Listens only while there are any. */
export const createServedCalls = (serving: Serving | undefined): { add(call: Served): Stop } => {
  if (!serving) return { add: () => () => {} };
  const running = new Set<Served>();
  let stop: Stop = () => {};
  const look = (): void => {
    for (const { capability, caller, cut } of running) {
      // Half done is not undone: whoever must not repeat it is not told that another may do it.
      if (serving.mayServe(capability, caller) !== null)
        cut(failure(capability.idempotent ? 'unavailable' : 'unknown_outcome', 'switched-off'));
    }
  };
  return {
    add: (call) => {
      if (call.caller.kind === 'self') return () => {};
      if (running.size === 0) stop = serving.onChange(look);
      running.add(call);
      return () => {
        if (running.delete(call) && running.size === 0) stop();
      };
    },
  };
};
