import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { limits } from '../../src/lib/kernel/wire/signal.ts';

/**
 * The list of every file the server may give out, by URL path, read once from the build folder. A path that is not
 * in it does not exist, so no spelling of a request can leave the folder; links and hidden files are left out.
 */
export type StaticIndex = {
  readonly filesByPath: ReadonlyMap<string, StaticFile>;
  /** The page for every navigation that is no file. */
  readonly shell: StaticFile;
};

export type StaticFile = {
  /** Where it is on disk. */
  readonly file: string;
  readonly urlPath: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly mediaType: string;
  readonly isText: boolean;
};

export const shellName = '200.html';

/** null when there is no build: no folder, or no shell page in it. */
export const readStaticIndex = async (appDir: string): Promise<StaticIndex | null> => {
  const filesByPath = new Map<string, StaticFile>();
  await walk(appDir, '', 0, filesByPath);
  const shell = filesByPath.get(`/${shellName}`);
  return shell === undefined ? null : { filesByPath, shell };
};

const walk = async (folder: string, urlPath: string, depth: number, into: Map<string, StaticFile>): Promise<void> => {
  if (depth > limits.staticFolderDepthMax) return;
  for (const entry of await listFolder(folder)) {
    if (into.size >= limits.staticFilesMax) return;
    if (entry.name.startsWith('.') && entry.name !== '.well-known') continue;
    const file = join(folder, entry.name);
    const path = `${urlPath}/${entry.name}`;
    if (entry.isDirectory()) await walk(file, path, depth + 1, into);
    else if (entry.isFile()) into.set(path, await describe(file, path));
  }
};

/** A folder that is not there is empty; every other trouble is thrown to the request that asked. */
const listFolder = async (folder: string) => {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
};

const describe = async (file: string, urlPath: string): Promise<StaticFile> => {
  const { size, mtimeMs } = await stat(file);
  const mediaType = mediaTypes[extname(file).toLowerCase()] ?? 'application/octet-stream';
  const isText = mediaType.includes('charset') || mediaType === 'image/svg+xml' || mediaType === 'application/wasm';
  return { file, urlPath, sizeBytes: size, modifiedMs: mtimeMs, mediaType, isText };
};

/** `isText` above means "worth compressing"; the browser refuses a module or a worker whose type is wrong. */
const mediaTypes: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.xml': 'application/xml; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.gif': 'image/gif',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.pdf': 'application/pdf',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
};
