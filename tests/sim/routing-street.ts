import { object, number, string } from 'valibot';
import { define } from '../../src/lib/contracts/define.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';
import type { Trace } from './trace.ts';

/** Chance of one run, from its seed only. */
export type Dice = {
  /** A whole number from 0 to `below` - 1. */
  whole(below: number): number;
  chance(percent: number): boolean;
};

/** What a whole run shares: its time, its chance, and what it saw. */
export type RoutingWorld = {
  readonly clock: VirtualClock;
  readonly dice: Dice;
  readonly trace: Trace;
  readonly problems: Set<string>;
  /** Ended by the end of the run: nobody begins anything new. */
  isOver: boolean;
  /** Which device first sent a call of that trace to another: only that one ever may. */
  readonly originByTrace: Map<string, string>;
  /** How often the work of a job was really done. */
  readonly doneByJob: Map<number, number>;
};

const job = object({ job: number() });
const base = { policy: 'member', input: job, output: object({ by: string() }), routable: true } as const;

/** What the nodes can do: a cheap question, work that must not be done twice, a long stream, and what asks for another one. */
export const quick = define({ ...base, name: 'sim.quick', cost: 'cheap', maxConcurrent: 4, timeoutMs: 5_000 });
export const work = define({ ...base, name: 'sim.work', idempotent: false, maxConcurrent: 2, timeoutMs: 8_000 });
export const long = define({
  ...base,
  name: 'sim.long',
  cost: 'heavy',
  item: object({ at: number() }),
  maxConcurrent: 1,
  timeoutMs: 30_000,
});
export const chain = define({ ...base, name: 'sim.chain', maxConcurrent: 3, timeoutMs: 6_000 });
export const abilities = [quick, work, long, chain] as const;
export type Ability = (typeof abilities)[number];

export const wait = (clock: VirtualClock, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.after(ms, resolve));

type Wire = { isUp: boolean; readonly latencyMs: number; readonly onDown: Set<() => void> };

/** Who can reach whom: each node some neighbours, and every link its own delay. Links break and come back. */
export const createWires = ({ clock, dice }: RoutingWorld, names: readonly string[], neighboursOf: number) => {
  const wires = new Map<string, Wire>();
  const keyOf = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);
  for (const [at, name] of names.entries()) {
    for (let n = 1; n <= neighboursOf / 2; n++) {
      const other = names[(at + n * (1 + (n % 3))) % names.length];
      if (other === undefined || other === name) continue;
      wires.set(keyOf(name, other), { isUp: true, latencyMs: 2 + dice.whole(40), onDown: new Set() });
    }
  }
  return {
    between: (a: string, b: string): Wire | undefined => wires.get(keyOf(a, b)),
    of: (name: string): string[] => names.filter((other) => wires.has(keyOf(name, other))),
    /** Breaks it for a while; `tell` is called when it is down and again when it is back. */
    cut: async (a: string, b: string, ms: number, tell: () => void): Promise<void> => {
      const wire = wires.get(keyOf(a, b));
      if (!wire?.isUp) return;
      wire.isUp = false;
      tell();
      for (const onDown of [...wire.onDown]) onDown();
      await wait(clock, ms);
      wire.isUp = true;
      tell();
    },
  };
};
export type Wires = ReturnType<typeof createWires>;

/** How a node treats those who ask it. */
export type Manner = 'good' | 'slow' | 'failing' | 'silent' | 'lying';
export const mannerOf = (at: number): Manner =>
  at % 10 === 3 ? 'failing' : at % 10 === 5 ? 'silent' : at % 10 === 7 ? 'lying' : at % 10 === 9 ? 'slow' : 'good';

/** As often as a device tells what it offers, when nothing changes and when something does. */
export const tellEveryMs = limits.presenceIntervalMs;
export const tellSoonMs = 200;
