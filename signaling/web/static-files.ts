import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { limits } from '../../src/lib/kernel/wire/signal.ts';
import type { Clock } from '../clock.ts';
import { createStaticBodies, type ContentEncoding } from './static-bodies.ts';
import { readStaticIndex, shellName, type StaticFile, type StaticIndex } from './static-index.ts';

/** Gives out the built app: known files with their type, the shell for every navigation, 404 for a missing asset. */
export type StaticFiles = {
  /** The method is GET or HEAD (the server has seen to it). Rejects when a file that was listed cannot be read. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Files in the build, null when there is none. */
  fileCount(): Promise<number | null>;
};

export const createStaticFiles = ({ appDir, clock }: { appDir: string; clock: Clock }): StaticFiles => {
  const bodies = createStaticBodies();
  let index: StaticIndex | null = null;
  let stamp = '';
  let checkedAt = Number.NEGATIVE_INFINITY;
  let checking: Promise<void> | null = null;

  /** A build made while the server runs is noticed by its shell page, which the build writes last. */
  const check = async (): Promise<void> => {
    const found = await stampOf(join(appDir, shellName));
    checkedAt = clock.now();
    if (found === stamp && (index !== null || found === '')) return;
    index = await readStaticIndex(appDir);
    stamp = found;
    bodies.clear();
  };

  const current = async (): Promise<StaticIndex | null> => {
    const ageMs = Math.abs(clock.now() - checkedAt);
    if (ageMs >= limits.staticRecheckMs) checking ??= check().finally(() => (checking = null));
    await checking;
    return index;
  };

  const send = async (request: IncomingMessage, response: ServerResponse, file: StaticFile): Promise<void> => {
    response.setHeader('content-type', file.mediaType);
    response.setHeader('cache-control', cacheRuleOf(file.urlPath));
    if (file.sizeBytes > limits.staticBufferedFileBytesMax) return sendStream(request, response, file);
    const isCompressed = file.isText && file.sizeBytes >= limits.staticCompressBytesMin;
    if (isCompressed) response.setHeader('vary', 'accept-encoding');
    const encoding = isCompressed ? chooseEncoding(request.headers['accept-encoding']) : 'identity';
    const body = await bodies.get(file, encoding);
    response.setHeader('etag', body.etag);
    if (isUnchanged(request.headers['if-none-match'], body.etag)) return endEmpty(response, 304);
    if (encoding !== 'identity') response.setHeader('content-encoding', encoding);
    response.setHeader('content-length', body.bytes.length);
    response.writeHead(200);
    response.end(request.method === 'HEAD' ? undefined : body.bytes);
  };

  return {
    answer: async (request, response) => {
      const files = await current();
      if (files === null)
        return endText(response, 503, 'The app has not been built yet: there is no build folder here.');
      const path = decodePath(request.url ?? '');
      if (path === null) return endText(response, 400, 'This address cannot be read.');
      const file = findFile(files, path) ?? (isNavigation(path, request.headers.accept) ? files.shell : null);
      if (file === null) return endText(response, 404, 'There is no such file.');
      return send(request, response, file);
    },
    fileCount: async () => (await current())?.filesByPath.size ?? null,
  };
};

/** Ends a request with one plain sentence. */
export const endText = (response: ServerResponse, status: number, sentence: string): void => {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(sentence),
  });
  // Node itself leaves the body of an answer to HEAD out.
  response.end(sentence);
};

const endEmpty = (response: ServerResponse, status: number): void => {
  response.removeHeader('content-type');
  response.writeHead(status);
  response.end();
};

/** '' when there is no such file. */
const stampOf = async (file: string): Promise<string> => {
  try {
    const { size, mtimeMs } = await stat(file);
    return `${size} ${mtimeMs}`;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return '';
    throw error;
  }
};

/** Files too big to keep in memory; their ETag names size and time, because hashing them would cost a whole read. */
const sendStream = async (request: IncomingMessage, response: ServerResponse, file: StaticFile): Promise<void> => {
  const etag = `"${file.sizeBytes.toString(36)}-${Math.floor(file.modifiedMs).toString(36)}"`;
  response.setHeader('etag', etag);
  if (isUnchanged(request.headers['if-none-match'], etag)) return endEmpty(response, 304);
  response.setHeader('content-length', file.sizeBytes);
  response.writeHead(200);
  if (request.method === 'HEAD') return void response.end();
  await pipeline(createReadStream(file.file, { start: 0, end: file.sizeBytes - 1 }), response);
};

/** Names under /_app/immutable/ carry the hash of their content. Everything else is asked for again each time, the service worker above all. */
const cacheRuleOf = (urlPath: string): string =>
  urlPath.startsWith('/_app/immutable/') ? 'public, max-age=31536000, immutable' : 'no-cache';

/** The path without its query, decoded once; null when it is malformed. It is only ever looked up in the index, never on disk. */
const decodePath = (url: string): string | null => {
  const raw = url.split(/[?#]/, 1)[0] ?? '';
  return raw.startsWith('/') ? decodePercent(raw) : null;
};

const decodePercent = (raw: string): string | null => {
  try {
    return decodeURIComponent(raw);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
};

/** A page may have been prerendered as `name.html` or `name/index.html`. */
const findFile = ({ filesByPath }: StaticIndex, path: string): StaticFile | null => {
  const page = path.endsWith('/') ? path.slice(0, -1) : path;
  return filesByPath.get(path) ?? filesByPath.get(`${page}/index.html`) ?? filesByPath.get(`${page}.html`) ?? null;
};

/** A screen of the app has no dot in its last segment, no hidden folder in its path, and is asked for as a page. */
const isNavigation = (path: string, accept: string | undefined): boolean => {
  if (path.startsWith('/_app/') || path.includes('/.')) return false;
  if (path.slice(path.lastIndexOf('/') + 1).includes('.')) return false;
  return accept === undefined || accept.includes('text/html') || accept.includes('*/*');
};

const chooseEncoding = (header: string | string[] | undefined): ContentEncoding => {
  const offered = String(header ?? '')
    .toLowerCase()
    .split(',')
    .map((item) => item.trim().split(/\s*;\s*/))
    .filter(([, quality]) => quality === undefined || !/^q=0(\.0*)?$/.test(quality))
    .map(([name]) => name);
  if (offered.includes('br')) return 'br';
  return offered.includes('gzip') ? 'gzip' : 'identity';
};

const isUnchanged = (header: string | undefined, etag: string): boolean =>
  header !== undefined &&
  header
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
    .some((tag) => tag === etag || tag === '*');
