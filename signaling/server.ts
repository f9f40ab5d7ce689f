import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { err, limits, ok, type Result } from '../src/lib/kernel/wire/signal.ts';
import { createAddressBook } from './addresses.ts';
import type { Clock } from './clock.ts';
import type { TlsFiles } from './configuration.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { isTrustworthyRequest, setSecurityHeaders } from './security-headers.ts';
import type { StoreFacts } from './server-store.ts';
import { createSignalEntrance } from './signal-socket.ts';
import { createStaticFiles, endText } from './static-files.ts';
import { createStatusPages, type ServerStats } from './status-pages.ts';

/** One process, one port: the app's files, `/healthz`, `/metrics`, and signalling on `/signal`. Bounds are the kernel's and cannot be given. */
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

export type ServerOptions = {
  /** 0 takes any free port. */
  readonly port: number;
  /** '' listens on every interface. */
  readonly host: string;
  readonly appDir: string;
  readonly clock: Clock;
  readonly tls?: TlsFiles;
  /** What the data file says about itself, shown in /healthz. */
  readonly facts?: () => StoreFacts;
};

/** `url` is the one for this machine itself. */
export type ServerAddress = {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
};

export type StartFailure =
  | { readonly type: 'PortTaken'; readonly port: number }
  | { readonly type: 'PortForbidden'; readonly port: number }
  | { readonly type: 'HostUnknown'; readonly host: string };

export const createServer = (options: ServerOptions): Server => {
  const { clock } = options;
  const startedAt = clock.now();
  const metrics = createMetrics();
  const files = createStaticFiles({ appDir: options.appDir, clock });
  const entrance = createSignalEntrance({ clock, metrics });

  const stats = (): ServerStats => ({
    connections: entrance.connectionCount(),
    topics: entrance.topicCount(),
    uptimeSeconds: Math.max(0, Math.floor((clock.now() - startedAt) / 1000)),
    messagesIn: metrics.counts.messagesIn,
    messagesOut: metrics.counts.messagesOut,
    refused: metrics.refusedCount(),
  });
  const answerStatus = createStatusPages({ stats, metrics, ...(options.facts && { facts: options.facts }) });

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

  const web = createWebServer(options, (request, response) => {
    answer(request, response).catch((error: unknown) => endFault(response, error));
  });
  boundSockets(web, metrics);
  web.on('upgrade', entrance.upgrade);

  const address = (): ServerAddress | null => addressOf(web.address(), options);

  return {
    start: async () => {
      const running = address();
      if (running !== null) return ok(running);
      const failed = await listen(web, options);
      if (failed !== null) return err(failed);
      entrance.start();
      const bound = address();
      if (bound === null) throw new Error('the server listens without an address');
      return ok(bound);
    },
    stop: () => stopServer(web, entrance, clock),
    address,
    stats,
    appFileCount: files.fileCount,
  };
};

/** Headers and requests have to arrive in time, so that a slow sender holds a socket but never for long. */
const createWebServer = ({ tls }: ServerOptions, onRequest: http.RequestListener): http.Server => {
  const bounds: http.ServerOptions = {
    maxHeaderSize: limits.httpHeaderBytesMax,
    headersTimeout: limits.httpHeadersTimeoutMs,
    requestTimeout: limits.httpRequestTimeoutMs,
    keepAliveTimeout: limits.httpKeepAliveMs,
    connectionsCheckingInterval: limits.httpTimeoutCheckMs,
  };
  const web =
    tls === undefined
      ? http.createServer(bounds, onRequest)
      : https.createServer({ ...bounds, ...tls, handshakeTimeout: limits.httpHeadersTimeoutMs }, onRequest);
  web.setTimeout(limits.httpIdleTimeoutMs);
  return web;
};

const boundSockets = (web: http.Server, metrics: Metrics): void => {
  const addresses = createAddressBook({
    totalMax: limits.httpSocketsMax,
    perAddressMax: limits.httpSocketsPerAddressMax,
  });
  web.on('connection', (socket: Socket) => {
    const from = socket.remoteAddress ?? '';
    const bound = addresses.take(from);
    if (bound !== null) {
      metrics.closed(bound === 'total' ? 'sockets-total' : 'sockets-per-address');
      return void socket.destroy();
    }
    socket.once('close', () => addresses.release(from));
  });
  web.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    else socket.destroy();
  });
};

/** Resolves with null once it listens. A trouble while listening that is not about the address is a bug and is thrown. */
const listen = (web: http.Server, { port, host }: ServerOptions): Promise<StartFailure | null> =>
  new Promise((resolve, reject) => {
    const failed = (error: Error & { code?: string }): void => {
      web.off('listening', listening);
      if (error.code === 'EADDRINUSE') resolve({ type: 'PortTaken', port });
      else if (error.code === 'EACCES') resolve({ type: 'PortForbidden', port });
      else if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') resolve({ type: 'HostUnknown', host });
      else reject(error);
    };
    const listening = (): void => {
      web.off('error', failed);
      web.on('error', (error) => console.error(`The server's socket reported ${error.name}.`));
      resolve(null);
    };
    web.once('error', failed);
    web.once('listening', listening);
    web.listen(host === '' ? { port } : { port, host });
  });

const stopServer = (web: http.Server, entrance: ReturnType<typeof createSignalEntrance>, clock: Clock): Promise<void> =>
  new Promise((resolve) => {
    entrance.stop();
    if (!web.listening) return resolve();
    const cancelCut = clock.after(limits.serverStopGraceMs, () => {
      entrance.cut();
      web.closeAllConnections();
    });
    web.close(() => {
      cancelCut();
      resolve();
    });
    web.closeIdleConnections();
  });

const addressOf = (bound: AddressInfo | string | null, { host, tls }: ServerOptions): ServerAddress | null => {
  if (bound === null || typeof bound === 'string') return null;
  const isTls = tls !== undefined;
  const isEverywhere = host === '' || host === '0.0.0.0' || host === '::';
  const name = isEverywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return { url: `${isTls ? 'https' : 'http'}://${name}:${bound.port}`, host, port: bound.port, isTls };
};

const endFault = (response: ServerResponse, error: unknown): void => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'fault';
  // Somebody who went away in the middle of a big file is no fault.
  if (response.destroyed || code === 'ERR_STREAM_PREMATURE_CLOSE') return void response.destroy();
  console.error(`A request could not be answered (${code}).`);
  if (response.headersSent) return void response.destroy();
  for (const name of ['etag', 'content-encoding', 'content-length']) response.removeHeader(name);
  endText(response, 500, 'The server could not answer this request.');
};
