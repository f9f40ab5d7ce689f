/** What SQLite itself reports while it works (full, unreadable, locked), told from a bug of ours. */
export const isSqliteTrouble = (error: unknown): error is Error & { readonly errcode: number } =>
  error instanceof Error &&
  'code' in error &&
  error.code === 'ERR_SQLITE_ERROR' &&
  'errcode' in error &&
  typeof error.errcode === 'number' &&
  !bugs.has(error.errcode & 0xff);

/** No space on the disk, or the file's own bound. */
export const isFullDisk = (error: { readonly errcode: number }): boolean => (error.errcode & 0xff) === 13;

/** SQLITE_ERROR (our SQL is wrong), CONSTRAINT, MISMATCH, MISUSE, RANGE. */
const bugs: ReadonlySet<number> = new Set([1, 19, 20, 21, 25]);
