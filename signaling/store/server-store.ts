import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { err, limits, ok, type Result } from '../../src/lib/kernel/wire/signal.ts';
import type { Clock } from '../clock.ts';
import type { MailStore } from '../exchange.ts';
import { createMailStore } from './mail-store.ts';
import { createRoster, type Roster } from './roster.ts';
import { migrate, numberOf, readVersion, schemaVersion } from './schema.ts';

/** The server's one data file: when it was made and how often a server started on it, who met where, and the mailboxes. */
export type ServerStore = {
  readonly file: string;
  facts(): StoreFacts;
  /** One more start, written before it returns. */
  countStart(): void;
  readonly roster: Roster;
  readonly mail: MailStore;
  /** Writes what is still under way. Safe to call twice. */
  close(): void;
};

/** `created` is in milliseconds since 1970. */
export type StoreFacts = { readonly created: number; readonly starts: number };

/** `reason` is the system's own code (EACCES, ENOTDIR, SQLITE text) for the sentence a person reads. */
export type StoreFailure =
  | { readonly type: 'FolderNotWritable'; readonly folder: string; readonly reason: string }
  | { readonly type: 'SchemaNewer'; readonly file: string; readonly version: number };

/** `fileBytesMax` null leaves only the kernel's own bound on mail. */
export type StoreOptions = { readonly clock: Clock; readonly fileBytesMax: number | null };

export const dataFileName = 'hearthnet.sqlite';

export const openServerStore = (folder: string, options: StoreOptions): Result<ServerStore, StoreFailure> => {
  const file = join(folder, dataFileName);
  const opened = openDatabase(folder, file, options);
  if (!opened.ok) return opened;
  const database = opened.value;
  // A second handle, because the roster's commits need to survive the process, not the power: they wait for no disk.
  const rosterDatabase = new DatabaseSync(file, { timeout: limits.storeLockWaitMs });
  rosterDatabase.exec('PRAGMA synchronous = NORMAL');
  const roster = createRoster(rosterDatabase, options.clock);
  const mail = createMailStore(database, options.clock, readFact(database, 'life'));
  return ok({
    file,
    facts: () => ({ created: readFact(database, 'created'), starts: readFact(database, 'starts') }),
    countStart: () => database.exec("UPDATE meta SET value = value + 1 WHERE key = 'starts'"),
    roster,
    mail,
    close: () => {
      if (!database.isOpen) return;
      roster.stop();
      void mail.stop();
      rosterDatabase.close();
      database.close();
    },
  });
};

/** Opening proves that the folder takes writes: the write lock is taken even when there is nothing to create. */
const openDatabase = (folder: string, file: string, options: StoreOptions): Result<DatabaseSync, StoreFailure> => {
  let database: DatabaseSync | null = null;
  try {
    mkdirSync(folder, { recursive: true });
    database = new DatabaseSync(file, { timeout: limits.storeLockWaitMs });
    const version = readVersion(database);
    if (version > schemaVersion) {
      database.close();
      return err({ type: 'SchemaNewer', file, version });
    }
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE');
    migrate(database, options.clock.now());
    database.exec('COMMIT');
    boundFile(database, options.fileBytesMax);
    return ok(database);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (database?.isOpen === true) database.close();
    return err({ type: 'FolderNotWritable', folder, reason: 'code' in error ? reasonOf(error) : error.message });
  }
};

/** SQLite never makes the file smaller than it is; above the bound a write says "full", as on a full disk. */
const boundFile = (database: DatabaseSync, bytesMax: number | null): void => {
  if (bytesMax === null) return;
  const pageBytes = numberOf(database.prepare('PRAGMA page_size').get()?.['page_size']);
  database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytesMax / Math.max(1, pageBytes)))}`);
};

const reasonOf = (error: Error & { readonly code: unknown }): string =>
  error.code === 'ERR_SQLITE_ERROR' ? error.message : String(error.code);

const readFact = (database: DatabaseSync, key: string): number =>
  numberOf(database.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.['value']);
