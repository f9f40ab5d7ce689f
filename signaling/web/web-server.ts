import http, { type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { limits } from '../../src/lib/kernel/wire/signal.ts';
import { createAddressBook } from '../addresses.ts';
import type { ClientFacts } from '../client-facts.ts';
import type { TlsFiles } from '../configuration.ts';
import type { Metrics } from '../metrics.ts';
import { endText } from './static-files.ts';

/** Where the server listens and how; the sockets below HTTP, with their bounds. */
export type WebServerOptions = {
  /** 0 takes any free port. */
  readonly port: number;
  /** '' listens on every interface. */
  readonly host: string;
  readonly tls?: TlsFiles;
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

export type WebServer = http.Server;

/** Headers and requests have to arrive in time, so that a slow sender holds a socket but never for long. */
export const createWebServer = ({ tls }: WebServerOptions, onRequest: http.RequestListener): http.Server => {
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

/** A trusted proxy carries many people: it is bound by the total only, and each of them by the address it names. */
export const boundSockets = (web: http.Server, metrics: Metrics, clientFacts: ClientFacts): void => {
  const addresses = createAddressBook({
    totalMax: limits.httpSocketsMax,
    perAddressMax: limits.httpSocketsPerAddressMax,
  });
  web.on('connection', (socket: Socket) => {
    const from = socket.remoteAddress ?? '';
    const key = clientFacts.isProxy(from) ? null : from;
    const bound = addresses.take(key);
    if (bound !== null) {
      metrics.closed(bound === 'total' ? 'sockets-total' : 'sockets-per-address');
      return void socket.destroy();
    }
    socket.once('close', () => addresses.release(key));
  });
  web.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    else socket.destroy();
  });
};

/** Resolves with null once it listens. A trouble while listening that is not about the address is a bug and is thrown. */
export const listen = (web: http.Server, { port, host }: WebServerOptions): Promise<StartFailure | null> =>
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

export const addressOf = (
  bound: AddressInfo | string | null,
  { host, tls }: WebServerOptions,
): ServerAddress | null => {
  if (bound === null || typeof bound === 'string') return null;
  const isTls = tls !== undefined;
  const isEverywhere = host === '' || host === '0.0.0.0' || host === '::';
  const name = isEverywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return { url: `${isTls ? 'https' : 'http'}://${name}:${bound.port}`, host, port: bound.port, isTls };
};

/** A request that could not be answered: said in one sentence where that is still possible. */
export const endFault = (response: ServerResponse, error: unknown): void => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'fault';
  // Somebody who went away in the middle of a big file is no fault.
  if (response.destroyed || code === 'ERR_STREAM_PREMATURE_CLOSE') return void response.destroy();
  console.error(`A request could not be answered (${code}).`);
  if (response.headersSent) return void response.destroy();
  for (const name of ['etag', 'content-encoding', 'content-length']) response.removeHeader(name);
  endText(response, 500, 'The server could not answer this request.');
};
