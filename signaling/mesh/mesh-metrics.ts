import { meshRefusals, type ClusterState, type MeshRefusalReason } from '../../src/lib/kernel/wire/mesh-wire.ts';
import { heading, metric } from '../metrics.ts';

/** What the socket `/mesh` counts since the server started; no tag, id, box or address ever appears here. */
export type MeshMetrics = {
  readonly counts: MeshCounts;
  refused(reason: MeshRefusalReason): void;
  refusedCount(reason?: MeshRefusalReason): number;
  /** Prometheus text format 0.0.4. */
  toText(state: MeshState): string;
};

export type MeshCounts = { -readonly [name in keyof typeof countHelp]: number };

/** Shown in /healthz too. `away` is all who met somewhere in two weeks, those who are there included. */
export type MeshState = {
  readonly connections: number;
  readonly tags: number;
  readonly rosterEntries: number;
  readonly mailItems: number;
  readonly mailBytes: number;
  readonly isMailFull: boolean;
  readonly cluster: ClusterState;
};

const countHelp = {
  accepted: 'Connections accepted.',
  joined: 'Connections that proved their key.',
  framesIn: 'Frames received.',
  bytesIn: 'Frame bytes received.',
  framesOut: 'Frames sent.',
  bytesOut: 'Frame bytes sent.',
  passedOn: 'Sealed words passed on to one connection.',
  gone: 'Sealed words for somebody who was not there.',
  busy: 'Sealed words for somebody who was too far behind.',
  held: 'Times a connection was read more slowly, because it was over its rate.',
  mailKept: 'Mail items kept.',
  mailGiven: 'Mail items given out.',
  rosterUnwritten: 'Meetings that the disk did not take.',
} as const;

export const createMeshMetrics = (): MeshMetrics => {
  const counts = Object.fromEntries(Object.keys(countHelp).map((name) => [name, 0])) as MeshCounts;
  const refusedByReason = new Map<MeshRefusalReason, number>();
  return {
    counts,
    refused: (reason) => void refusedByReason.set(reason, (refusedByReason.get(reason) ?? 0) + 1),
    refusedCount: (reason) =>
      reason === undefined
        ? [...refusedByReason.values()].reduce((total, count) => total + count, 0)
        : (refusedByReason.get(reason) ?? 0),
    toText: (state) =>
      [
        ...gauges(state),
        ...Object.entries(countHelp).flatMap(([name, help]) =>
          metric(`hearthnet_mesh_${snake(name)}_total`, 'counter', help, counts[name as keyof MeshCounts]),
        ),
        ...heading('hearthnet_mesh_refused_total', 'counter', 'Frames and connections refused, by reason.'),
        ...Array.from(
          refusedByReason,
          ([reason, count]) =>
            `hearthnet_mesh_refused_total{code="${meshRefusals[reason]}",reason="${reason}"} ${count}`,
        ),
        '',
      ].join('\n'),
  };
};

const gauges = (state: MeshState): readonly string[] => [
  ...metric('hearthnet_mesh_connections', 'gauge', 'Open connections.', state.connections),
  ...metric('hearthnet_mesh_tags', 'gauge', 'Tags at which somebody is.', state.tags),
  ...metric('hearthnet_mesh_roster_entries', 'gauge', 'Meetings remembered.', state.rosterEntries),
  ...metric('hearthnet_mesh_mail_items', 'gauge', 'Mail items that wait.', state.mailItems),
  ...metric('hearthnet_mesh_mail_bytes', 'gauge', 'What they are charged with.', state.mailBytes),
  ...metric('hearthnet_mesh_mail_full', 'gauge', '1 when the last item found no room.', state.isMailFull ? 1 : 0),
  ...heading('hearthnet_mesh_cluster', 'gauge', '1 for the state this server is in among others.'),
  `hearthnet_mesh_cluster{state="${state.cluster}"} 1`,
];

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
