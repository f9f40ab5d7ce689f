import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isMain, runMain } from './project.mjs';
import { runStep } from './step.mjs';

const aptLimitMs = 5 * 60_000;
export const noRedis =
  'No redis-server 7 or newer was found and none could be installed: set REDIS_SERVER_PATH, or install redis-server.';

/**
 * The redis-server that is here already. REDIS_SERVER_PATH is a choice, not a hint: where it is wrong nothing else is taken.
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | null}
 */
export const findRedis = (env = process.env) => {
  const chosen = env.REDIS_SERVER_PATH;
  if (chosen !== undefined && chosen !== '') return isRedis(chosen) ? chosen : null;
  const folders = [...(env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'];
  return folders.map((folder) => join(folder, 'redis-server')).find((file) => isRedis(file)) ?? null;
};

/**
 * Finds a redis-server or brings one with apt-get, as root only, and prints which. Tests with a real Redis need it.
 * @returns {Promise<string | null>} null after printing why
 */
export const ensureRedis = async () => {
  const found = findRedis() ?? (await bringRedis());
  console.log(found === null ? noRedis : `Redis: ${found}.`);
  return found;
};

const bringRedis = async () => {
  if (process.env.REDIS_SERVER_PATH || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return null;
  console.log('Installing redis-server with apt-get.');
  // RUNLEVEL: the package would start a server of the machine's own, which nobody asked for.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'redis-server']]) {
    const { code } = await runStep('apt-get', args, { env, limitMs: aptLimitMs, show: 'keep' });
    if (code !== 0) return null;
  }
  return findRedis();
};

/** Sharded channels came with 7. @param {string} path */
const isRedis = (path) => {
  if (!existsSync(path) || !statSync(path).isFile()) return false;
  const asked = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  return asked.status === 0 && Number(/v=(\d+)\./.exec(asked.stdout)?.[1] ?? 0) >= 7;
};

if (isMain(import.meta.url)) await runMain(async () => ((await ensureRedis()) === null ? 1 : 0));
