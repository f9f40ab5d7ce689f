import { describe, expect, it } from 'vitest';
import { createFigures, type FigureRow } from '../../src/lib/kernel/bus/figures.ts';
import { createHistogram } from '../../src/lib/kernel/bus/histogram.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createTraceRing, type Attempt, type Trace } from '../../src/lib/kernel/bus/trace.ts';
import { seededRandom } from '../support/test-neighbours.ts';

const search = 'library.search@1.0';
const call = (over: Partial<Trace> = {}): Omit<Trace, 'id'> => ({
  trace: 't',
  at: 1_000,
  capability: search,
  caller: 'self',
  session: null,
  candidates: [],
  attempts: [{ device: 'bora', why: 'first', outcome: 'ok', ms: 10 }],
  servedBy: 'bora',
  outcome: 'ok',
  ms: 10,
  ...over,
});
const tried = (device: string, outcome: string, ms: number, why: Attempt['why'] = 'first'): Attempt => ({
  device,
  why,
  outcome,
  ms,
});
const rowOf = (rows: readonly FigureRow[], peer: string, direction = 'asked') =>
  rows.find((row) => row.peer === peer && row.direction === direction);

/** The nearest rank, from all values. */
const exact = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * values.length)) - 1] ?? 0;

/** A share in [0, 1) of four random bytes. */
const shares = (seed: string, count: number): number[] => {
  const bytes = seededRandom(seed).bytes(count * 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: count }, (_, i) => view.getUint32(i * 4) / 2 ** 32);
};

describe('a histogram', () => {
  const spreads: Record<string, (share: number) => number> = {
    'all nearly the same': (share) => 40 + share,
    'even up to a second': (share) => 1 + share * 999,
    'from a millisecond to a day': (share) => 86_400_000 ** share,
    'mostly quick, one in twenty slow': (share) => (share < 0.95 ? 2 + share : 4_000 + 9_000 * share),
  };
  for (const [name, valueOf] of Object.entries(spreads)) {
    it(`is within 5 % of the exact quantiles: ${name}`, () => {
      const values = shares(name, 5_000).map(valueOf);
      const histogram = createHistogram();
      for (const value of values) histogram.add(value);
      for (const share of [0.01, 0.25, 0.5, 0.9, 0.99, 1]) {
        const wanted = exact(values, share);
        expect(Math.abs(histogram.quantile(share) - wanted) / wanted).toBeLessThan(0.05);
      }
    });
  }

  it('says 0 for nothing, for what took no time and for a clock that was put back', () => {
    const histogram = createHistogram();
    expect(histogram.quantile(0.5)).toBe(0);
    for (const value of [0, 0, -5_000]) histogram.add(value);
    expect(histogram.quantile(0.99)).toBe(0);
  });

  it('takes no more room for a million calls than for a day in steps of 9 %', () => {
    const histogram = createHistogram();
    for (let value = 0.1; value < 1e12; value *= 1.001) histogram.add(value);
    expect([...histogram.buckets()].length).toBeLessThanOrEqual(222);
  });

  it('of two, added, is the histogram of both', () => {
    const [anna, bora, both] = [createHistogram(), createHistogram(), createHistogram()];
    for (const [value, own] of [1, 2, 3, 900, 901].map((ms) => [ms, ms < 900 ? anna : bora] as const)) {
      own.add(value);
      both.add(value);
    }
    anna.addAll(bora);
    expect([...anna.buckets()]).toEqual([...both.buckets()]);
    expect(anna.quantile(0.99)).toBe(both.quantile(0.99));
  });
});

describe('the figures of the bus', () => {
  it('count a call that bora served anna by what he took, not by what was lost at chen before', () => {
    const figures = createFigures();
    figures.note(call({ attempts: [tried('chen', 'timeout', 4_000), tried('bora', 'ok', 20, 'failover')], ms: 4_020 }));
    const rows = figures.rows();
    expect(rowOf(rows, 'bora')).toMatchObject({ calls: 1, ok: 1, failovers: 1, missed: 0, totalMs: 20 });
    expect(rowOf(rows, 'bora')?.p50Ms).toBeCloseTo(20, -0.5);
    expect(rowOf(rows, 'chen')).toMatchObject({ calls: 0, ok: 0, missed: 1, lastServedAt: null });
    expect(rowOf(rows, 'bora')?.lastServedAt).toBe(5_020);
  });

  it('count a refused call by its code, at the one who was tried last, or at nobody', () => {
    const figures = createFigures();
    figures.note(call({ outcome: 'timeout', servedBy: null, attempts: [tried('chen', 'timeout', 9)] }));
    figures.note(call({ outcome: 'timeout', servedBy: null, attempts: [tried('chen', 'timeout', 9)] }));
    figures.note(call({ outcome: 'not_found', servedBy: null, attempts: [] }));
    expect(rowOf(figures.rows(), 'chen')).toMatchObject({ calls: 2, ok: 0, missed: 0, p50Ms: 0 });
    expect([...(rowOf(figures.rows(), 'chen')?.countByCode ?? [])]).toEqual([['timeout', 2]]);
    expect([...(rowOf(figures.rows(), '')?.countByCode ?? [])]).toEqual([['not_found', 1]]);
  });

  it("count a neighbour's call at the neighbour, whoever served it, and never as one of anna's", () => {
    const figures = createFigures();
    figures.note(call({ caller: 'dilek', servedBy: 'anna', attempts: [tried('anna', 'ok', 3)] }));
    figures.note(call({ caller: 'dilek', servedBy: null, attempts: [], outcome: 'forbidden' }));
    expect(figures.rows()).toHaveLength(1);
    expect(rowOf(figures.rows(), 'dilek', 'served')).toMatchObject({ calls: 2, ok: 1 });
  });

  it('count a hedge, and do not blame the one who was called off for being slower', () => {
    const figures = createFigures();
    figures.note(call({ attempts: [tried('chen', 'cancelled', 90), tried('bora', 'ok', 15, 'hedge')], ms: 90 }));
    expect(rowOf(figures.rows(), 'bora')).toMatchObject({ hedges: 1, failovers: 0 });
    expect(rowOf(figures.rows(), 'chen')).toBeUndefined();
  });

  it('have room for so many rows; those touched longest ago are added up, and no call is lost', () => {
    const figures = createFigures(4);
    for (let i = 0; i < 50; i++) figures.note(call({ servedBy: `neighbour-${i}`, attempts: [] }));
    figures.note(call({ servedBy: 'neighbour-49', attempts: [] }));
    const rows = figures.rows();
    expect(rows).toHaveLength(5);
    expect(rows.reduce((sum, { ok }) => sum + ok, 0)).toBe(51);
    expect(rowOf(rows, '*')).toMatchObject({ calls: 46, ok: 46, totalMs: 460, lastServedAt: 1_010 });
    expect(rowOf(rows, 'neighbour-49')).toMatchObject({ ok: 2 });
  });

  it('are taken of every call that enters the ring, also of those that have left it since', () => {
    const ring = createTraceRing(3);
    let told = 0;
    const stop = ring.onAdd(() => (told += 1));
    for (let i = 0; i < 10; i++) ring.add(call({ at: i, outcome: i % 2 === 0 ? 'ok' : 'timeout' }));
    stop();
    ring.add(call());
    expect(told).toBe(10);
    expect(ring.figures()).toMatchObject([{ calls: 11, ok: 6 }]);
    expect(ring.list(10).map(({ id }) => id)).toEqual([10, 9, 8]);
    expect(ring.list(10, ({ outcome }) => outcome !== 'ok').map(({ id }) => id)).toEqual([9]);
  });

  it('are bounded by the bound of the system', () => {
    const figures = createFigures();
    for (let i = 0; i < 2 * limits.figureRowsMax; i++) figures.note(call({ caller: `neighbour-${i}` }));
    expect(figures.rows()).toHaveLength(limits.figureRowsMax + 1);
  });
});
