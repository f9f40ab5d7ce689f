import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MeshMetrics, MeshState } from '../mesh/mesh-metrics.ts';
import type { Metrics } from '../metrics.ts';
import type { StoreFacts } from '../store/server-store.ts';

/** How the server is, without a word about who uses it. */
export type ServerStats = {
  readonly connections: number;
  readonly topics: number;
  readonly uptimeSeconds: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly refused: number;
  readonly mesh: MeshState;
};

export type StatusDeps = {
  readonly stats: () => ServerStats;
  readonly metrics: Metrics;
  readonly mesh: { readonly metrics: MeshMetrics };
  /** Absent where the server runs without a data file. */
  readonly facts?: () => StoreFacts;
};

/** Answers /healthz and /metrics; false when the request is for something else. */
export const createStatusPages =
  ({ stats, metrics, mesh, facts }: StatusDeps) =>
  (request: IncomingMessage, response: ServerResponse): boolean => {
    const path = (request.url ?? '').split('?')[0];
    if (path === '/healthz') {
      const { connections, topics, uptimeSeconds, mesh: meshState } = stats();
      end(
        response,
        'application/json; charset=utf-8',
        JSON.stringify({ ok: true, connections, topics, uptimeSeconds, mesh: meshState, ...facts?.() }),
      );
      return true;
    }
    if (path !== '/metrics') return false;
    const known = stats();
    end(
      response,
      'text/plain; version=0.0.4; charset=utf-8',
      `${metrics.toText(known)}${mesh.metrics.toText(known.mesh)}`,
    );
    return true;
  };

const end = (response: ServerResponse, mediaType: string, body: string): void => {
  response.writeHead(200, {
    'content-type': mediaType,
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
};
