import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { withLock } from './lock.mjs';
import { systemPath } from './node24.mjs';
import { inProject, isMain, projectDir, runMain, Unready } from './project.mjs';
import { hashInputs } from './stamp.mjs';
import { runStep } from './step.mjs';

/**
 * @typedef {{ version?: string, optional?: boolean, link?: boolean, os?: string | string[], cpu?: string | string[], libc?: string | string[] }} LockedPackage
 * @typedef {{ os: string, cpu: string, libc: string }} Platform
 * @typedef {'nothing' | 'adopt' | 'install'} SetupStep
 */

const stampFile = inProject('node_modules', '.hearthnet-stamp');
const installLimitMs = 10 * 60_000;

/** Brings node_modules to what the lockfile says; does nothing where it is there already. */
export const setUp = async () => {
  if (!existsSync(inProject('package-lock.json')))
    throw new Unready('package-lock.json is missing, so nothing can be installed.');
  if (nextStep() === 'nothing') return;
  await withLock('installing', async () => {
    const step = nextStep();
    if (step === 'install') await install();
    if (step !== 'nothing') writeFileSync(stampFile, `${wantedStamp()}\n`);
  });
};

/**
 * The stamp alone is not believed: packages may have been removed since.
 * A plain `npm install` leaves no stamp; where it brought what the lockfile says, it is adopted.
 * @param {{ stamp: string | null, wanted: string, missing: string[], missingOptional: string[] }} state
 * @returns {SetupStep}
 */
export const chooseStep = ({ stamp, wanted, missing, missingOptional }) => {
  if (missing.length > 0) return 'install';
  if (stamp === wanted) return 'nothing';
  return missingOptional.length > 0 ? 'install' : 'adopt';
};

const nextStep = () => {
  const installed = readJson(inProject('node_modules', '.package-lock.json'))?.packages ?? {};
  const locked = readJson(inProject('package-lock.json'))?.packages ?? {};
  const present = Object.fromEntries(Object.entries(installed).filter(([path]) => existsSync(inProject(path))));
  return chooseStep({
    stamp: existsSync(stampFile) ? readFileSync(stampFile, 'utf8').trim() : null,
    wanted: wantedStamp(),
    ...compareLocks(locked, present, thisPlatform()),
  });
};

/**
 * What the lockfile names and the folder does not hold in that version. Optional packages of other platforms may be absent.
 * @param {Record<string, LockedPackage>} locked
 * @param {Record<string, LockedPackage>} installed
 * @param {Platform} platform
 */
export const compareLocks = (locked, installed, platform) => {
  /** @type {string[]} */
  const missing = [];
  /** @type {string[]} */
  const missingOptional = [];
  for (const [path, wanted] of Object.entries(locked)) {
    if (path === '' || wanted.link === true || installed[path]?.version === wanted.version) continue;
    if (wanted.optional !== true || installed[path] !== undefined) missing.push(path);
    else if (fits(wanted, platform)) missingOptional.push(path);
  }
  return { missing, missingOptional };
};

/**
 * @param {LockedPackage} wanted
 * @param {Platform} platform
 */
const fits = (wanted, platform) =>
  accepts(wanted.os, platform.os) && accepts(wanted.cpu, platform.cpu) && accepts(wanted.libc, platform.libc);

/**
 * npm's own reading of these lists: `!linux` means all but Linux, and a list of one may be written as that one.
 * @param {string | string[] | undefined} entries
 * @param {string} own
 */
const accepts = (entries = [], own) => {
  const list = [entries].flat();
  if (list.length === 0 || own === '') return true;
  if (list.includes(`!${own}`)) return false;
  return list.includes(own) || list.every((entry) => entry.startsWith('!'));
};

const thisPlatform = () => {
  if (process.platform !== 'linux') return { os: process.platform, cpu: process.arch, libc: '' };
  // musl's own loader is the cheapest thing that tells the two C libraries apart.
  const musl = existsSync('/lib') && readdirSync('/lib').some((name) => name.startsWith('ld-musl-'));
  return { os: process.platform, cpu: process.arch, libc: musl ? 'musl' : 'glibc' };
};

const wantedStamp = () =>
  hashInputs(projectDir, ['package-lock.json', 'package.json'], [process.platform, process.arch]);

const install = async () => {
  console.log('Installing the packages of package-lock.json (npm ci).');
  rmSync(stampFile, { force: true });
  const { program, first } = findNpm();
  // No package of ours needs an install script, so none gets to run, whatever the machine's npm is set to.
  const args = [...first, 'ci', '--include=dev', '--include=optional', '--ignore-scripts', '--no-audit', '--no-fund'];
  const env = { ...process.env, PATH: systemPath().join(delimiter) };
  const { code, timedOut } = await runStep(program, args, { env, limitMs: installLimitMs });
  if (timedOut) throw new Unready('npm ci took longer than 10 minutes and was ended.');
  if (code !== 0) throw new Unready(`npm ci ended with code ${code}; what it printed above says why.`);
};

/** npm is run by the machine's own Node: npm ci removes ours while it works. */
const findNpm = () => {
  const cli = process.env.npm_execpath;
  const nodeName = process.platform === 'win32' ? 'node.exe' : 'node';
  const systemNode = systemPath()
    .map((folder) => join(folder, nodeName))
    .find((path) => existsSync(path));
  const node = systemNode ?? process.env.npm_node_execpath;
  if (cli !== undefined && node !== undefined && /npm-cli\.c?js$/.test(cli)) return { program: node, first: [cli] };
  const npm = systemPath()
    .map((folder) => join(folder, 'npm'))
    .find((path) => existsSync(path));
  if (npm === undefined) throw new Unready('npm is not on the PATH; it comes with Node from nodejs.org.');
  return { program: npm, first: [] };
};

/** @param {string} path */
const readJson = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null);

if (isMain(import.meta.url)) {
  await runMain(async () => {
    await setUp();
    return 0;
  });
}
