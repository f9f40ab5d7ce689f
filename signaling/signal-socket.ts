import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { encodeRefused, limits, signalFailure } from '../src/lib/kernel/wire/signal.ts';
import { createAddressBook } from './addresses.ts';
import type { Clock } from './clock.ts';
import { createConnection, type Connection, type SignalSocket } from './connection.ts';
import type { Metrics } from './metrics.ts';
import { createRooms } from './rooms.ts';

/** The WebSocket entrance on `/signal`: admits sockets within their bounds and gives each a connection. */
export type SignalEntrance = {
  /** Answers an HTTP upgrade: a signalling connection, or a refusal over HTTP and a closed socket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  start(): void;
  /** Says goodbye to everyone (1001) and takes nobody new; `cut` ends those who do not leave. */
  stop(): void;
  cut(): void;
  connectionCount(): number;
  topicCount(): number;
};

export const signalPath = '/signal';
const closeGoingAway = 1001;
const closeInternal = 1011;

export const createSignalEntrance = ({ clock, metrics }: { clock: Clock; metrics: Metrics }): SignalEntrance => {
  const rooms = createRooms<Connection>();
  const connections = new Map<WebSocket, Connection>();
  const addresses = createAddressBook({
    totalMax: limits.signalConnectionsMax,
    perAddressMax: limits.signalConnectionsPerAddressMax,
  });
  const sockets = new WebSocketServer(socketOptions);
  let cancelSweep = (): void => {};
  let isOpen = false;

  const sweep = (): void => {
    for (const connection of connections.values()) connection.checkAlive();
    cancelSweep = clock.after(limits.signalPingMs, sweep);
  };

  const admit = (webSocket: WebSocket, address: string): void => {
    const connection = createConnection({ socket: signalSocketOf(webSocket), rooms, metrics, clock });
    connections.set(webSocket, connection);
    metrics.counts.accepted += 1;
    listen(webSocket, connection, metrics);
    webSocket.on('close', () => {
      connections.delete(webSocket);
      addresses.release(address);
      connection.leave();
    });
  };

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Gone already: its close event has passed and would never give a place back.
    if (socket.destroyed) return;
    socket.on('error', () => socket.destroy());
    const path = (request.url ?? '').split('?')[0];
    if (!isOpen || path !== signalPath)
      return endUpgrade(socket, '404 Not Found', 'There is no socket at this address.');
    const address = request.socket.remoteAddress ?? '';
    const bound = addresses.take(address);
    if (bound !== null) {
      const reason = bound === 'total' ? 'connections-total' : 'connections-per-address';
      metrics.refused(reason);
      return endUpgrade(socket, '429 Too Many Requests', encodeRefused(signalFailure(reason)));
    }
    // A handshake that ws itself refuses closes the socket without calling back, so the place is given back then.
    let isAdmitted = false;
    socket.once('close', () => {
      if (!isAdmitted) addresses.release(address);
    });
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      isAdmitted = true;
      admit(webSocket, address);
    });
  };

  return {
    upgrade,
    start: () => {
      if (isOpen) return;
      isOpen = true;
      cancelSweep = clock.after(limits.signalPingMs, sweep);
    },
    stop: () => {
      isOpen = false;
      cancelSweep();
      for (const webSocket of connections.keys()) webSocket.close(closeGoingAway, 'the server is stopping');
    },
    cut: () => {
      for (const webSocket of connections.keys()) webSocket.terminate();
    },
    connectionCount: () => connections.size,
    topicCount: () => rooms.topicCount(),
  };
};

/** No compression (a small frame must not unfold into a big one) and no automatic pong (a ping is charged like any frame). */
const socketOptions: ServerOptions & { readonly closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  autoPong: false,
  maxPayload: limits.signalFrameHardBytesMax,
  maxFragments: limits.signalFragmentsPerFrameMax,
  maxBufferedChunks: limits.signalFrameHardBytesMax,
  closeTimeout: limits.signalCloseTimeoutMs,
};

const signalSocketOf = (webSocket: WebSocket): SignalSocket => {
  // A send that fails belongs to a socket that is closing; its close event cleans up.
  const ifOpen = (act: () => void): void => {
    if (webSocket.readyState === webSocket.OPEN) act();
  };
  return {
    send: (text) => ifOpen(() => webSocket.send(text)),
    ping: () => ifOpen(() => webSocket.ping()),
    pong: (data) => ifOpen(() => webSocket.pong(data)),
    bufferedBytes: () => webSocket.bufferedAmount,
    close: (code, reason) => webSocket.close(code, reason),
    terminate: () => webSocket.terminate(),
  };
};

/** A fault of ours while one frame is handled costs that connection, never the server; its message never reaches a log. */
const listen = (webSocket: WebSocket, connection: Connection, metrics: Metrics): void => {
  const guarded = (handle: () => void): void => {
    try {
      handle();
    } catch (error) {
      metrics.refused('server-fault');
      console.error(
        `A signalling frame met a fault of the server (${error instanceof Error ? error.name : 'unknown'}).`,
      );
      webSocket.close(closeInternal, 'fault of the server');
    }
  };
  webSocket.on('message', (data, isBinary) => guarded(() => connection.receiveFrame(toBuffer(data), isBinary)));
  webSocket.on('ping', (data) => guarded(() => connection.receivePing(data)));
  webSocket.on('pong', () => guarded(() => connection.receivePong()));
  // ws has already closed the socket with the matching code (1002, 1007, 1009) when it reports a protocol error.
  webSocket.on('error', () => metrics.closed('protocol'));
};

const toBuffer = (data: Buffer | ArrayBuffer | Buffer[]): Buffer => {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
};

const endUpgrade = (socket: Duplex, status: string, body: string): void => {
  const head = [
    `HTTP/1.1 ${status}`,
    'connection: close',
    'content-type: text/plain; charset=utf-8',
    'x-content-type-options: nosniff',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
};
