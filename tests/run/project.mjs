import { realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. Every runner works from here, wherever it was called. */
export const projectDir = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Where the runners keep stamps and locks. Ignored by git, and no part of a build. */
export const stateDir = join(projectDir, '.cache', 'hearthnet');

/** @param {string[]} parts */
export const inProject = (...parts) => join(projectDir, ...parts);

/**
 * True where the file is what was started, false where another file imported it.
 * @param {string} moduleUrl the caller's `import.meta.url`
 */
export const isMain = (moduleUrl) => {
  const started = process.argv[1];
  if (started === undefined) return false;
  try {
    return realpathSync(started) === realpathSync(fileURLToPath(moduleUrl));
  } catch {
    // A starter without a file (`node -e`) started none of ours.
    return false;
  }
};

const orphanPollMs = 250;

/**
 * npm runs a script through a shell, and that shell dies of a SIGTERM without passing it on. Whoever npm started
 * therefore looks whether its parent still lives, or a server would stay behind with its port.
 * @param {() => void} end called once
 */
export const whenOrphaned = (end) => {
  if (process.env.npm_lifecycle_event === undefined || process.platform === 'win32') return;
  const parent = process.ppid;
  const poll = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(poll);
    end();
  }, orphanPollMs);
  poll.unref();
};

/** A failure that is the machine's or the person's to mend: the runners print its sentence alone, without a stack. */
export class Unready extends Error {}

/**
 * Runs an entry file and turns what it throws into one sentence and exit code 1.
 * @param {() => Promise<number> | number} main returns the exit code
 */
export const runMain = async (main) => {
  try {
    process.exitCode = await main();
  } catch (failure) {
    process.stderr.write(`${failure instanceof Unready ? failure.message : (failure?.stack ?? String(failure))}\n`);
    process.exitCode = 1;
  }
};
