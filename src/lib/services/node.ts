import { nodeConfigure, nodeInfoCapability, nodeSelfTest, type NodeChange, type NodeInfo } from '../contracts/node.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { watch } from '../kernel/watch.ts';

/** One thing that can prove itself: throws or resolves false when it is broken; the text says what was seen. */
export type SelfTestStep = { readonly name: string; run(): Promise<{ ok: boolean; detail: string }> };

export type NodeServiceDeps = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly info: () => NodeInfo | Promise<NodeInfo>;
  readonly onInfoChange: (listener: () => void) => () => void;
  /** null when it is done, else why not. */
  readonly configure: (change: NodeChange) => Promise<Failure | null>;
  /** The steps, or why there are none to be had. */
  readonly selfTest: () => Promise<Result<readonly SelfTestStep[], string>>;
};

/** This node about itself: who it is, and what it can prove of itself now. */
export const createNodeService = ({
  bus,
  clock,
  info,
  onInfoChange,
  configure,
  selfTest,
}: NodeServiceDeps): Startable => {
  const stops = createStops();
  const runStep = async ({ name, run }: SelfTestStep) => {
    const startedAt = clock.now();
    const outcome = await run().catch((error: unknown) => ({
      ok: false,
      detail: error instanceof Error ? error.message : String(error),
    }));
    return { name, ok: outcome.ok, detail: outcome.detail.slice(0, 200), ms: Math.round(clock.now() - startedAt) };
  };
  return {
    start: () => {
      stops.add(
        bus.register(nodeInfoCapability, async function* (_input, { signal }) {
          return ok(yield* watch(info, onInfoChange, signal));
        }),
      );
      stops.add(
        bus.register(nodeConfigure, async (change) => {
          const refused = await configure(change);
          return refused ? err(refused) : ok({});
        }),
      );
      stops.add(
        bus.register(nodeSelfTest, async () => {
          const known = await selfTest();
          if (!known.ok) return err(failure('unavailable', known.error));
          const steps = [];
          for (const step of known.value) steps.push(await runStep(step));
          return ok({ steps });
        }),
      );
    },
    stop: stops.run,
  };
};
