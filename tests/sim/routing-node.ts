import { createBus, type Bus } from '../../src/lib/kernel/bus/bus.ts';
import { endOf, failureOfAbort, type CallContext } from '../../src/lib/kernel/bus/call.ts';
import { failure, type Failure } from '../../src/lib/kernel/errors.ts';
import { err, ok, type Result } from '../../src/lib/kernel/result.ts';
import type { RemoteCaller } from '../../src/lib/kernel/bus/routed-call.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import {
  chain,
  long,
  mannerOf,
  quick,
  tellEveryMs,
  tellSoonMs,
  wait,
  work,
  type Ability,
  type Manner,
  type RoutingWorld,
  type Wires,
} from './routing-street.ts';

export type RoutingNode = {
  readonly name: string;
  readonly bus: Bus;
  /** Calls that its bus was given: its own, those of neighbours, and those its handlers made. */
  readonly given: { calls: number };
  /** Tells its neighbours what it offers, or that a link is gone. */
  readonly tell: () => void;
  readonly start: () => void;
};

type Input = { readonly job: number };

/** A real bus, joined to others by wires with delays instead of links. What it sends and serves is watched. */
export const createRoutingNode = (
  world: RoutingWorld,
  { name, at, offers, wires }: { name: string; at: number; offers: readonly Ability[]; wires: Wires },
  nodeOf: (name: string) => RoutingNode | undefined,
): RoutingNode => {
  const { clock, dice } = world;
  const manner = mannerOf(at);
  const given = { calls: 0 };
  const bus = createBus({
    clock,
    random: seededRandom(name),
    self: () => name,
    views: { roleOf: () => 'member' },
    remote: createWireCaller(world, name, wires, nodeOf),
  });
  for (const ability of offers) {
    let running = 0;
    bus.register(
      ability as typeof quick,
      async function* (input: Input, context: CallContext) {
        running += 1;
        if (running > ability.maxConcurrent) world.problems.add(`${name} ran ${running} x ${ability.name}`);
        try {
          return yield* serveAbility(world, { name, manner, ability, given }, input, context);
        } finally {
          running -= 1;
        }
      } as never,
    );
  }

  let isTold = true;
  const tell = (): void => {
    const said = bus.registry.localOffers().map((offer) =>
      // A liar has always room, and says so of what it never had.
      manner === 'lying' ? { ...offer, loadPercent: -50, isFull: false } : offer,
    );
    if (manner === 'lying' && said[0]) said.push({ ...said[0], name: quick.name });
    for (const other of wires.of(name)) {
      const wire = wires.between(name, other);
      if (!wire?.isUp) {
        bus.registry.remove(other);
        continue;
      }
      clock.after(wire.latencyMs, () => {
        if (wire.isUp) nodeOf(other)?.bus.registry.setRemote(name, said, clock.now());
      });
    }
  };
  const tellSoon = (): void => {
    if (!isTold) return;
    isTold = false;
    clock.after(tellSoonMs, () => {
      isTold = true;
      tell();
    });
  };
  const start = (): void => {
    tell();
    const again = (): void => {
      if (world.isOver) return;
      tell();
      clock.after(tellEveryMs, again);
    };
    clock.after(dice.whole(tellEveryMs), again);
  };
  return { name, bus, given, tell: tellSoon, start };
};

type Served = {
  readonly name: string;
  readonly manner: Manner;
  readonly ability: Ability;
  readonly given: { calls: number };
};

/** What the handler of one ability does, by the manner of its node. */
const serveAbility = async function* (
  world: RoutingWorld,
  { name, manner, ability, given }: Served,
  { job }: Input,
  { caller, signal, call }: CallContext,
): AsyncGenerator<{ at: number }, Result<{ by: string }, Failure>> {
  const { clock, dice } = world;
  const ms = (manner === 'slow' ? 2_000 : 20) + dice.whole(200);
  if (manner === 'failing' && dice.chance(80)) return err(failure(dice.chance(50) ? 'unavailable' : 'internal', 'sim'));
  if (manner === 'silent' && dice.chance(40)) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  if (manner === 'lying' && caller.kind === 'device' && dice.chance(50)) return ok({ wrong: true } as never);
  if (ability.name === long.name) {
    for (let at = 0; at < 5 && !signal.aborted; at++) {
      await wait(clock, ms * 4);
      yield { at };
    }
  } else await wait(clock, ms);
  if (ability.name === chain.name) {
    given.calls += 1;
    const inner = await call(quick, { job });
    return inner.ok ? ok({ by: name }) : inner;
  }
  if (signal.aborted) return err(failureOfAbort(signal));
  if (ability.name === work.name) world.doneByJob.set(job, (world.doneByJob.get(job) ?? 0) + 1);
  return ok({ by: name });
};

/** Calls over wires: there, the work, and back. A wire that breaks meanwhile ends the call here and the work there. */
const createWireCaller = (
  world: RoutingWorld,
  self: string,
  wires: Wires,
  nodeOf: (name: string) => RoutingNode | undefined,
): RemoteCaller => ({
  stream: async function* (device, request, signal) {
    const wire = wires.between(self, device);
    const there = nodeOf(device);
    if (!wire?.isUp || !there) return err(failure('peer_offline', 'not-sent'));
    const origin = world.originByTrace.get(request.trace) ?? self;
    world.originByTrace.set(request.trace, origin);
    if (origin !== self) world.problems.add(`${self} handed on a call of ${origin}`);

    const far = new AbortController();
    const onAbort = (): void => void world.clock.after(wire.latencyMs, () => far.abort(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    let breakOff = (): void => {};
    const broken = new Promise<Result<unknown, Failure>>((resolve) => {
      breakOff = () => {
        far.abort(failure('cancelled', 'link-lost'));
        resolve(err(failure('peer_offline', 'link-lost')));
      };
    });
    wire.onDown.add(breakOff);
    const items: unknown[] = [];
    const answered = (async (): Promise<Result<unknown, Failure>> => {
      await wait(world.clock, wire.latencyMs);
      if (far.signal.aborted) return broken;
      there.given.calls += 1;
      const { capability, input, params, deadlineMs, trace, clientId } = request;
      const options = { params, deadlineMs, trace, clientId, signal: far.signal };
      const served = there.bus.serve({ kind: 'device', device: self }, capability, input, options);
      let step = await served.next();
      for (; !step.done; step = await served.next()) items.push(step.value);
      const reply = step.value;
      await wait(world.clock, wire.latencyMs);
      return reply.ok ? ok(reply.value.output) : reply;
    })();
    try {
      const result = await Promise.race([answered, broken]);
      if (result.ok) for (const item of items) yield item;
      return result;
    } finally {
      wire.onDown.delete(breakOff);
      signal.removeEventListener('abort', onAbort);
    }
  },
});

/** One call of a node's own screens, to its end. */
export const callOf = (
  node: RoutingNode,
  ability: Ability,
  job: number,
  signal: AbortSignal,
  session: string | null,
) => {
  node.given.calls += 1;
  return endOf(node.bus.stream(ability as typeof quick, { job }, { signal, ...(session === null ? {} : { session }) }));
};
