import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Metrics } from './metrics.ts';
import type { StoreFacts } from './server-store.ts';

/** How the server is, without a word about who uses it. */
export type ServerStats = {
  readonly connections: number;
  readonly topics: number;
  readonly uptimeSeconds: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly refused: number;
};

export type StatusDeps = {
  readonly stats: () => ServerStats;
  readonly metrics: Metrics;
  /** Absent where the server runs without a data file. */
  readonly facts?: () => StoreFacts;
};

/** Answers /healthz and /metrics; false when the request is for something else. */
export const createStatusPages =
  ({ stats, metrics, facts }: StatusDeps) =>
  (request: IncomingMessage, response: ServerResponse): boolean => {
    const path = (request.url ?? '').split('?')[0];
    if (path === '/healthz') {
      const { connections, topics, uptimeSeconds } = stats();
      end(
        response,
        'application/json; charset=utf-8',
        JSON.stringify({ ok: true, connections, topics, uptimeSeconds, ...facts?.() }),
      );
      return true;
    }
    if (path !== '/metrics') return false;
    end(response, 'text/plain; version=0.0.4; charset=utf-8', metrics.toText(stats()));
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
