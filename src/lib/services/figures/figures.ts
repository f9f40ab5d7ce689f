import { nodeMetrics, nodeTraces } from '../../contracts/node.ts';
import type { Bus } from '../../kernel/bus/bus.ts';
import { failure } from '../../kernel/errors.ts';
import { createStops, type Startable } from '../../kernel/lifecycle.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { FiguresView } from './figures-view.ts';

export type FiguresDeps = {
  readonly bus: Pick<Bus, 'register'>;
  /** What makes the views stands in a file of its own, loaded when somebody looks; or why it cannot be had. */
  readonly loadView: () => Promise<Result<FiguresView, string>>;
};

/** What the bus has been doing, for screens that look live and for whoever asks once. Nothing is computed while nobody looks. */
export const createFiguresService = ({ bus, loadView }: FiguresDeps): Startable => {
  const stops = createStops();
  return {
    start: () => {
      stops.add(
        bus.register(nodeTraces, async function* (input, { signal }) {
          const view = await loadView();
          return view.ok ? ok(yield* view.value.traces(input, signal)) : err(failure('unavailable', view.error));
        }),
      );
      stops.add(
        bus.register(nodeMetrics, async function* ({ live }, { signal }) {
          const view = await loadView();
          return view.ok ? ok(yield* view.value.metrics(live, signal)) : err(failure('unavailable', view.error));
        }),
      );
    },
    stop: stops.run,
  };
};
