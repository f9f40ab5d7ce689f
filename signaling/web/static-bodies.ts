import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { limits } from '../../src/lib/kernel/wire/signal.ts';
import type { StaticFile } from './static-index.ts';

/** A file's bytes as they go out in one encoding, with the strong ETag of exactly these bytes. */
export type StaticBody = { readonly bytes: Buffer; readonly etag: string };
export type ContentEncoding = 'identity' | 'gzip' | 'br';

/**
 * Reads and compresses files, each once however many ask at the same time, and keeps what was used last
 * within `staticCacheBytesMax`. What does not fit is made again for the next request.
 */
export type StaticBodies = {
  /** Rejects when the file cannot be read. */
  get(file: StaticFile, encoding: ContentEncoding): Promise<StaticBody>;
  clear(): void;
  keptBytes(): number;
};

const compressGzip = promisify(gzip);
const compressBrotli = promisify(brotliCompress);
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

export const createStaticBodies = (): StaticBodies => {
  // In the order of use, the oldest first.
  const bodiesByKey = new Map<string, StaticBody>();
  const pendingByKey = new Map<string, Promise<StaticBody>>();
  let keptBytes = 0;
  let generation = 0;

  const keep = (key: string, body: StaticBody): void => {
    if (body.bytes.length > limits.staticCacheBytesMax || bodiesByKey.has(key)) return;
    bodiesByKey.set(key, body);
    keptBytes += body.bytes.length;
    for (const [oldKey, old] of bodiesByKey) {
      if (keptBytes <= limits.staticCacheBytesMax) return;
      bodiesByKey.delete(oldKey);
      keptBytes -= old.bytes.length;
    }
  };

  const load = async (key: string, file: StaticFile, encoding: ContentEncoding): Promise<StaticBody> => {
    const bornIn = generation;
    const body = await makeBody(file, encoding);
    if (bornIn === generation) keep(key, body);
    return body;
  };

  return {
    get: (file, encoding) => {
      const key = `${encoding} ${file.urlPath}`;
      const kept = bodiesByKey.get(key);
      if (kept !== undefined) {
        bodiesByKey.delete(key);
        bodiesByKey.set(key, kept);
        return Promise.resolve(kept);
      }
      const pending = pendingByKey.get(key);
      if (pending !== undefined) return pending;
      const made = load(key, file, encoding).finally(() => {
        if (pendingByKey.get(key) === made) pendingByKey.delete(key);
      });
      pendingByKey.set(key, made);
      return made;
    },
    clear: () => {
      generation += 1;
      bodiesByKey.clear();
      pendingByKey.clear();
      keptBytes = 0;
    },
    keptBytes: () => keptBytes,
  };
};

const makeBody = async (file: StaticFile, encoding: ContentEncoding): Promise<StaticBody> => {
  const raw = await readFile(file.file);
  const hash = createHash('sha256').update(raw).digest('base64url').slice(0, 22);
  if (encoding === 'identity') return { bytes: raw, etag: `"${hash}"` };
  const bytes = encoding === 'br' ? await compressBrotli(raw, brotliOptions) : await compressGzip(raw);
  return { bytes, etag: `"${hash}-${encoding}"` };
};
