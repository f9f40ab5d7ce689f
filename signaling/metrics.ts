import { signalRefusals, type SignalRefusalReason } from '../src/lib/kernel/wire/signal.ts';

/** What the server counts since it started. Names of rooms, addresses and payloads never appear here. */
export type Metrics = {
  readonly counts: Counts;
  refused(reason: SignalRefusalReason): void;
  refusedCount(reason?: SignalRefusalReason): number;
  closed(reason: ClosedReason): void;
  closedCount(reason: ClosedReason): number;
  /** Prometheus text format 0.0.4. */
  toText(gauges: Gauges): string;
};

/** `publishedOutside` counts publishes to topics the sender had not subscribed to; `lost` what a slow receiver missed. */
export type Counts = {
  accepted: number;
  messagesIn: number;
  messagesOut: number;
  bytesIn: number;
  bytesOut: number;
  publishedOutside: number;
  lost: number;
  httpRequests: number;
};

export type ClosedReason =
  'abuse' | 'silent' | 'slow' | 'replaced' | 'fault' | 'protocol' | 'sockets-total' | 'sockets-per-address';
export type Gauges = { readonly connections: number; readonly topics: number; readonly uptimeSeconds: number };

export const createMetrics = (): Metrics => {
  const counts: Counts = {
    accepted: 0,
    messagesIn: 0,
    messagesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    publishedOutside: 0,
    lost: 0,
    httpRequests: 0,
  };
  const refusedByReason = new Map<SignalRefusalReason, number>();
  const closedByReason = new Map<ClosedReason, number>();

  const toText = (gauges: Gauges): string =>
    [
      ...metric('hearthnet_connections', 'gauge', 'Open signalling connections.', gauges.connections),
      ...metric('hearthnet_topics', 'gauge', 'Topics somebody listens to.', gauges.topics),
      ...metric('hearthnet_uptime_seconds', 'gauge', 'Seconds since the server started.', gauges.uptimeSeconds),
      ...metric('hearthnet_accepted_total', 'counter', 'Signalling connections accepted.', counts.accepted),
      ...metric('hearthnet_messages_in_total', 'counter', 'Frames received.', counts.messagesIn),
      ...metric('hearthnet_messages_out_total', 'counter', 'Frames sent.', counts.messagesOut),
      ...metric('hearthnet_bytes_in_total', 'counter', 'Frame bytes received.', counts.bytesIn),
      ...metric('hearthnet_bytes_out_total', 'counter', 'Frame bytes sent.', counts.bytesOut),
      ...metric(
        'hearthnet_published_outside_total',
        'counter',
        'Publishes to a topic not subscribed to.',
        counts.publishedOutside,
      ),
      ...metric('hearthnet_lost_total', 'counter', 'Frames a slow receiver missed.', counts.lost),
      ...metric('hearthnet_http_requests_total', 'counter', 'HTTP requests answered.', counts.httpRequests),
      ...heading('hearthnet_refused_total', 'counter', 'Frames and connections refused, by reason.'),
      ...Array.from(
        refusedByReason,
        ([reason, count]) => `hearthnet_refused_total{code="${signalRefusals[reason]}",reason="${reason}"} ${count}`,
      ),
      ...heading('hearthnet_closed_total', 'counter', 'Connections the server closed, by reason.'),
      ...Array.from(closedByReason, ([reason, count]) => `hearthnet_closed_total{reason="${reason}"} ${count}`),
      '',
    ].join('\n');

  return {
    counts,
    refused: (reason) => void refusedByReason.set(reason, (refusedByReason.get(reason) ?? 0) + 1),
    refusedCount: (reason) =>
      reason === undefined
        ? [...refusedByReason.values()].reduce((total, count) => total + count, 0)
        : (refusedByReason.get(reason) ?? 0),
    closed: (reason) => void closedByReason.set(reason, (closedByReason.get(reason) ?? 0) + 1),
    closedCount: (reason) => closedByReason.get(reason) ?? 0,
    toText,
  };
};

export const heading = (name: string, type: 'gauge' | 'counter', help: string): readonly string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
];

export const metric = (name: string, type: 'gauge' | 'counter', help: string, value: number): readonly string[] => [
  ...heading(name, type, help),
  `${name} ${value}`,
];
