import type { Clock } from '../../src/lib/kernel/ports/clock.ts';

/** Time that moves only when told to: timers fire in the order (time, the order they were asked for), one at a time. */
export type VirtualClock = Clock & {
  /** Timers that wait and have not been cancelled. */
  pending(): number;
  /** Moves to the earliest timer and fires it; false, and nothing happens, when none is due by `untilMs`. */
  fireNext(untilMs: number): boolean;
};

/** One device's clock: the same timers, its own idea of the time. */
export type DeviceClock = Clock & {
  pending(): number;
  /** Puts the device's clock forward (or, negative, back) from now on. Timers that wait are not moved, as in a browser. */
  jump(byMs: number): void;
  /** How far the device's clock is from the true time. */
  skewMs(): number;
  /** As a browser freezes a page it does not show: timers that come due wait until `thaw`, and then all fire in their order. */
  freeze(): void;
  thaw(): void;
  /** The device is gone: no timer of it fires any more, and none can be made. */
  end(): void;
};

type Timer = { readonly at: number; readonly order: number; run: (() => void) | null };

export const createVirtualClock = (startMs: number): VirtualClock => {
  const heap: Timer[] = [];
  let nowMs = startMs;
  let asked = 0;
  let live = 0;
  return {
    now: () => nowMs,
    after: (delayMs, run) => {
      const timer: Timer = { at: nowMs + Math.max(0, Math.ceil(delayMs)), order: asked++, run };
      push(heap, timer);
      live += 1;
      return () => {
        if (timer.run === null) return;
        timer.run = null;
        live -= 1;
      };
    },
    pending: () => live,
    fireNext: (untilMs) => {
      for (;;) {
        const next = heap[0];
        if (next === undefined || (next.run !== null && next.at > untilMs)) return false;
        pop(heap);
        const { run } = next;
        if (run === null) continue;
        next.run = null;
        live -= 1;
        nowMs = Math.max(nowMs, next.at);
        run();
        return true;
      }
    },
  };
};

export const createDeviceClock = (world: Clock, initialSkewMs = 0): DeviceClock => {
  const cancels = new Set<() => void>();
  const held = new Set<() => void>();
  let skewMs = initialSkewMs;
  let isOver = false;
  let isFrozen = false;
  return {
    now: () => world.now() + skewMs,
    after: (delayMs, run) => {
      if (isOver) return () => {};
      const fire = (): void => {
        if (isFrozen) return void held.add(fire);
        cancels.delete(cancel);
        run();
      };
      const cancelInWorld = world.after(delayMs, fire);
      const cancel = (): void => {
        cancelInWorld();
        held.delete(fire);
      };
      cancels.add(cancel);
      return () => {
        cancels.delete(cancel);
        cancel();
      };
    },
    pending: () => cancels.size,
    jump: (byMs) => {
      skewMs += byMs;
    },
    skewMs: () => skewMs,
    freeze: () => {
      isFrozen = true;
    },
    thaw: () => {
      isFrozen = false;
      for (const fire of [...held]) {
        if (!held.delete(fire)) continue; // cancelled by one before it
        fire();
      }
    },
    end: () => {
      isOver = true;
      for (const cancel of cancels) cancel();
      cancels.clear();
    },
  };
};

/**
 * Lets everything that is already decided happen: microtasks and resolved promises, however long their chain. One turn of
 * the event loop is enough, because nothing a simulated node uses resolves by anything else.
 */
export const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

const push = (heap: Timer[], timer: Timer): void => {
  let at = heap.push(timer) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || isBefore(parent, timer)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = timer;
};

const pop = (heap: Timer[]): void => {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const [a, b] = [heap[left], heap[left + 1]];
    const child = b !== undefined && a !== undefined && isBefore(b, a) ? left + 1 : left;
    const smaller = heap[child];
    if (smaller === undefined || isBefore(last, smaller)) break;
    heap[at] = smaller;
    at = child;
  }
  heap[at] = last;
};
