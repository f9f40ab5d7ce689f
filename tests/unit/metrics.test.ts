import { describe, expect, it } from 'vitest';
import { createFigures } from '../../src/lib/kernel/bus/figures.ts';
import type { Trace } from '../../src/lib/kernel/bus/trace.ts';
import { metricsText, type MetricsSource } from '../../src/lib/services/figures/metrics-text.ts';
import { parseExposition, type Family } from './exposition-parser.ts';

const call = (over: Partial<Trace>): Omit<Trace, 'id'> => ({
  ...{ trace: 't', at: 1_000, capability: 'library.search@1.0', caller: 'self', session: null, candidates: [] },
  ...{ attempts: [], servedBy: 'bora', outcome: 'ok', ms: 40 },
  ...over,
});

const source = (calls: readonly Partial<Trace>[], over: Partial<MetricsSource> = {}): MetricsSource => {
  const figures = createFigures();
  for (const each of calls) figures.note(call(each));
  return {
    ...{ rows: figures.rows(), inFlight: 2, build: '16c2168a', startedAt: 1_700_000_000_500, linkedNeighbours: 3 },
    refusals: new Map([['rpc-flood', 4]]),
    ...over,
  };
};
const read = (families: readonly Family[], name: string) => families.find((family) => family.name === name);

describe('the figures as text for monitoring tools', () => {
  it('are what a strict reader of the format takes, with every count in its place', () => {
    const families = parseExposition(
      metricsText(
        source([
          {},
          { ms: 42 },
          {
            outcome: 'timeout',
            servedBy: null,
            attempts: [{ device: 'bora', why: 'first', outcome: 'timeout', ms: 9 }],
          },
          { caller: 'chen', outcome: 'forbidden', servedBy: null },
        ]),
      ),
    );
    const asked = { capability: 'library.search@1.0', direction: 'asked', peer: 'bora' };
    expect(read(families, 'hearthnet_calls_total')).toMatchObject({
      type: 'counter',
      samples: [
        { labels: { ...asked, outcome: 'ok' }, value: 2 },
        { labels: { ...asked, outcome: 'timeout' }, value: 1 },
        { labels: { direction: 'served', peer: 'chen', outcome: 'ok' }, value: 0 },
        { labels: { direction: 'served', peer: 'chen', outcome: 'forbidden' }, value: 1 },
      ],
    });
    const seconds = read(families, 'hearthnet_call_seconds')?.samples.filter(({ labels }) => labels.peer === 'bora');
    expect(seconds?.find(({ labels }) => labels.quantile === '0.5')?.value).toBeCloseTo(0.04, 2);
    expect(seconds?.find(({ name }) => name.endsWith('_sum'))?.value).toBeCloseTo(0.082, 9);
    expect(seconds?.find(({ name }) => name.endsWith('_count'))?.value).toBe(2);
    expect(read(families, 'hearthnet_link_refusals_total')?.samples).toMatchObject([
      { labels: { reason: 'rpc-flood' }, value: 4 },
    ]);
    expect(read(families, 'hearthnet_linked_neighbours')?.samples).toMatchObject([{ value: 3 }]);
    expect(read(families, 'hearthnet_start_time_seconds')?.samples).toMatchObject([{ value: 1_700_000_000.5 }]);
  });

  it('say that a quantile of nothing is no number', () => {
    const families = parseExposition(metricsText(source([{ outcome: 'timeout', servedBy: null }])));
    expect(read(families, 'hearthnet_call_seconds')?.samples.map(({ value }) => value)).toEqual([NaN, NaN, 0, 0]);
  });

  it('of a node that has just started hold no empty family', () => {
    const families = parseExposition(metricsText(source([], { refusals: new Map() })));
    expect(families.map(({ name }) => name)).toEqual([
      'hearthnet_calls_in_flight',
      'hearthnet_linked_neighbours',
      'hearthnet_start_time_seconds',
      'hearthnet_build_info',
    ]);
  });

  it('keep what a refusal says of itself inside of its label, whatever it is made of', () => {
    const reasons = ['say "no"', 'back\\slash', 'two\nlines', 'a} 1\nforged_total 7', '\\"', ''];
    const told = source([], { refusals: new Map(reasons.map((reason) => [reason, 1])) });
    const families = parseExposition(metricsText(told));
    const seen = read(families, 'hearthnet_link_refusals_total')?.samples.map(({ labels }) => labels.reason);
    expect(seen).toEqual(reasons);
    expect(families.map(({ name }) => name)).not.toContain('forged_total');
  });
});

describe('the reader these tests rely on', () => {
  const whole = '# HELP a_total words\n# TYPE a_total counter\na_total{x="1"} 1\n';
  it('takes what is right', () => {
    expect(parseExposition(whole)).toHaveLength(1);
  });
  const wrong: Record<string, string> = {
    'a last line without end': whole.slice(0, -1),
    'a carriage return': whole.replaceAll('\n', '\r\n'),
    'no TYPE': whole.replace('# TYPE a_total counter\n', ''),
    'a series twice': `${whole}a_total{x="1"} 2\n`,
    'a label twice': whole.replace('x="1"', 'x="1",x="2"'),
    'a quote inside': whole.replace('"1"', '"1"2"'),
    'a trailing comma': whole.replace('"1"', '"1",'),
    'an escape that does not exist': whole.replace('"1"', '"\\t"'),
    'no number': whole.replace(' 1\n', ' one\n'),
    'a counter below zero': whole.replace(' 1\n', ' -1\n'),
    'a foreign sample': whole.replace('a_total{', 'b_total{'),
    'an empty line': `${whole}\n`,
    'a summary without its count': '# HELP s w\n# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 1\n',
  };
  for (const [name, text] of Object.entries(wrong))
    it(`refuses ${name}`, () => expect(() => parseExposition(text)).toThrow());
});
