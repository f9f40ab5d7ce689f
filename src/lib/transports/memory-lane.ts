import { createOutbox } from './carrier-outbox.ts';
import { createDirt, pickDelayMs, type MemoryWorld } from './memory-faults.ts';

export type MemoryLane = {
  /** False when the queue is full. */
  send(message: Uint8Array): boolean;
  bytes(): number;
  /** Delivers what waited for the way to be free again. */
  pump(): void;
  /** Everything in flight is lost. */
  clear(): void;
};

export type MemoryLaneDeps = MemoryWorld & {
  readonly isBlocked: () => boolean;
  readonly deliver: (message: Uint8Array) => void;
  readonly drained: () => void;
};

/** One channel in one direction: reliable and ordered, each message after its own delay but none before the one ahead of it. */
export const createMemoryLane = (deps: MemoryLaneDeps): MemoryLane => {
  const { clock, random } = deps;
  const dirt = createDirt(deps);
  const outbox = createOutbox(deps.drained);
  let queue: Uint8Array[] = [];
  let dueCount = 0;
  let lastDueAt = 0;
  let generation = 0;

  const pump = (): void => {
    while (dueCount > 0 && !deps.isBlocked()) {
      const message = queue.shift();
      if (message === undefined) return;
      dueCount -= 1;
      outbox.left(message.length);
      for (const arriving of dirt(message)) deps.deliver(arriving);
    }
  };

  return {
    send: (message) => {
      if (!outbox.take(message.length)) return false;
      queue.push(message.slice());
      // One look at the clock: between two of them a real one goes on, and the wait would be less than nothing.
      const nowMs = clock.now();
      lastDueAt = Math.max(lastDueAt, nowMs + pickDelayMs(random, deps.faults().carrierDelayMs));
      const sentIn = generation;
      clock.after(lastDueAt - nowMs, () => {
        if (sentIn !== generation) return;
        dueCount += 1;
        pump();
      });
      return true;
    },
    bytes: outbox.bytes,
    pump,
    clear: () => {
      generation += 1;
      queue = [];
      dueCount = 0;
    },
  };
};
