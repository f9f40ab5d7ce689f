import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedis, noRedis } from '../run/redis.mjs';

/** A real redis-server of the test's own, in a folder of its own, that can be killed, frozen and started again with its data. */
export type RedisServer = {
  readonly url: string;
  /** Resolves when it answers. */
  start(): Promise<void>;
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Kills it and removes its folder. */
  remove(): Promise<void>;
};

/** Null where there is none; whoever needs it says so loudly. */
export const redisProgram: string | null = findRedis();

/** The settings that mail asks of a Redis, and nothing kept beside the append-only file. */
export const safeSettings = ['--appendonly', 'yes', '--appendfsync', 'always'] as const;

export const createRedisServer = async (settings: readonly string[] = safeSettings): Promise<RedisServer> => {
  if (redisProgram === null) throw new Error(noRedis);
  const program = redisProgram;
  const folder = mkdtempSync(join(tmpdir(), 'hearthnet-redis-'));
  const port = await findFreePort();
  let child: ChildProcess | null = null;
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...settings];

  const kill = async (): Promise<void> => {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null) return;
    await new Promise((resolve) => {
      ending.once('close', resolve);
      ending.kill('SIGKILL');
    });
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    start: async () => {
      child = spawn(program, args, { stdio: 'ignore' });
      await answers(port);
    },
    kill,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    remove: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const findFreePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = net.createServer();
    probe.listen(0, '127.0.0.1', () => {
      const bound = probe.address();
      probe.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : 0));
    });
  });

/** A Redis that loads its file refuses until it has. */
const answers = async (port: number): Promise<void> => {
  while (!(await ping(port))) await new Promise((resolve) => setTimeout(resolve, 20));
};

const ping = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(String(data).startsWith('+PONG'));
    });
    socket.once('error', () => resolve(false));
  });
