import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { childEnv, findNode24, toolScript } from './node24.mjs';
import { isMain, runMain } from './project.mjs';
import { runStep } from './step.mjs';

/** @typedef {{ path: string, how: string }} Chromium */

const downloadLimitMs = 60_000;
const aptLimitMs = 5 * 60_000;
export const noChromium =
  'No Chromium was found and none could be installed: set CHROMIUM_PATH, or install chromium or google-chrome.';

/**
 * The Chromium that is here already. CHROMIUM_PATH is a choice, not a hint: where it is wrong nothing else is taken.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Chromium | null}
 */
export const findChromium = (env = process.env) => {
  const chosen = env.CHROMIUM_PATH;
  if (chosen !== undefined && chosen !== '') return isProgram(chosen) ? { path: chosen, how: 'CHROMIUM_PATH' } : null;
  for (const name of ['chromium', 'google-chrome']) {
    const path = (env.PATH ?? '')
      .split(delimiter)
      .map((folder) => join(folder, name))
      .find((file) => isProgram(file));
    if (path !== undefined) return { path, how: `${name} on the PATH` };
  }
  return findCached(env);
};

/**
 * Finds a Chromium or brings one, and prints which and in which version.
 * @returns {Promise<Chromium | null>} null after printing why
 */
export const ensureChromium = async () => {
  const found = findChromium() ?? (await bringChromium());
  const version = found === null ? null : askVersion(found.path);
  if (found === null || version === null) {
    const chosen = process.env.CHROMIUM_PATH;
    console.log(chosen ? `CHROMIUM_PATH names ${chosen}, which does not start as a Chromium.` : noChromium);
    return null;
  }
  console.log(`Chromium: ${version} (${found.how}, ${found.path}).`);
  return found;
};

const bringChromium = async () => {
  if (process.env.CHROMIUM_PATH) return null;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('Installing Chromium with apt-get.');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const updated = await runStep('apt-get', ['update'], { env, limitMs: aptLimitMs, show: 'keep' });
    const installed =
      updated.code === 0 &&
      (await runStep('apt-get', ['install', '-y', 'chromium'], { env, limitMs: aptLimitMs, show: 'keep' }));
    if (installed && installed.code === 0) return findChromium();
    console.log('apt-get could not install Chromium.');
  }
  console.log("Downloading Playwright's Chromium (at most 60 s).");
  const node = findNode24();
  const args = [toolScript('@playwright/test', 'playwright'), 'install', 'chromium'];
  const fetched = await runStep(node.path, args, { env: childEnv(node.path), limitMs: downloadLimitMs, show: 'keep' });
  return fetched.code === 0 ? findChromium() : null;
};

/** @param {string} path */
const askVersion = (path) => {
  const asked = spawnSync(path, ['--version'], {
    encoding: 'utf8',
    timeout: 20_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return asked.status === 0 && /\d+\.\d+/.test(asked.stdout) ? asked.stdout.trim() : null;
};

/**
 * The newest browser in Playwright's cache, a whole one before the headless shell.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Chromium | null}
 */
const findCached = (env) => {
  const cache = env.PLAYWRIGHT_BROWSERS_PATH || defaultCache(env);
  if (!existsSync(cache)) return null;
  const builds = readdirSync(cache)
    .map((name) => ({ name, match: /^(chromium|chromium_headless_shell)-(\d+)$/.exec(name) }))
    .filter(({ match }) => match !== null)
    .sort(
      (a, b) => (a.match?.[1] ?? '').localeCompare(b.match?.[1] ?? '') || Number(b.match?.[2]) - Number(a.match?.[2]),
    );
  for (const { name } of builds) {
    const path = programsBelow(join(cache, name), 5).find((file) => isProgram(file));
    if (path !== undefined) return { path, how: "Playwright's cache" };
  }
  return null;
};

/** @param {NodeJS.ProcessEnv} env */
const defaultCache = (env) => {
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'ms-playwright');
  if (process.platform === 'win32') return join(env.LOCALAPPDATA ?? homedir(), 'ms-playwright');
  return join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ms-playwright');
};

const programNames = new Set([
  'chrome',
  'chrome.exe',
  'headless_shell',
  'chrome-headless-shell',
  'chrome-headless-shell.exe',
  'Chromium',
  'Google Chrome for Testing',
]);

/**
 * @param {string} folder
 * @param {number} depth
 * @returns {string[]}
 */
const programsBelow = (folder, depth) => {
  if (depth === 0) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  const here = entries
    .filter((entry) => entry.isFile() && programNames.has(entry.name))
    .map((entry) => join(folder, entry.name));
  const below = entries.filter(
    (entry) => entry.isDirectory() && /^(chrome|Chromium|Google|Contents|MacOS)/.test(entry.name),
  );
  return [...here, ...below.flatMap((entry) => programsBelow(join(folder, entry.name), depth - 1))];
};

/** @param {string} path */
const isProgram = (path) => {
  if (!existsSync(path) || !statSync(path).isFile()) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Present, and not ours to execute.
    return false;
  }
};

if (isMain(import.meta.url)) await runMain(async () => ((await ensureChromium()) === null ? 1 : 0));
