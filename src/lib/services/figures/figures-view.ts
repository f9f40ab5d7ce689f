import type { CallTrace, Metrics } from '../../contracts/node.ts';
import type { Bus } from '../../kernel/bus/bus.ts';
import type { FigureRow } from '../../kernel/bus/figures.ts';
import { limits } from '../../kernel/limits.ts';
import { paced } from '../../kernel/paced.ts';
import type { Clock } from '../../kernel/ports/clock.ts';
import type { Trace } from '../../kernel/bus/trace.ts';
import { watch } from '../../kernel/watch.ts';
import { metricsText, type MetricsSource } from './metrics-text.ts';

export type FiguresViewDeps = {
  readonly bus: Pick<Bus, 'traces' | 'inFlight'>;
  readonly clock: Clock;
  readonly selfDevice: () => string;
  /** What the text tells beside the calls. */
  readonly surroundings: () => Omit<MetricsSource, 'rows' | 'inFlight'>;
};
type Wish = { readonly most: number; readonly only: 'all' | 'neighbours' | 'refused'; readonly live: boolean };
type Traces = { traces: CallTrace[]; total: number };

/** The figures and the last calls as they are told: once, or live at most once a second until the reader leaves. */
export const createFiguresView = ({ bus, clock, selfDevice, surroundings }: FiguresViewDeps) => {
  const onChange = paced(clock, limits.figuresLiveMs, bus.traces.onAdd);

  const metricsWith = (text: string): Metrics => ({
    text,
    rows: bus.traces.figures().map(toRow),
    calls: bus.traces.total,
    inFlight: bus.inFlight('ending'),
  });
  const isWantedBy = {
    all: () => true,
    neighbours: ({ caller, attempts }: Trace) =>
      caller !== 'self' || attempts.some(({ device }) => device !== selfDevice()),
    refused: ({ outcome }: Trace) => outcome !== 'ok' && outcome !== 'cancelled',
  };
  const tracesFor = ({ most, only, live }: Wish): Traces => ({
    traces: bus.traces.list(live ? Math.min(most, limits.tracesShownMax) : most, isWantedBy[only]).map(toCall),
    total: bus.traces.total,
  });

  return {
    traces: async function* (wish: Wish, signal: AbortSignal): AsyncGenerator<Traces, Traces> {
      return wish.live ? yield* watch(() => tracesFor(wish), onChange, signal) : tracesFor(wish);
    },
    metrics: async function* (live: boolean, signal: AbortSignal): AsyncGenerator<Metrics, Metrics> {
      if (live) return yield* watch(() => metricsWith(''), onChange, signal);
      return metricsWith(
        metricsText({ ...surroundings(), rows: bus.traces.figures(), inFlight: bus.inFlight('ending') }),
      );
    },
  };
};
export type FiguresView = ReturnType<typeof createFiguresView>;

/** Whole milliseconds; a clock that was put right in between makes none of them negative. */
const whole = (value: number): number => Math.max(0, Math.round(value));

const toRow = ({ countByCode, ...row }: FigureRow): Metrics['rows'][number] => ({
  ...row,
  refusals: [...countByCode].map(([code, count]) => ({ code, count })),
  p50Ms: whole(row.p50Ms),
  p99Ms: whole(row.p99Ms),
  totalMs: whole(row.totalMs),
  lastServedAt: row.lastServedAt === null ? null : whole(row.lastServedAt),
});

const toCall = (trace: Trace): CallTrace => ({
  ...trace,
  ms: whole(trace.ms),
  at: whole(trace.at),
  candidates: trace.candidates.map((candidate) => ({
    ...candidate,
    score: Math.round(candidate.score),
    p50Ms: whole(candidate.p50Ms),
    successRate: whole(candidate.successRate * 1000),
  })),
  attempts: trace.attempts.map((attempt) => ({ ...attempt, ms: whole(attempt.ms) })),
});
