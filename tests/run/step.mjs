import { spawn } from 'node:child_process';
import { projectDir, whenOrphaned } from './project.mjs';

/** @typedef {{ code: number, output: string, timedOut: boolean, ms: number }} StepResult */

/** Steps under way, by their process: a signal ends them with us. @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/**
 * Runs one program to its end, in a process group of its own, so that its whole family ends at the time limit.
 * @param {string} program
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, limitMs?: number, show?: 'live' | 'both' | 'keep' }} [options]
 *   `live` prints and keeps nothing, `both` prints and keeps, `keep` stays silent; what is kept comes back as `output`
 * @returns {Promise<StepResult>} a program that could not be started ends with code 127
 */
export const runStep = (program, args, { env = process.env, limitMs = 600_000, show = 'live' } = {}) => {
  endStepsWithUs();
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const piped = show === 'live' ? 'inherit' : 'pipe';
    const ownGroup = process.platform !== 'win32';
    const child = spawn(program, args, { cwd: projectDir, env, stdio: ['ignore', piped, piped], detached: ownGroup });
    running.add(child);
    let output = '';
    let timedOut = false;
    /** @param {NodeJS.WriteStream} screen */
    const keep = (screen) => (/** @type {Buffer} */ bytes) => {
      output += bytes.toString();
      if (show === 'both') screen.write(bytes);
    };
    child.stdout?.on('data', keep(process.stdout));
    child.stderr?.on('data', keep(process.stderr));
    const limit = setTimeout(() => {
      timedOut = true;
      killFamily(child, 'SIGKILL');
    }, limitMs);
    /** @param {number} code */
    const finish = (code) => {
      clearTimeout(limit);
      running.delete(child);
      resolve({ code, output, timedOut, ms: performance.now() - startedAt });
    };
    child.on('error', (failure) => {
      output += `${failure.message}\n`;
      if (show !== 'keep') process.stderr.write(`${failure.message}\n`);
      finish(127);
    });
    child.on('close', (code) => finish(code ?? 1));
  });
};

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
const killFamily = (child, signal) => {
  if (child.pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal);
  } catch (gone) {
    // ESRCH: it ended by itself in the meantime, which is what was wanted.
    if (!(gone instanceof Error && 'code' in gone && gone.code === 'ESRCH')) throw gone;
  }
};

let listening = false;

const endStepsWithUs = () => {
  if (listening) return;
  listening = true;
  process.on('SIGINT', () => endNow('SIGINT', 130));
  process.on('SIGTERM', () => endNow('SIGTERM', 143));
  whenOrphaned(() => endNow('SIGTERM', 143));
};

/**
 * @param {NodeJS.Signals} signal
 * @param {number} code
 */
const endNow = (signal, code) => {
  // Without a step there may be a server (start.mjs), which has its own listener and needs a moment.
  if (running.size === 0 && process.listenerCount(signal) > 1) return;
  for (const child of running) killFamily(child, 'SIGKILL');
  process.exit(code);
};

/**
 * Calls `work` for every item, at most `atOnce` at a time, and returns the results in the items' order.
 * @template T, R
 * @param {T[]} items
 * @param {number} atOnce
 * @param {(item: T) => Promise<R>} work
 * @returns {Promise<R[]>}
 */
export const runSome = async (items, atOnce, work) => {
  /** @type {R[]} */
  const results = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(/** @type {T} */ (items[index]));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane));
  return results;
};
