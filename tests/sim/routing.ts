import type { Reply } from '../../src/lib/kernel/bus/call.ts';
import { isFailureCode } from '../../src/lib/kernel/errors.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createVirtualClock, settle } from '../support/virtual-clock.ts';
import { callOf, createRoutingNode, type RoutingNode } from './routing-node.ts';
import {
  abilities,
  createWires,
  mannerOf,
  work,
  type Ability,
  type Dice,
  type RoutingWorld,
} from './routing-street.ts';
import { createTrace } from './trace.ts';

export type RoutingOutcome = {
  /** Everything that must not happen and did, in sentences. */
  readonly problems: readonly string[];
  /** Of every call, in the order in which they ended: equal for equal seeds. */
  readonly hash: string;
  readonly calls: number;
  /** How many calls ended so, by `ok` or the code of the failure. */
  readonly ended: Readonly<Record<string, number>>;
  /** How many tries there were, by why. */
  readonly tries: Readonly<Record<string, number>>;
  readonly virtualMs: number;
};

const startMs = 1_900_000_000_000;
const neighboursOf = 10;
const pauseMs = 4_000;

/**
 * A street of real buses for some simulated minutes: every node asks for things all the time, while some of those who offer them
 * fail, are slow, silent or lie, links break and come back, everybody wants the same thing at once, and callers leave. Every call
 * must end in time with a reply or a typed failure, nobody may work beyond its limit or hand a call on, and what must not be
 * repeated is done once at most.
 */
export const runRouting = async (seed: number, nodesCount = 30, minutes = 10): Promise<RoutingOutcome> => {
  const clock = createVirtualClock(startMs);
  const world: RoutingWorld = {
    clock,
    dice: createDice(seed),
    trace: createTrace(false, clock.now),
    problems: new Set(),
    isOver: false,
    originByTrace: new Map(),
    doneByJob: new Map(),
  };
  const endMs = startMs + minutes * 60_000;
  const nodes = createStreet(world, nodesCount, endMs);
  const callers = createCallers(world, nodes, endMs);
  while (clock.fireNext(Infinity)) {
    await settle();
    if (clock.now() >= endMs) world.isOver = true;
  }
  const { calls, ended } = callers;
  const endedCount = Object.values(ended).reduce((sum, count) => sum + count, 0);
  if (endedCount !== calls()) world.problems.add(`${calls() - endedCount} calls never ended`);
  const tries: Record<string, number> = {};
  for (const node of nodes) {
    if (node.bus.inFlight() > 0) world.problems.add(`${node.name} still works`);
    if (node.bus.traces.total !== node.given.calls)
      world.problems.add(`${node.name} has ${node.bus.traces.total} traces of ${node.given.calls} calls`);
    for (const { caller, attempts } of node.bus.traces.list(Infinity))
      if (caller === 'self') for (const { why } of attempts) tries[why] = (tries[why] ?? 0) + 1;
  }
  const problems = [...world.problems];
  return { problems, hash: world.trace.hash(), calls: calls(), ended, tries, virtualMs: clock.now() - startMs };
};

const createDice = (seed: number): Dice => {
  const random = seededRandom(`routing ${seed}`);
  const whole = (below: number): number => {
    const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4);
    return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % below;
  };
  return { whole, chance: (percent) => whole(100) < percent };
};

const createStreet = (world: RoutingWorld, count: number, endMs: number): RoutingNode[] => {
  const { clock, dice } = world;
  const names = Array.from({ length: count }, (_, at) => `n${String(at).padStart(2, '0')}`);
  const wires = createWires(world, names, neighboursOf);
  const byName = new Map<string, RoutingNode>();
  for (const [at, name] of names.entries()) {
    // A third has nothing to offer, as a thin client; the others some of it.
    const offers = at % 3 === 0 ? [] : abilities.filter(() => dice.chance(60));
    byName.set(
      name,
      createRoutingNode(world, { name, at, offers, wires }, (other) => byName.get(other)),
    );
  }
  const nodes = [...byName.values()];
  for (const node of nodes) node.start();
  const churn = (): void => {
    if (clock.now() >= endMs) return;
    const one = names[dice.whole(count)] ?? '';
    const others = wires.of(one);
    // Now a single link, now a whole device that leaves.
    const lost = dice.chance(30) ? others : others.slice(0, 1 + dice.whole(others.length));
    const ms = dice.chance(60) ? 300 + dice.whole(3_000) : 5_000 + dice.whole(60_000);
    for (const other of lost)
      void wires.cut(one, other, ms, () => {
        const isUp = wires.between(one, other)?.isUp === true;
        for (const [from, to] of [
          [one, other],
          [other, one],
        ] as const)
          if (isUp) byName.get(from)?.tell();
          else byName.get(from)?.bus.registry.remove(to);
      });
    clock.after(200 + dice.whole(1_500), churn);
  };
  clock.after(1_000, churn);
  return nodes;
};

const createCallers = (world: RoutingWorld, nodes: readonly RoutingNode[], endMs: number) => {
  const { clock, dice } = world;
  const ended: Record<string, number> = {};
  let calls = 0;
  const callOnce = (node: RoutingNode, ability: Ability): void => {
    const job = (calls += 1);
    const startedAt = clock.now();
    const control = new AbortController();
    if (dice.chance(5)) clock.after(dice.whole(1_000), () => control.abort());
    const session = dice.chance(20) ? `s${dice.whole(3)}` : null;
    void callOf(node, ability, job, control.signal, session).then(
      (reply) => {
        const outcome = reply.ok ? 'ok' : reply.error.code;
        ended[outcome] = (ended[outcome] ?? 0) + 1;
        for (const sentence of wrongWith(world, ability, job, clock.now() - startedAt, reply))
          world.problems.add(`${node.name}, ${ability.name}: ${sentence}`);
        const { servedBy, attempts } = reply.ok ? reply.value.meta : { servedBy: '', attempts: 0 };
        world.trace.note(`${clock.now()} ${node.name} ${ability.name} ${job} ${outcome} ${servedBy} ${attempts}\n`);
      },
      (error: unknown) => world.problems.add(`a call threw ${String(error)}`),
    );
  };
  for (const node of nodes) {
    const next = (): void => {
      if (clock.now() >= endMs) return;
      callOnce(node, abilities[dice.whole(abilities.length)] ?? work);
      clock.after(500 + dice.whole(pauseMs), next);
    };
    clock.after(1_000 + dice.whole(pauseMs), next);
  }
  // Once a minute everybody wants the same at once, three times over.
  const rush = (): void => {
    if (clock.now() >= endMs) return;
    const wanted = abilities[dice.whole(abilities.length)] ?? work;
    for (const node of nodes) for (let n = 0; n < 3; n++) callOnce(node, wanted);
    clock.after(60_000, rush);
  };
  clock.after(30_000, rush);
  return { calls: () => calls, ended };
};

const wrongWith = function* (
  { doneByJob }: RoutingWorld,
  ability: Ability,
  job: number,
  ms: number,
  reply: Reply<{ readonly by: string }>,
): Generator<string> {
  if (ms > ability.timeoutMs) yield `took ${ms} ms`;
  if (!reply.ok && !isFailureCode(reply.error.code)) yield 'failed without a code';
  if (ability.name !== work.name) return;
  const done = doneByJob.get(job) ?? 0;
  if (done > 1) yield `a job was done ${done} times`;
  if (reply.ok && done !== 1) yield 'a job that was not done was said to be';
  const mayBeDone = reply.ok || ['unknown_outcome', 'cancelled'].includes(reply.error.code);
  if (!mayBeDone && done > 0) yield `a job was done and ${reply.ok ? '' : reply.error.code} was said of it`;
};

/** For the test that shows what the run is made of. */
export const mannersIn = (nodesCount: number): ReadonlySet<string> =>
  new Set(Array.from({ length: nodesCount }, (_, at) => mannerOf(at)));
