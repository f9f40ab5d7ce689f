import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { inProject, isMain, projectDir, runMain, Unready } from './project.mjs';
import { breachesOfFunctions } from './lint-functions.mjs';
import { compareMessages } from './lint-messages.mjs';

/**
 * @typedef {{ path: string, text: string }} SourceFile path from the project's folder, with forward slashes
 * @typedef {{ path: string, line: number, rule: string, sentence: string }} Breach
 */

const linesMax = 300;
const forbiddenNames = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'manager', 'misc']);
const source = /^(src|workers|signaling)\//;
const code = /\.(ts|js|mjs|cjs|svelte)$/;

/** Bans by place: a pattern outside of comments, and why it is one. */
const bans = [
  ...['Math.random', 'Date.now(', 'setTimeout(', 'setInterval('].map((word) => ({
    rule: 'injected',
    where: /^src\/lib\/(kernel|log|replica|crypto|blobs|services|search)\//,
    pattern: new RegExp(`(?<![\\w$.])${word.replace(/[.(]/g, '\\$&')}`),
    sentence: `${word.replace('(', '')} belongs to the clock and random ports, so that a seed repeats a run.`,
  })),
  {
    rule: 'no-html',
    where: source,
    pattern: /\b(inner|outer)HTML\b|insertAdjacentHTML|\{@html\b/,
    sentence: 'text becomes elements, never markup: what a neighbour wrote must not run here.',
  },
  {
    rule: 'no-console',
    where: /^src\/lib\//,
    pattern: /\bconsole\./,
    sentence: 'a node reports through its trace and its status page.',
  },
];

/**
 * The house rules that no other linter knows.
 * @param {SourceFile[]} files
 * @param {{ registryHost?: string }} [machine] a host that this machine installs from
 * @returns {Breach[]}
 */
export const findBreaches = (files, { registryHost } = {}) => {
  const leaks = leakRules(registryHost);
  return [
    ...files.flatMap((file) => [
      ...breachOfLength(file),
      ...breachesOfFunctions(file),
      ...breachOfName(file),
      ...breachesOfBans(file),
      ...breachesOf(file, leaks),
    ]),
    ...compareMessages(files),
  ];
};

/** @param {SourceFile} file @returns {Breach[]} */
const breachOfLength = ({ path, text }) => {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  if (!source.test(path) || !/\.(ts|js|mjs|svelte|css|html)$/.test(path) || lines <= linesMax) return [];
  return [{ path, line: lines, rule: 'length', sentence: `${lines} lines; ${linesMax} is the wall.` }];
};

/** @param {SourceFile} file @returns {Breach[]} */
const breachOfName = ({ path }) => {
  if (!/^(src|workers|signaling|tests)\//.test(path)) return [];
  const word = path
    .toLowerCase()
    .split(/[/.\-_]/)
    .find((part) => forbiddenNames.has(part));
  if (word === undefined) return [];
  return [{ path, line: 1, rule: 'name', sentence: `"${word}" names a drawer, not a thing.` }];
};

/** @param {SourceFile} file @returns {Breach[]} */
const breachesOfBans = (file) => {
  const own = bans.filter(({ where }) => where.test(file.path));
  if (own.length === 0 || !code.test(file.path)) return [];
  return breachesOf({ path: file.path, text: withoutComments(file.text) }, own);
};

/**
 * @param {SourceFile} file
 * @param {Array<{ rule: string, pattern: RegExp, sentence: string }>} rules
 * @returns {Breach[]}
 */
const breachesOf = ({ path, text }, rules) =>
  text
    .split('\n')
    .flatMap((line, index) =>
      rules
        .filter(({ pattern }) => pattern.test(line))
        .map(({ rule, sentence }) => ({ path, line: index + 1, rule, sentence })),
    );

/** Comments may name what code may not call. Lines stay where they are. @param {string} text */
const withoutComments = (text) =>
  text
    .replace(/\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|\s)\/\/.*$/gm, '$1');

/** @param {string | undefined} registryHost */
const leakRules = (registryHost) => {
  const rules = [
    // Written so that this file does not hold what it looks for.
    { rule: 'machine-path', pattern: /(?<![\w.~*)\]}-])\/(?:work|root)\//, sentence: 'a path of one machine.' },
    {
      rule: 'registry-host',
      pattern: /\bregistry\.[a-z0-9-]+\.[a-z]{2,}|"resolved": *"http/,
      sentence: 'a package registry; .npmrc keeps it out of the lockfile.',
    },
  ];
  if (registryHost === undefined || registryHost === '') return rules;
  const pattern = new RegExp(registryHost.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return [...rules, { rule: 'registry-host', pattern, sentence: 'the registry that this machine installs from.' }];
};

/** What git tracks, and what it would track once added. @returns {SourceFile[]} */
const readTracked = () => {
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: projectDir,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (listed.status !== 0) throw new Unready('The house rules are about tracked files, and git does not answer here.');
  const paths = [...new Set(listed.stdout.split('\0'))].filter((path) => path !== '' && existsSync(inProject(path)));
  return paths
    .filter((path) => statSync(inProject(path)).isFile())
    .map((path) => ({ path, bytes: readFileSync(inProject(path)) }))
    .filter(({ bytes }) => !bytes.includes(0))
    .map(({ path, bytes }) => ({ path, text: bytes.toString() }));
};

const ownRegistry = () => {
  const address = process.env.npm_config_registry;
  return address !== undefined && URL.canParse(address) ? new URL(address).hostname : undefined;
};

if (isMain(import.meta.url)) {
  await runMain(() => {
    const host = ownRegistry();
    const breaches = findBreaches(readTracked(), host === undefined ? {} : { registryHost: host });
    for (const { path, line, rule, sentence } of breaches) console.log(`${path}:${line} ${rule} ${sentence}`);
    return breaches.length === 0 ? 0 : 1;
  });
}
