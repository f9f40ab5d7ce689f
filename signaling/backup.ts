import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { err, limits, ok, type Result } from '../src/lib/kernel/wire/signal.ts';
import { dataFileName } from './store/server-store.ts';
import { beginLife, readVersion, schemaVersion } from './store/schema.ts';

/**
 * `node signaling/backup.ts FILE`: one consistent copy of the data file in DATA_DIR, also while the server runs. The copy begins
 * a life of its own, so that a server started on it gives everybody their mail from the beginning instead of leaving some out.
 */
const main = (): void => {
  const [target] = process.argv.slice(2);
  const done =
    target === undefined ? err(usage) : backUp(join(process.env['DATA_DIR'] || '.data', dataFileName), target);
  if (done.ok) {
    process.stdout.write(`${done.value}\n`);
    return;
  }
  process.stderr.write(`${done.error}\n`);
  process.exitCode = 1;
};

const usage = 'Say where the copy goes: node signaling/backup.ts FILE (DATA_DIR names the folder of the data file).';

/** A failure is the one sentence that a person reads; nothing half written is left under the wanted name. */
const backUp = (source: string, target: string): Result<string, string> => {
  if (!existsSync(source)) return err(`There is no data file at ${source}; set DATA_DIR to the folder of the server.`);
  if (existsSync(target)) return err(`${target} is there already; name a new file.`);
  const part = `${target}.part`;
  try {
    rmSync(part, { force: true });
    const version = copy(source, part);
    if (version > schemaVersion)
      return err(`The data file ${source} was written by a newer HearthNet (schema ${version}).`);
    if (version < schemaVersion)
      return err(`The data file ${source} is of an older HearthNet; start the server on it once.`);
    finish(part);
    renameSync(part, target);
    return ok(`Saved: ${target}`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return err(
      `The copy could not be made (${error.code === 'ERR_SQLITE_ERROR' ? error.message : String(error.code)}).`,
    );
  } finally {
    rmSync(part, { force: true });
  }
};

/** One read of the whole, which the writing server does not wait for. Gives the version; only ours is copied. */
const copy = (source: string, part: string): number => {
  const database = new DatabaseSync(source, { readOnly: true, timeout: limits.storeLockWaitMs });
  try {
    const version = readVersion(database);
    if (version === schemaVersion) database.prepare('VACUUM INTO ?').run(part);
    return version;
  } finally {
    database.close();
  }
};

const finish = (part: string): void => {
  const database = new DatabaseSync(part);
  beginLife(database);
  database.close();
  const file = openSync(part, 'r+');
  fsyncSync(file);
  closeSync(file);
};

main();
