import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

/** Brings the data file to today's tables, inside the caller's transaction. Version 1 knew only about itself. */
export const migrate = (database: DatabaseSync, nowMs: number): void => {
  const version = readVersion(database);
  if (version === schemaVersion) return;
  if (version === 0) {
    database.exec('CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID');
    const insert = database.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
    insert.run('created', nowMs);
    insert.run('starts', 0);
  }
  database.exec(tables);
  beginLife(database);
  database.exec(`PRAGMA user_version = ${schemaVersion}`);
};

export const schemaVersion = 2;

/** A new name for this life of the file: cursors of any other, a restored copy above all, start from the beginning again. */
export const beginLife = (database: DatabaseSync): void => {
  const life = randomBytes(6).readUIntBE(0, 6);
  database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('life', ?)").run(life);
};

export const readVersion = (database: DatabaseSync): number =>
  numberOf(database.prepare('PRAGMA user_version').get()?.['user_version']);

export const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** Numbers of mail are never used twice (AUTOINCREMENT), so a cursor never skips what came after it. `cost` is bytes and a charge for each item. */
const tables = `
  CREATE TABLE roster (
    tag BLOB NOT NULL,
    id BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (tag, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX roster_by_age ON roster (seen_at);
  CREATE TABLE mail (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    box BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    item BLOB NOT NULL
  ) STRICT;
  CREATE INDEX mail_by_box ON mail (box, number);
  CREATE INDEX mail_by_expiry ON mail (expires_at);
  CREATE TABLE box (
    box BLOB PRIMARY KEY,
    items INTEGER NOT NULL,
    cost INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`;
