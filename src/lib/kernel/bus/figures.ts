import { createHistogram, type Histogram } from './histogram.ts';
import { limits } from '../limits.ts';

/**
 * What became of the calls of one capability with one device since this node started. asked: this device's own calls, `peer` the
 * device that served (or was tried last; '' when there was none). served: calls of the neighbour `peer` that were served or
 * refused here. `peer` is '*' for all those together whose own row had to make room.
 */
export type FigureRow = {
  readonly capability: string;
  readonly direction: 'asked' | 'served';
  readonly peer: string;
  readonly calls: number;
  readonly ok: number;
  readonly countByCode: ReadonlyMap<string, number>;
  /** Of what was served, in milliseconds: what the one that served took, without the tries at others before. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly totalMs: number;
  readonly hedges: number;
  readonly failovers: number;
  /** Tries at this device that failed and were taken over by another. */
  readonly missed: number;
  /** Milliseconds since 1970 when it last served; null while it never has. */
  readonly lastServedAt: number | null;
};

/** What of a trace is counted. */
type Finished = {
  readonly at: number;
  readonly capability: string;
  readonly caller: string;
  readonly attempts: readonly {
    readonly device: string;
    readonly why: string;
    readonly outcome: string;
    readonly ms: number;
  }[];
  readonly servedBy: string | null;
  readonly outcome: string;
  readonly ms: number;
};

type Row = {
  -readonly [Key in Exclude<keyof FigureRow, 'p50Ms' | 'p99Ms' | 'countByCode'>]: FigureRow[Key];
} & { readonly countByCode: Map<string, number>; readonly times: Histogram };

/** Counts of every finished call, bounded: the row that was touched longest ago makes room and is added to the row of all others. */
export const createFigures = (most: number = limits.figureRowsMax) => {
  const rowByKey = new Map<string, Row>();
  /** As many as there are capabilities, twice: what they are called is a closed list. */
  const othersByKey = new Map<string, Row>();

  const rowOf = (direction: Row['direction'], capability: string, peer: string): Row => {
    const key = `${direction} ${capability} ${peer}`;
    const row = rowByKey.get(key) ?? freshRow(direction, capability, peer);
    rowByKey.delete(key);
    if (rowByKey.size >= most) foldOldest();
    rowByKey.set(key, row);
    return row;
  };
  const foldOldest = (): void => {
    for (const [key, row] of rowByKey) {
      rowByKey.delete(key);
      const shared = `${row.direction} ${row.capability}`;
      const others = othersByKey.get(shared) ?? freshRow(row.direction, row.capability, '*');
      othersByKey.set(shared, others);
      return addRow(others, row);
    }
  };

  return {
    note: (trace: Finished): void => {
      const { capability, attempts, servedBy, outcome } = trace;
      const isAsked = trace.caller === 'self';
      const peer = isAsked ? (servedBy ?? attempts.at(-1)?.device ?? '') : trace.caller;
      const row = rowOf(isAsked ? 'asked' : 'served', capability, peer);
      row.calls += 1;
      if (outcome === 'ok') noteServed(row, trace);
      else row.countByCode.set(outcome, (row.countByCode.get(outcome) ?? 0) + 1);
      for (const { device, why, outcome: ended } of attempts) {
        if (why === 'hedge') row.hedges += 1;
        if (why === 'failover') row.failovers += 1;
        // Who was slower and called off has not failed.
        if (isAsked && device !== peer && ended !== 'ok' && ended !== 'cancelled')
          rowOf('asked', capability, device).missed += 1;
      }
    },
    rows: (): FigureRow[] => [...rowByKey.values(), ...othersByKey.values()].map(toFigureRow),
  };
};
export type Figures = ReturnType<typeof createFigures>;

const freshRow = (direction: Row['direction'], capability: string, peer: string): Row => ({
  ...{ capability, direction, peer, calls: 0, ok: 0, totalMs: 0, hedges: 0, failovers: 0, missed: 0 },
  ...{ lastServedAt: null, countByCode: new Map(), times: createHistogram() },
});

const noteServed = (row: Row, { attempts, servedBy, at, ms }: Finished): void => {
  const served = attempts.findLast(({ device, outcome }) => device === servedBy && outcome === 'ok');
  // A clock that is put right while a call runs makes it end before it began.
  const own = Math.max(0, served?.ms ?? ms);
  row.ok += 1;
  row.totalMs += own;
  row.times.add(own);
  row.lastServedAt = at + ms;
};

const addRow = (to: Row, from: Row): void => {
  for (const key of ['calls', 'ok', 'totalMs', 'hedges', 'failovers', 'missed'] as const) to[key] += from[key];
  for (const [code, count] of from.countByCode) to.countByCode.set(code, (to.countByCode.get(code) ?? 0) + count);
  to.times.addAll(from.times);
  to.lastServedAt = Math.max(to.lastServedAt ?? 0, from.lastServedAt ?? 0) || null;
};

const toFigureRow = ({ times, ...row }: Row): FigureRow => ({
  ...row,
  countByCode: new Map(row.countByCode),
  p50Ms: times.quantile(0.5),
  p99Ms: times.quantile(0.99),
});
