import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { limits } from '../src/lib/kernel/wire/signal.ts';
import { createAddressBook } from './addresses.ts';
import type { Clock } from './clock.ts';
import type { Metrics } from './metrics.ts';

/** A WebSocket path of the server: admits sockets within their bounds, gives each a connection, and lets them go in order. */
export type SocketEntrance = {
  /** Answers an HTTP upgrade to this path: a connection, or a refusal over HTTP and a closed socket. `address` is whom it counts for. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, address: string): void;
  start(): void;
  /** Takes nobody new and says goodbye to everyone (1001); `cut` ends those who do not leave. */
  stop(): void;
  cut(): void;
  connectionCount(): number;
};

/** What one path does with a socket once it stands. */
export type SocketKind = {
  /** Bytes of one message; above it the socket is closed with 1009. */
  readonly messageBytesMax: number;
  readonly totalMax: number;
  readonly perAddressMax: number;
  /** The body of the HTTP answer for somebody who finds no place. */
  refuse(bound: 'connections-total' | 'connections-per-address'): string;
  open(socket: FrameSocket, from: { readonly address: string; readonly request: IncomingMessage }): SocketConnection;
  /** A fault of ours while one frame was handled. */
  fault(): void;
};

export type SocketConnection = {
  receiveFrame(data: Buffer, isBinary: boolean): void;
  receivePing(data: Buffer): void;
  receivePong(): void;
  /** Called every `signalPingMs`: who shows no sign of life, or does not read, is cut. */
  checkAlive(): void;
  /** The server stops: the last chance to say a word. */
  sayGoodbye(): void;
  /** The socket is gone. Safe to call twice. */
  leave(): void;
};

/** The few verbs of a WebSocket that a connection needs; tests give it one in memory. */
export type FrameSocket = {
  send(frame: string | Uint8Array): void;
  ping(): void;
  pong(data: Buffer): void;
  /** Bytes handed to the socket that the other side has not taken yet. */
  bufferedBytes(): number;
  /** Nothing more is read until `resume`: what the other side sends waits on its side. */
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
  terminate(): void;
};

type EntranceDeps = { readonly clock: Clock; readonly metrics: Metrics };

const closeGoingAway = 1001;
const closeInternal = 1011;

export const createSocketEntrance = (kind: SocketKind, { clock, metrics }: EntranceDeps): SocketEntrance => {
  const connections = new Map<WebSocket, SocketConnection>();
  const addresses = createAddressBook({ totalMax: kind.totalMax, perAddressMax: kind.perAddressMax });
  const sockets = new WebSocketServer({ ...socketOptions, maxPayload: kind.messageBytesMax });
  let cancelSweep = (): void => {};
  let isOpen = false;

  const sweep = (): void => {
    for (const connection of connections.values()) connection.checkAlive();
    cancelSweep = clock.after(limits.signalPingMs, sweep);
  };

  const admit = (webSocket: WebSocket, stream: Duplex, address: string, request: IncomingMessage): void => {
    const connection = kind.open(frameSocketOf(webSocket, stream), { address, request });
    connections.set(webSocket, connection);
    listen(webSocket, connection, kind, metrics);
    webSocket.on('close', () => {
      connections.delete(webSocket);
      addresses.release(address);
      connection.leave();
    });
  };

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, address: string): void => {
    if (!isOpen) return endUpgrade(socket, '503 Service Unavailable', 'The server is stopping.');
    const bound = addresses.take(address);
    if (bound !== null) {
      const body = kind.refuse(bound === 'total' ? 'connections-total' : 'connections-per-address');
      return endUpgrade(socket, '429 Too Many Requests', body);
    }
    // A handshake that ws itself refuses closes the socket without calling back, so the place is given back then.
    let isAdmitted = false;
    socket.once('close', () => {
      if (!isAdmitted) addresses.release(address);
    });
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      isAdmitted = true;
      admit(webSocket, socket, address, request);
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
      for (const [webSocket, connection] of connections) {
        connection.sayGoodbye();
        webSocket.close(closeGoingAway, 'the server is stopping');
      }
    },
    cut: () => {
      for (const webSocket of connections.keys()) webSocket.terminate();
    },
    connectionCount: () => connections.size,
  };
};

/** No compression (a small frame must not unfold into a big one) and no automatic pong (a ping is charged like any frame). */
const socketOptions: ServerOptions & { readonly closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  autoPong: false,
  maxFragments: limits.signalFragmentsPerFrameMax,
  maxBufferedChunks: limits.signalFrameHardBytesMax,
  closeTimeout: limits.signalCloseTimeoutMs,
};

/**
 * Small frames that one turn of the loop hands to a socket leave in one write: of a word passed on, most of the cost is the system call.
 * Nothing waits longer than until the code that is running now has ended, and what waits stays far below what counts as behind.
 */
const frameSocketOf = (webSocket: WebSocket, stream: Duplex): FrameSocket => {
  let gathered = 0;
  const release = (): void => {
    if (gathered > 0) stream.uncork();
    gathered = 0;
  };
  const gather = (sizeBytes: number): void => {
    if (gathered + sizeBytes > limits.socketGatherBytesMax) return release();
    if (gathered === 0) {
      stream.cork();
      process.nextTick(release);
    }
    gathered += sizeBytes;
  };
  // A send that fails belongs to a socket that is closing; its close event cleans up.
  const ifOpen = (act: () => void): void => {
    if (webSocket.readyState === webSocket.OPEN) act();
  };
  return {
    send: (frame) =>
      ifOpen(() => {
        gather(frame.length);
        webSocket.send(frame);
      }),
    ping: () => ifOpen(() => webSocket.ping()),
    pong: (data) => ifOpen(() => webSocket.pong(data)),
    bufferedBytes: () => webSocket.bufferedAmount,
    pause: () => webSocket.pause(),
    resume: () => webSocket.resume(),
    close: (code, reason) => webSocket.close(code, reason),
    terminate: () => webSocket.terminate(),
  };
};

/** A fault of ours while one frame is handled costs that connection, never the server; its message never reaches a log. */
const listen = (webSocket: WebSocket, connection: SocketConnection, kind: SocketKind, metrics: Metrics): void => {
  const guarded = (handle: () => void): void => {
    try {
      handle();
    } catch (error) {
      kind.fault();
      console.error(`A frame met a fault of the server (${error instanceof Error ? error.name : 'unknown'}).`);
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

/** Ends an upgrade with one plain sentence over HTTP. */
export const endUpgrade = (socket: Duplex, status: string, body: string): void => {
  const head = [
    `HTTP/1.1 ${status}`,
    'connection: close',
    'content-type: text/plain; charset=utf-8',
    'x-content-type-options: nosniff',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
};
