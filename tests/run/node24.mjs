import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { inProject, Unready } from './project.mjs';

/** The first Node that runs TypeScript and `node:sqlite` without a flag. */
export const oldestNode = '22.18.0';

/**
 * The Node that runs everything but the entry files: the one npm installed for this project, else one of the system.
 * Never the one that runs this file, which on a fresh machine is often too old.
 * @returns {{ path: string, version: string }}
 */
export const findNode24 = () => {
  const found = chooseNode(nodeCandidates(), askVersion);
  if (found === null) {
    const wanted = `node-${process.platform}-${process.arch}`;
    throw new Unready(
      `HearthNet needs Node ${oldestNode} or newer: the package ${wanted} is not installed here, and no such Node is on the PATH.`,
    );
  }
  return found;
};

/**
 * @param {string[]} candidates in order of preference
 * @param {(path: string) => string | null} versionOf
 */
export const chooseNode = (candidates, versionOf) => {
  for (const path of candidates) {
    const version = versionOf(path);
    if (version !== null && isNewEnough(version)) return { path, version };
  }
  return null;
};

/** @param {string} version such as `v24.21.0` */
export const isNewEnough = (version) => {
  const have = versionNumbers(version);
  const want = versionNumbers(oldestNode);
  if (have === null || want === null) return false;
  for (const [index, wanted] of want.entries()) {
    const own = have[index] ?? 0;
    if (own !== wanted) return own > wanted;
  }
  return true;
};

/** @param {string} version */
const versionNumbers = (version) => {
  const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version.trim());
  return match === null ? null : [Number(match[1]), Number(match[2]), Number(match[3])];
};

const nodeCandidates = () => {
  const program = process.platform === 'win32' ? 'node.exe' : 'node';
  const ours = [
    inProject('node_modules', '.bin', program),
    inProject('node_modules', `node-${process.platform.replace('win32', 'win')}-${process.arch}`, 'bin', program),
  ];
  return [...ours, ...systemPath().map((folder) => join(folder, program))].filter((path) => existsSync(path));
};

/** The PATH without the folders npm puts in front of it, so that `node` and `npm` are the machine's own. */
export const systemPath = (path = process.env.PATH ?? '') =>
  path.split(delimiter).filter((folder) => folder !== '' && !/[\\/]node_modules[\\/]/.test(`${folder}/`));

/** @param {string} path */
const askVersion = (path) => {
  const asked = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  return asked.status === 0 ? asked.stdout.trim() : null;
};

/**
 * The environment of every child: its own children find the same Node, and our tools, by name.
 * @param {string} nodePath
 * @param {Record<string, string | undefined>} more
 */
export const childEnv = (nodePath, more = {}) => ({
  ...process.env,
  PATH: [dirname(nodePath), inProject('node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter),
  ...more,
});

/**
 * The script behind a tool's name. Started with a Node of our choice, it never meets its own `#!` line.
 * @param {string} packageName
 * @param {string} [bin] where the package has several
 */
export const toolScript = (packageName, bin) => {
  const folder = inProject('node_modules', ...packageName.split('/'));
  const file = join(folder, 'package.json');
  if (!existsSync(file))
    throw new Unready(`The package ${packageName} is not installed; npm start or npm test installs it.`);
  const bins = JSON.parse(readFileSync(file, 'utf8')).bin;
  const script = typeof bins === 'string' ? bins : bins[bin ?? packageName];
  return join(folder, script);
};
