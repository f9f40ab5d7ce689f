import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { inProject, isMain, runMain, Unready } from './project.mjs';
import { fails, passes } from './summary.mjs';

/**
 * @typedef {{ file: string, imports?: string[], css?: string[] }} Chunk one entry of Vite's manifest
 * @typedef {{ what: string, bytes: number, limitBytes: number }} SizeRow
 */

/** Gzipped, in kB of 1,000 bytes, the stricter reading. */
const budgets = { firstLoadJs: 90_000, firstLoadCss: 15_000, nodeWorker: 110_000, workerPart: 40_000, route: 40_000 };
const client = inProject('.svelte-kit', 'output', 'client');
const generated = '.svelte-kit/generated/client-optimized';

/**
 * Weighs the last build: the first load (shell and Chat), the node worker with what it starts with, what it loads
 * later at need, what each route adds to the shell, and fonts.
 * @returns {SizeRow[]} a row over its limit is a breach
 */
export const measureSizes = () => {
  const manifest = readManifest();
  const routes = readRoutes(readFileSync(inProject(generated, 'app.js'), 'utf8'));
  const weigh = createScale((file) => readFileSync(join(client, file)));
  const shell = filesOf(manifest, [...entryKeys(manifest), nodeKey(0), nodeKey(1)]);
  const added = [...routes].map(([route, nodes]) => ({
    route,
    files: minus(filesOf(manifest, nodes.map(nodeKey)), shell),
  }));
  const chat = added.filter(({ route }) => route === '/chat' || route.startsWith('/chat/'));
  if (chat.length === 0) throw new Unready('The build has no route /chat, whose first load is the one with a budget.');
  const firstLoad = new Set([...shell, ...chat.flatMap(({ files }) => [...files])]);
  const worker = workerFiles();
  const fonts = readdirSync(client, { recursive: true })
    .map(String)
    .filter((file) => /\.(woff2?|ttf|otf)$/.test(file));
  return [
    { what: 'first load, JavaScript', bytes: weigh(firstLoad, '.js'), limitBytes: budgets.firstLoadJs },
    { what: 'first load, CSS', bytes: weigh(firstLoad, '.css'), limitBytes: budgets.firstLoadCss },
    { what: 'node worker', bytes: weigh(worker, '.js'), limitBytes: budgets.nodeWorker },
    ...laterFiles(worker).map(({ part, files }) => ({
      what: `node worker, later: ${part}`,
      bytes: weigh(files, '.js'),
      limitBytes: budgets.workerPart,
    })),
    ...added.map(({ route, files }) => ({
      what: `route ${route}`,
      bytes: weigh(files, ''),
      limitBytes: budgets.route,
    })),
    { what: 'web fonts', bytes: weigh(new Set(fonts), ''), limitBytes: 0 },
  ];
};

/** One test a budget. Prints the table. */
export const checkSizes = () => {
  const rows = measureSizes();
  const width = Math.max(...rows.map(({ what }) => what.length));
  for (const { what, bytes, limitBytes } of rows) {
    const mark = bytes > limitBytes ? '  OVER' : '';
    console.log(`  ${what.padEnd(width)}  ${toKb(bytes).padStart(8)} of ${toKb(limitBytes)} kB gz${mark}`);
  }
  return rows.map(({ what, bytes, limitBytes }) =>
    bytes > limitBytes ? fails(`${what}: ${toKb(bytes)} kB gz, the budget is ${toKb(limitBytes)}.`) : passes(1),
  );
};

/** @param {number} bytes */
const toKb = (bytes) => (bytes / 1000).toFixed(1);

/** @returns {Record<string, Chunk>} */
const readManifest = () => {
  const path = join(client, '.vite', 'manifest.json');
  if (!existsSync(path)) throw new Unready('There is no build to weigh; npm start or npm test makes one.');
  return JSON.parse(readFileSync(path, 'utf8'));
};

/** @param {Record<string, Chunk>} manifest */
const entryKeys = (manifest) => {
  const start = Object.keys(manifest).find((key) => key.endsWith('/kit/src/runtime/client/entry.js'));
  if (start === undefined) throw new Unready("Vite's manifest names no start of the page; has SvelteKit moved it?");
  return [start, `${generated}/app.js`];
};

/** @param {number} index */
const nodeKey = (index) => `${generated}/nodes/${index}.js`;

/**
 * Routes with the numbers of their page, layouts and error pages, read from the dictionary SvelteKit generates.
 * @param {string} app the generated client app
 * @returns {Map<string, number[]>}
 */
export const readRoutes = (app) => {
  const dictionary = /export const dictionary = \(?\{([\s\S]*?)\n\s*\}/.exec(app)?.[1] ?? '';
  const lines = [...dictionary.matchAll(/"(\/[^"]*)":\s*(\[.*\])/g)];
  return new Map(lines.map(([, route, nodes]) => [route ?? '', (nodes ?? '').match(/\d+/g)?.map(Number) ?? []]));
};

/**
 * Every file that loads, without asking, with these chunks: themselves, their static imports, their styles.
 * @param {Record<string, Chunk>} manifest
 * @param {string[]} keys
 */
export const filesOf = (manifest, keys) => {
  /** @type {Set<string>} */
  const files = new Set();
  const seen = new Set();
  const waiting = [...keys];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    const chunk = manifest[key];
    if (chunk === undefined || seen.has(key)) continue;
    seen.add(key);
    files.add(chunk.file);
    for (const style of chunk.css ?? []) files.add(style);
    waiting.push(...(chunk.imports ?? []));
  }
  return files;
};

/** The node worker and what it imports before it runs. Workers are built apart and stand in no manifest. */
const workerFiles = () => {
  const folder = '_app/immutable/workers';
  const names = existsSync(join(client, folder)) ? readdirSync(join(client, folder)) : [];
  const entry = names.find((name) => /^node[.-]worker.*\.js$/.test(name));
  if (entry === undefined) throw new Unready('The build has no node worker to weigh.');
  return withStatic(`${folder}/${entry}`);
};

/**
 * What the worker imports when it needs it, each with what it brings along. A file that two of them share counts with both.
 * @param {Set<string>} start
 */
const laterFiles = (start) =>
  [...start]
    .flatMap((file) => dynamicImports(readBuilt(file)).map((path) => beside(file, path)))
    .map((file) => ({
      part: basename(file).replace(/-[\w-]{8}\.js$/, ''),
      files: minus(withStatic(file), start),
    }));

/** @param {string} first in the client's folder, as all of them */
const withStatic = (first) => {
  const files = new Set([first]);
  for (const file of files) for (const path of staticImports(readBuilt(file))) files.add(beside(file, path));
  return files;
};

/** @param {string} file */
const readBuilt = (file) => readFileSync(join(client, file), 'utf8');

/** @param {string} file @param {string} path */
const beside = (file, path) => join(dirname(file), path).replaceAll('\\', '/');

/** @param {string} script minified; a dynamic `import(...)` has a bracket and is left out */
export const staticImports = (script) =>
  [...script.matchAll(/(?:^|[;}\n])\s*(?:import|export)\s*(?:[\w$*{}\s,]*?from\s*)?["'](\.[^"']+)["']/g)].map(
    ([, path]) => path ?? '',
  );

/** @param {string} script minified */
export const dynamicImports = (script) =>
  [...script.matchAll(/\bimport\(\s*["'`](\.[^"'`]+)["'`]\s*\)/g)].map(([, path]) => path ?? '');

/** @template T @param {Set<T>} all @param {Set<T>} without */
const minus = (all, without) => new Set([...all].filter((item) => !without.has(item)));

/** @param {(file: string) => Buffer} read */
const createScale = (read) => {
  /** @type {Map<string, number>} */
  const known = new Map();
  return (/** @type {Set<string>} */ files, /** @type {string} */ ending) => {
    let bytes = 0;
    for (const file of files) {
      if (!file.endsWith(ending)) continue;
      const size = known.get(file) ?? gzipSync(read(file), { level: 9 }).length;
      known.set(file, size);
      bytes += size;
    }
    return bytes;
  };
};

if (isMain(import.meta.url)) {
  await runMain(() => {
    if (process.argv.includes('--json')) console.log(JSON.stringify(measureSizes()));
    else return checkSizes().every(({ failed }) => failed === 0) ? 0 : 1;
    return measureSizes().every(({ bytes, limitBytes }) => bytes <= limitBytes) ? 0 : 1;
  });
}
