import { nodeConfigure, nodeInfoCapability, nodeSelfTest, nodeTraces, type NodeInfo } from '../contracts/node.ts';
import type { Bus } from '../kernel/bus.ts';
import { failure } from '../kernel/errors.ts';
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
  readonly configure: (change: { name?: string | undefined; signalUrl?: string | undefined }) => Promise<boolean>;
  /** The steps, or why there are none to be had. */
  readonly selfTest: () => Promise<Result<readonly SelfTestStep[], string>>;
};

/** This node about itself: who it is, what it can prove of itself now, and what its bus has been doing. */
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
        bus.register(nodeConfigure, async (change) =>
          (await configure(change)) ? ok({}) : err(failure('quota_full', 'not-stored')),
        ),
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
      stops.add(
        bus.register(nodeTraces, ({ most }) =>
          ok({
            traces: bus.traces.list(most).map((trace) => ({
              ...trace,
              ms: Math.round(trace.ms),
              at: Math.round(trace.at),
              candidates: trace.candidates.map((candidate) => ({ ...candidate, score: Math.max(0, candidate.score) })),
              attempts: [...trace.attempts],
            })),
            total: bus.traces.total,
          }),
        ),
      );
    },
    stop: stops.run,
  };
};
