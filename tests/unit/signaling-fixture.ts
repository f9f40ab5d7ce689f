import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { WebSocket } from 'ws';
import { systemClock, type Clock } from '../../signaling/clock.ts';
import type { ProxyList } from '../../signaling/client-facts.ts';
import type { TurnServer } from '../../signaling/mesh/turn.ts';
import { createServer, type Server } from '../../signaling/server.ts';
import { openServerStore } from '../../signaling/store/server-store.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';

/** A real server on a free port with a small app folder of its own, and clients that can be awaited. */
export const startTestServer = async (options: TestServerOptions = {}): Promise<TestServer> => {
  const folder = createFolder();
  const appDir = options.appDir ?? writeApp(join(folder.path, 'build'));
  const clock = options.clock ?? systemClock;
  const store = unwrap(
    openServerStore(join(folder.path, 'data'), { clock, fileBytesMax: options.fileBytesMax ?? null }),
  );
  const { roster, mail } = store;
  const server = createServer({ port: 0, host: '127.0.0.1', clock, roster, mail, ...options, appDir });
  const { url, port } = unwrap(await server.start());
  const stop = async (): Promise<void> => {
    await server.stop();
    store.close();
    folder.remove();
  };
  const socketUrl = url.replace('http', 'ws');
  return { server, url, port, appDir, signalUrl: `${socketUrl}/signal`, meshUrl: `${socketUrl}/mesh`, stop };
};

/** What a person could also set in the environment, and the clock. */
export type TestServerOptions = {
  clock?: Clock;
  appDir?: string;
  fileBytesMax?: number;
  proxies?: ProxyList;
  turn?: TurnServer;
};

export type TestServer = {
  readonly server: Server;
  readonly url: string;
  readonly port: number;
  readonly appDir: string;
  readonly signalUrl: string;
  readonly meshUrl: string;
  stop(): Promise<void>;
};

export const createFolder = (): { path: string; remove(): void } => {
  const path = mkdtempSync(join(tmpdir(), 'hearthnet-signaling-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
};

/** The shape of a SvelteKit static build, with as little as the tests need. */
export const writeApp = (appDir: string): string => {
  const write = (name: string, content: string): void => {
    mkdirSync(dirname(join(appDir, name)), { recursive: true });
    writeFileSync(join(appDir, name), content);
  };
  write('200.html', `<!doctype html><title>shell</title>${'<p>shell</p>'.repeat(200)}`);
  write('service-worker.js', 'self.addEventListener("fetch", () => {});');
  write('manifest.webmanifest', '{"name":"HearthNet"}');
  write('icons/flame.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>');
  write('library/en/water.md', '# Water');
  write('_app/immutable/entry/start.abc123.js', `export const start = ${'1 + '.repeat(1000)}1;`);
  write('.hidden', 'nobody should read this');
  return appDir;
};

export type TestClient = {
  readonly socket: WebSocket;
  /** Text is sent as it is; objects as JSON; buffers as binary frames. */
  send(frame: string | object | Buffer): void;
  /** The next text frame that has not been taken yet, parsed. */
  next(): Promise<Record<string, unknown>>;
  /** Takes frames until the answer to a ping comes; what came before it, in order. Nothing of an earlier frame is missing then. */
  untilPong(): Promise<Record<string, unknown>[]>;
  readonly closed: Promise<{ code: number; reason: string }>;
  close(): Promise<void>;
};

export const openClient = async (url: string, options: { autoPong?: boolean } = {}): Promise<TestClient> => {
  const socket = new WebSocket(url, options);
  const waiting: Record<string, unknown>[] = [];
  const takers: ((frame: Record<string, unknown>) => void)[] = [];
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as Record<string, unknown>;
    const taker = takers.shift();
    if (taker) taker(frame);
    else waiting.push(frame);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  // From here on a broken socket shows as its close code.
  socket.on('error', () => socket.terminate());

  const next = (): Promise<Record<string, unknown>> => {
    const frame = waiting.shift();
    return frame === undefined ? new Promise((resolve) => void takers.push(resolve)) : Promise.resolve(frame);
  };
  const send = (frame: string | object | Buffer): void =>
    socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  return {
    socket,
    send,
    next,
    untilPong: async () => {
      send({ type: 'ping' });
      const before: Record<string, unknown>[] = [];
      for (let frame = await next(); frame['type'] !== 'pong'; frame = await next()) before.push(frame);
      return before;
    },
    closed,
    close: async () => {
      socket.close();
      await closed;
    },
  };
};

/** Time that moves only when a test says so. */
export const createHandClock = (): Clock & { advance(ms: number): void } => {
  let now = Date.UTC(2026, 10, 23);
  let timers: { at: number; run: () => void }[] = [];
  return {
    now: () => now,
    after: (delayMs, run) => {
      const timer = { at: now + delayMs, run };
      timers.push(timer);
      return () => void (timers = timers.filter((other) => other !== timer));
    },
    advance: (ms) => {
      const until = now + ms;
      for (;;) {
        const due = timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers = timers.filter((other) => other !== due);
        now = due.at;
        due.run();
      }
      now = until;
    },
  };
};

/** Bytes out, bytes in, until the other side ends the connection; for requests that fetch would tidy up. */
export const rawExchange = (port: number, bytes: string | Buffer): Promise<string> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = net.connect({ port, host: '127.0.0.1' }, () => socket.write(bytes));
    socket.on('data', (chunk) => chunks.push(chunk));
    // A reset is an answer too: what came before it counts.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });

export const rawGet = async (port: number, target: string): Promise<{ status: number; body: string }> => {
  const answer = await rawExchange(port, `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  const [head = '', ...body] = answer.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), body: body.join('\r\n\r\n') };
};
