import type { FigureRow } from '../../kernel/bus/figures.ts';

export type MetricsSource = {
  readonly rows: readonly FigureRow[];
  readonly inFlight: number;
  readonly build: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly linkedNeighbours: number;
  /** What links refused, by reason. */
  readonly refusals: ReadonlyMap<string, number>;
};

/**
 * The figures in the text format of Prometheus, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): times in
 * seconds, counters from the start of this node. It names devices by their ids and nobody by name.
 */
export const metricsText = (source: MetricsSource): string =>
  [...callFamilies(source.rows), ...ownFamilies(source)].join('');

type Labels = Readonly<Record<string, string>>;
type Sample = { readonly suffix?: string; readonly labels: Labels; readonly value: number };

const callFamilies = (rows: readonly FigureRow[]): string[] => [
  family('hearthnet_calls_total', 'counter', 'Calls that ended, by how they ended.', rows.flatMap(outcomesOf)),
  family('hearthnet_call_seconds', 'summary', 'How long the calls took that were served.', rows.flatMap(timesOf)),
  ...(
    [
      ['hearthnet_hedges_total', 'Second tries that were started beside a slow first one.', 'hedges'],
      ['hearthnet_failovers_total', 'Tries that took over from one that failed.', 'failovers'],
      ['hearthnet_missed_total', 'Tries that failed and were taken over by another device.', 'missed'],
    ] as const
  ).map(([name, help, key]) =>
    family(
      name,
      'counter',
      help,
      rows.map((row) => ({ labels: labelsOf(row), value: row[key] })),
    ),
  ),
];

const ownFamilies = (source: MetricsSource): string[] => [
  family(
    'hearthnet_link_refusals_total',
    'counter',
    'What links refused, by reason.',
    [...source.refusals].map(([reason, value]) => ({ labels: { reason }, value })),
  ),
  family('hearthnet_calls_in_flight', 'gauge', 'Calls that are being served now.', [
    { labels: {}, value: source.inFlight },
  ]),
  family('hearthnet_linked_neighbours', 'gauge', "Neighbours' devices that are linked now.", [
    { labels: {}, value: source.linkedNeighbours },
  ]),
  family('hearthnet_start_time_seconds', 'gauge', 'When this node started, in seconds since 1970.', [
    { labels: {}, value: source.startedAt / 1000 },
  ]),
  family('hearthnet_build_info', 'gauge', 'Which build this is.', [{ labels: { build: source.build }, value: 1 }]),
];

const labelsOf = ({ capability, direction, peer }: FigureRow): Labels => ({ capability, direction, peer });

const outcomesOf = (row: FigureRow): Sample[] => [
  { labels: { ...labelsOf(row), outcome: 'ok' }, value: row.ok },
  ...[...row.countByCode].map(([outcome, value]) => ({ labels: { ...labelsOf(row), outcome }, value })),
];

/** A quantile of nothing is not a number, and told so. */
const timesOf = (row: FigureRow): Sample[] => [
  { labels: { ...labelsOf(row), quantile: '0.5' }, value: row.ok > 0 ? row.p50Ms / 1000 : NaN },
  { labels: { ...labelsOf(row), quantile: '0.99' }, value: row.ok > 0 ? row.p99Ms / 1000 : NaN },
  { suffix: '_sum', labels: labelsOf(row), value: row.totalMs / 1000 },
  { suffix: '_count', labels: labelsOf(row), value: row.ok },
];

/** A family without samples is left out: the format has no empty ones. */
const family = (
  name: string,
  type: 'counter' | 'gauge' | 'summary',
  help: string,
  samples: readonly Sample[],
): string =>
  samples.length === 0
    ? ''
    : `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${samples.map((sample) => lineOf(name, sample)).join('')}`;

const lineOf = (name: string, { suffix = '', labels, value }: Sample): string => {
  const list = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text).replaceAll('"', '\\"')}"`);
  return `${name}${suffix}${list.length > 0 ? `{${list.join(',')}}` : ''} ${value}\n`;
};

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
