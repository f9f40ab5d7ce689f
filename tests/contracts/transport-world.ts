import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import type { Random } from '../../src/lib/kernel/ports/random.ts';
import type { Transport } from '../../src/lib/kernel/ports/transport.ts';

/** Where a transport contract takes place: its devices, its time, and whoever may misuse its server. */
export type TransportWorld = {
  transport(name: string): Transport;
  /** Lets time pass until it is so; throws with `what` when it never is. */
  until(what: string, check: () => boolean): Promise<void>;
  /** Lets enough time pass that whatever is going to happen by itself has happened. */
  settle(): Promise<void>;
  /** Somebody who knows the topics but no key; null where there is no server between the devices. */
  readonly stranger: Stranger | null;
  dispose(): Promise<void>;
};
export type Stranger = {
  publish(topic: string, data: string): void;
  /** Everything ever published there. */
  heard(topic: string): readonly string[];
};

export type VirtualClock = Clock & {
  /** Runs everything that is due within the next `ms`, in order. */
  advance(ms: number): void;
};

/** Time that passes only when a test says so. Timers due at the same moment run in the order they were set. */
export const createVirtualClock = (startsAt = 1_000_000): VirtualClock => {
  let now = startsAt;
  let lastId = 0;
  const timers = new Map<number, { readonly dueAt: number; readonly run: () => void }>();
  const next = (until: number): [number, { dueAt: number; run: () => void }] | null => {
    let first: [number, { dueAt: number; run: () => void }] | null = null;
    for (const entry of timers) {
      if (entry[1].dueAt <= until && (first === null || entry[1].dueAt < first[1].dueAt)) first = entry;
    }
    return first;
  };
  return {
    now: () => now,
    after: (delayMs, run) => {
      const id = ++lastId;
      timers.set(id, { dueAt: now + Math.max(0, delayMs), run });
      return () => void timers.delete(id);
    },
    advance: (ms) => {
      const until = now + ms;
      for (let due = next(until); due !== null; due = next(until)) {
        timers.delete(due[0]);
        now = due[1].dueAt;
        due[1].run();
      }
      now = until;
    },
  };
};

/** The same bytes for the same seed (a 32-bit xorshift): good for tests, never for keys. */
export const createSeededRandom = (seed: number): Random => {
  let state = seed === 0 ? 0x9e3779b9 : seed | 0;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  };
  for (let i = 0; i < 16; i++) next();
  return { bytes: (length) => Uint8Array.from({ length }, next) };
};

/** The platform's. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
export const systemRandom: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) };

/** `until` and `settle` for a virtual clock; a turn of the event loop between steps lets WebCrypto's promises through. */
export const passVirtualTime = (clock: VirtualClock, { stepMs = 20, limitMs = 120_000, settleMs = 40_000 } = {}) => {
  const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
  const step = async (): Promise<void> => {
    clock.advance(stepMs);
    await turn();
  };
  return {
    /** So much time and no more, a step at a time. */
    pass: async (ms: number): Promise<void> => {
      const endsAt = clock.now() + ms;
      while (clock.now() < endsAt) {
        clock.advance(Math.min(stepMs, endsAt - clock.now()));
        await turn();
      }
    },
    until: async (what: string, check: () => boolean): Promise<void> => {
      const endsAt = clock.now() + limitMs;
      while (!check()) {
        if (clock.now() > endsAt) throw new Error(`never came true: ${what}`);
        await step();
      }
    },
    settle: async (): Promise<void> => {
      const endsAt = clock.now() + settleMs;
      while (clock.now() < endsAt) {
        clock.advance(stepMs * 10);
        await turn();
      }
    },
  };
};
