import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitUntil } from './samples.ts';

/** A server in a process of its own, so that what it costs is its own. */
export type BenchServer = {
  readonly host: string;
  readonly port: number;
  isAlive(): boolean;
  /** Resident megabytes; NaN where the system does not tell. */
  rssMb(): number;
  stop(): Promise<void>;
};

const host = '127.0.0.1';
const inProject = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** `node signaling/main.ts` with a data folder of its own and nothing else set: every limit is the one it has anywhere. */
export const startOurs = async (): Promise<BenchServer> => {
  const folder = mkdtempSync(join(tmpdir(), 'hearthnet-bench-'));
  const env = { PORT: '0', HOST: host, DATA_DIR: folder };
  const child = spawn(process.execPath, [inProject('signaling/main.ts')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await portOf(child, /HearthNet is on: http:\/\/[^:]+:(\d+)/);
  return serverOf(child, port, () => rmSync(folder, { recursive: true, force: true }));
};

export const startEcho = async (): Promise<BenchServer> => {
  const child = spawn(process.execPath, [inProject('tests/bench/server-echo.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return serverOf(child, await portOf(child, /PORT (\d+)/));
};

/** y-webrtc's own signalling server, as its package brings it. */
export const startStock = async (): Promise<BenchServer> => {
  const port = await freePort();
  const script = inProject('node_modules/y-webrtc/bin/server.js');
  const child = spawn(process.execPath, [script], { env: { PORT: String(port) }, stdio: 'ignore' });
  await waitUntil(() => canDial(port), 10_000, 20);
  return serverOf(child, port);
};

const serverOf = (child: ChildProcess, port: number, cleanUp = (): void => {}): BenchServer => {
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    host,
    port,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    rssMb: () => readRssMb(child.pid),
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      cleanUp();
    },
  };
};

const readRssMb = (pid: number | undefined): number => {
  if (process.platform !== 'linux' || pid === undefined) return Number.NaN;
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
};

const portOf = (child: ChildProcess, pattern: RegExp): Promise<number> =>
  new Promise((resolve, reject) => {
    let said = '';
    child.stdout?.on('data', (chunk) => {
      said += String(chunk);
      const port = pattern.exec(said)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    child.once('close', () => reject(new Error('the server ended before it listened')));
  });

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = net.createServer();
    probe.listen(0, host, () => {
      const bound = probe.address();
      probe.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : 0));
    });
  });

const canDial = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** How many files and sockets a process may have open here. */
export const openFilesMax = (): number => {
  if (process.platform !== 'linux') return 10_000;
  const found = /Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return found === undefined ? 1_024 : Number(found);
};
