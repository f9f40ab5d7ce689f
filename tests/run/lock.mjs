import { mkdirSync, openSync, closeSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stateDir, Unready } from './project.mjs';

/** @typedef {{ pid: number, birth: string, what: string }} Holder */

const pollMs = 200;
const waitMaxMs = 20 * 60_000;
/** A lock file is written within microseconds of its creation; one that stays empty longer has lost its writer. */
const unwrittenMaxMs = 5_000;

/**
 * Does `work` while no other runner of this folder installs or builds. Waits for a living holder and takes over from a dead one.
 * @template T
 * @param {string} what in words, for whoever waits: "installing", "building"
 * @param {() => Promise<T>} work
 * @param {{ folder?: string }} [options]
 * @returns {Promise<T>}
 */
export const withLock = async (what, work, { folder = stateDir } = {}) => {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'lock');
  const own = { pid: process.pid, birth: birthOf(process.pid) ?? '', what };
  let told = false;
  for (const startedAt = Date.now(); !take(path, own); await sleep(pollMs)) {
    const holder = readHolder(path);
    if (holder === null) continue;
    if (isStale(holder, birthOf)) {
      breakLock(path, holder);
      continue;
    }
    if (!told) console.log(`Waiting for process ${holder.pid}, which is ${holder.what} in this folder.`);
    told = true;
    if (Date.now() - startedAt > waitMaxMs) {
      throw new Unready(
        `Process ${holder.pid} has been ${holder.what} for too long; end it, or remove .cache/hearthnet/lock.`,
      );
    }
  }
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.removeListener('exit', release);
    release();
  }
};

/**
 * A holder is stale when its process is gone, or when its number now belongs to a process born later.
 * @param {Holder} holder
 * @param {(pid: number) => string | null} birth what `birthOf` answers
 */
export const isStale = (holder, birth) => {
  const now = birth(holder.pid);
  return now === null || (holder.birth !== '' && now !== '' && now !== holder.birth);
};

/**
 * When a process began, as text to compare; '' where the system does not tell, null where it does not live.
 * @param {number} pid
 */
export const birthOf = (pid) => {
  try {
    process.kill(pid, 0);
  } catch (refused) {
    // EPERM: it lives, and belongs to someone else.
    if (!(refused instanceof Error && 'code' in refused && refused.code === 'EPERM')) return null;
  }
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // Field 22 is the start time; counted behind the name, which may itself hold spaces and brackets.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return `${boot} ${fields[19] ?? ''}`;
  } catch {
    // Not Linux: the number alone has to do.
    return '';
  }
};

/**
 * @param {string} path
 * @param {Holder} own
 */
const take = (path, own) => {
  try {
    const file = openSync(path, 'wx');
    writeSync(file, JSON.stringify(own));
    closeSync(file);
    return true;
  } catch (refused) {
    if (refused instanceof Error && 'code' in refused && refused.code === 'EEXIST') return false;
    throw refused;
  }
};

/**
 * @param {string} path
 * @returns {Holder | null} null where the lock is gone or not written yet
 */
const readHolder = (path) => {
  try {
    const holder = parseHolder(readFileSync(path, 'utf8'));
    if (holder === null && Date.now() - statSync(path).mtimeMs > unwrittenMaxMs) rmSync(path, { force: true });
    return holder;
  } catch (gone) {
    if (gone instanceof Error && 'code' in gone && gone.code === 'ENOENT') return null;
    throw gone;
  }
};

/**
 * @param {string} text
 * @returns {Holder | null}
 */
export const parseHolder = (text) => {
  try {
    const { pid, birth, what } = JSON.parse(text);
    return Number.isInteger(pid) && pid > 0 ? { pid, birth: String(birth ?? ''), what: String(what ?? 'busy') } : null;
  } catch (notJson) {
    if (notJson instanceof SyntaxError) return null;
    throw notJson;
  }
};

/**
 * Two runners may find the same dead holder. Renaming decides: who gets the file looks again whether it is still the
 * dead one's, and gives it back where a third runner has taken the lock in between.
 * @param {string} path
 * @param {Holder} dead
 */
const breakLock = (path, dead) => {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (gone) {
    if (gone instanceof Error && 'code' in gone && gone.code === 'ENOENT') return;
    throw gone;
  }
  const moved = parseHolder(readFileSync(aside, 'utf8'));
  if (moved !== null && (moved.pid !== dead.pid || moved.birth !== dead.birth)) renameSync(aside, path);
  else rmSync(aside, { force: true });
};
