import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { err, limits, ok, type Result } from '../src/lib/kernel/wire/signal.ts';

/** The server's one data file. So far it knows only about itself: when it was made and how often a server started on it. */
export type ServerStore = {
  readonly file: string;
  facts(): StoreFacts;
  /** One more start, written before it returns. */
  countStart(): void;
  /** Safe to call twice. */
  close(): void;
};

/** `created` is in milliseconds since 1970. */
export type StoreFacts = { readonly created: number; readonly starts: number };

/** `reason` is the system's own code (EACCES, ENOTDIR, SQLITE text) for the sentence a person reads. */
export type StoreFailure =
  | { readonly type: 'FolderNotWritable'; readonly folder: string; readonly reason: string }
  | { readonly type: 'SchemaNewer'; readonly file: string; readonly version: number };

const schemaVersion = 1;
const schema = 'CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID';

export const openServerStore = (folder: string, now: () => number): Result<ServerStore, StoreFailure> => {
  const file = join(folder, 'hearthnet.sqlite');
  const opened = openDatabase(folder, file, now);
  if (!opened.ok) return opened;
  const database = opened.value;
  return ok({
    file,
    facts: () => ({ created: readFact(database, 'created'), starts: readFact(database, 'starts') }),
    countStart: () => database.exec("UPDATE meta SET value = value + 1 WHERE key = 'starts'"),
    close: () => {
      if (database.isOpen) database.close();
    },
  });
};

/** Opening proves that the folder takes writes: the write lock is taken even when there is nothing to create. */
const openDatabase = (folder: string, file: string, now: () => number): Result<DatabaseSync, StoreFailure> => {
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
    if (readVersion(database) === 0) create(database, now());
    database.exec('COMMIT');
    return ok(database);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (database?.isOpen === true) database.close();
    return err({ type: 'FolderNotWritable', folder, reason: 'code' in error ? reasonOf(error) : error.message });
  }
};

const create = (database: DatabaseSync, createdMs: number): void => {
  database.exec(schema);
  const insert = database.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  insert.run('created', createdMs);
  insert.run('starts', 0);
  database.exec(`PRAGMA user_version = ${schemaVersion}`);
};

const reasonOf = (error: Error & { readonly code: unknown }): string =>
  error.code === 'ERR_SQLITE_ERROR' ? error.message : String(error.code);

const readVersion = (database: DatabaseSync): number =>
  numberOf(database.prepare('PRAGMA user_version').get()?.['user_version']);

const readFact = (database: DatabaseSync, key: string): number =>
  numberOf(database.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.['value']);

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
