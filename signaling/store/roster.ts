import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../../src/lib/kernel/wire/signal.ts';
import type { Clock } from '../clock.ts';
import { numberOf } from './schema.ts';
import { isSqliteTrouble } from './sqlite-trouble.ts';

/** Who met where in the last two weeks: tags and connection ids, which mean nothing to this server. It outlives the process. */
export type Roster = {
  /** Somebody is, or just was, at the tag. Written before it returns; false when the disk did not take it, or after `stop`. */
  see(tag: string, id: string): boolean;
  countAt(tag: string): number;
  entryCount(): number;
  stop(): void;
};

export const createRoster = (database: DatabaseSync, clock: Clock): Roster => {
  const upsert = database.prepare('INSERT OR REPLACE INTO roster (tag, id, seen_at) VALUES (?, ?, ?)');
  const countAtTag = database.prepare('SELECT count(*) AS count FROM roster WHERE tag = ?');
  const countAll = database.prepare('SELECT count(*) AS count FROM roster');
  const dropOldestAtTag = database.prepare(
    'DELETE FROM roster WHERE tag = ?1 AND id IN (SELECT id FROM roster WHERE tag = ?1 ORDER BY seen_at LIMIT ?2)',
  );
  const dropOld = database.prepare('DELETE FROM roster WHERE seen_at < ?');
  const dropOldest = database.prepare(
    'DELETE FROM roster WHERE (tag, id) IN (SELECT tag, id FROM roster ORDER BY seen_at LIMIT ?)',
  );
  let seenSinceBound = 0;
  let cancelSweep = (): void => {};
  let isStopped = false;

  const countAt = (tag: string): number => numberOf(countAtTag.get(bytesOf(tag))?.['count']);
  const entryCount = (): number => numberOf(countAll.get()?.['count']);

  const bound = (): void => {
    seenSinceBound = 0;
    dropOld.run(clock.now() - limits.rosterKeepMs);
    const surplus = entryCount() - limits.rosterEntriesMax;
    if (surplus > 0) dropOldest.run(surplus);
  };

  const sweep = (): void => {
    written(bound);
    cancelSweep = clock.after(limits.mailSweepMs, sweep);
  };
  sweep();

  return {
    see: (tag, id) =>
      !isStopped &&
      written(() => {
        upsert.run(bytesOf(tag), bytesOf(id), clock.now());
        const surplus = countAt(tag) - limits.rosterPerTagMax;
        if (surplus > 0) dropOldestAtTag.run(bytesOf(tag), surplus);
        seenSinceBound += 1;
        if (seenSinceBound >= limits.rosterBoundEvery) bound();
      }),
    countAt,
    entryCount,
    stop: () => {
      isStopped = true;
      cancelSweep();
    },
  };
};

/** A disk that takes nothing more costs the memory of who met, never the meeting. */
const written = (write: () => void): boolean => {
  try {
    write();
    return true;
  } catch (error) {
    if (!isSqliteTrouble(error)) throw error;
    return false;
  }
};

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'base64url');
