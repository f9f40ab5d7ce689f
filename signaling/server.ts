import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { err, limits, ok, type Result } from '../src/lib/kernel/wire/signal.ts';
import { createClientFacts, type ProxyList } from './client-facts.ts';
import type { Clock } from './clock.ts';
import type { Exchange, MailStore } from './exchange.ts';
import { createLocalExchange } from './mesh/local-exchange.ts';
import { createMeshEntrance, meshPath } from './mesh/mesh-socket.ts';
import type { TurnServer } from './mesh/turn.ts';
import { createMetrics } from './metrics.ts';
import { createSignalEntrance, signalPath } from './signal/signal-socket.ts';
import { endUpgrade, type SocketEntrance } from './socket-entrance.ts';
import type { Roster } from './store/roster.ts';
import type { StoreFacts } from './store/server-store.ts';
import { isTrustworthyRequest, setSecurityHeaders } from './web/security-headers.ts';
import { createStaticFiles, endText } from './web/static-files.ts';
import { createStatusPages, type ServerStats } from './web/status-pages.ts';
import {
  addressOf,
  boundSockets,
  createWebServer,
  endFault,
  listen,
  type ServerAddress,
  type StartFailure,
  type WebServer,
  type WebServerOptions,
} from './web/web-server.ts';

/** One process, one port: the app's files, `/healthz`, `/metrics`, `/mesh`, and y-webrtc's `/signal`. Bounds are the kernel's and cannot be given. */
export type Server = {
  /** Calling it again while it runs gives the same address. */
  start(): Promise<Result<ServerAddress, StartFailure>>;
  /** Says goodbye to sockets, lets running answers end for `serverStopGraceMs`, then cuts. Safe to call twice. */
  stop(): Promise<void>;
  /** null while it does not listen. */
  address(): ServerAddress | null;
  stats(): ServerStats;
  /** Files in the build, null when there is none. */
  appFileCount(): Promise<number | null>;
};

export type ServerOptions = WebServerOptions & {
  readonly appDir: string;
  readonly clock: Clock;
  /** What the data file says about itself, shown in /healthz. */
  readonly facts?: () => StoreFacts;
  /** Absent where the server runs without a data file: it then forgets who met, and keeps no mail. */
  readonly roster?: Roster;
  readonly mail?: MailStore;
  /** Absent: everybody is in this process. */
  readonly exchange?: Exchange;
  readonly turn?: TurnServer;
  readonly proxies?: ProxyList;
};

export const createServer = (options: ServerOptions): Server => {
  const { clock } = options;
  const startedAt = clock.now();
  const metrics = createMetrics();
  const clientFacts = createClientFacts(options.proxies ?? { has: () => false });
  const files = createStaticFiles({ appDir: options.appDir, clock });
  const signal = createSignalEntrance({ clock, metrics });
  const mesh = createMeshEntrance({
    clock,
    metrics,
    clientFacts,
    exchange: options.exchange ?? createLocalExchange(),
    roster: options.roster ?? null,
    mail: options.mail ?? null,
    turn: options.turn ?? null,
  });
  const entrances = new Map<string, SocketEntrance>([
    [signalPath, signal],
    [meshPath, mesh],
  ]);

  const stats = (): ServerStats => ({
    connections: signal.connectionCount(),
    topics: signal.topicCount(),
    uptimeSeconds: Math.max(0, Math.floor((clock.now() - startedAt) / 1000)),
    messagesIn: metrics.counts.messagesIn,
    messagesOut: metrics.counts.messagesOut,
    refused: metrics.refusedCount(),
    mesh: mesh.state(),
  });
  const answerStatus = createStatusPages({ stats, metrics, mesh, ...(options.facts && { facts: options.facts }) });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    metrics.counts.httpRequests += 1;
    setSecurityHeaders(response, isTrustworthyRequest(options.tls !== undefined, request.headers.host));
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      response.setHeader('connection', 'close');
      return endText(response, 405, 'Only GET and HEAD are answered here.');
    }
    if (!answerStatus(request, response)) await files.answer(request, response);
  };

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Gone already: its close event has passed and would never give a place back.
    if (socket.destroyed) return;
    socket.on('error', () => socket.destroy());
    const entrance = entrances.get((request.url ?? '').split('?')[0] ?? '');
    if (entrance === undefined) return endUpgrade(socket, '404 Not Found', 'There is no socket at this address.');
    entrance.upgrade(request, socket, head, clientFacts.addressOf(request));
  };

  const web = createWebServer(options, (request, response) => {
    answer(request, response).catch((error: unknown) => endFault(response, error));
  });
  boundSockets(web, metrics, clientFacts);
  web.on('upgrade', upgrade);

  const address = (): ServerAddress | null => addressOf(web.address(), options);

  return {
    start: async () => {
      const running = address();
      if (running !== null) return ok(running);
      const failed = await listen(web, options);
      if (failed !== null) return err(failed);
      for (const entrance of entrances.values()) entrance.start();
      const bound = address();
      if (bound === null) throw new Error('the server listens without an address');
      return ok(bound);
    },
    stop: () => stopServer(web, [...entrances.values()], clock),
    address,
    stats,
    appFileCount: files.fileCount,
  };
};

const stopServer = (web: WebServer, entrances: readonly SocketEntrance[], clock: Clock): Promise<void> =>
  new Promise((resolve) => {
    for (const entrance of entrances) entrance.stop();
    if (!web.listening) return resolve();
    const cancelCut = clock.after(limits.serverStopGraceMs, () => {
      for (const entrance of entrances) entrance.cut();
      web.closeAllConnections();
    });
    web.close(() => {
      cancelCut();
      resolve();
    });
    web.closeIdleConnections();
  });
