import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { build, readCommit } from './build.mjs';
import { childEnv, findNode24 } from './node24.mjs';
import { inProject, projectDir, runMain, Unready } from './project.mjs';
import { setUp } from './setup.mjs';

/** Every benchmark that is planned; one exists as soon as its file does. */
const planned = [
  'app',
  'retrieval',
  'sync',
  'log',
  'bus',
  'bulk',
  'leader',
  'vectors',
  'model',
  'server',
  'radio',
  'ask',
  'chat',
  'views',
  'reliability',
];

/** `npm run bench -- <name|all> [--json FILE] [...]`: figures beside their peers. Succeeds when it ran, whatever the figures. */
const bench = async () => {
  const { name, jsonFile, rest } = readArgs(process.argv.slice(2));
  const existing = planned.filter((each) => existsSync(scriptOf(each)));
  if (name !== 'all' && !existing.includes(name)) {
    console.error(
      planned.includes(name)
        ? `The bench ${name} is not written yet; it comes with the issue of its area.`
        : `There is no bench "${name}".`,
    );
    console.error(`There are: ${[...existing, 'all'].join(', ')}.`);
    return 2;
  }
  await setUp();
  const node = findNode24();
  await build(node);
  /** @type {object[]} */
  const results = [];
  const names = name === 'all' ? existing : [name];
  for (const each of names) {
    const result = await runOne(node.path, each, rest);
    if (result === null) console.error(`The bench ${each} broke; what it printed above says why.`);
    else results.push({ bench: each, commit: commitId(), ...result });
  }
  if (name === 'all')
    console.error(`Not written yet: ${planned.filter((each) => !existing.includes(each)).join(', ') || 'none'}.`);
  const shown = name === 'all' ? results : results[0];
  if (shown !== undefined) console.log(JSON.stringify(shown, null, 2));
  if (jsonFile !== null && shown !== undefined) writeFileSync(jsonFile, `${JSON.stringify(shown, null, 2)}\n`);
  return results.length === names.length ? 0 : 1;
};

/** @param {string[]} args */
const readArgs = (args) => {
  const rest = [...args];
  const name = rest[0] !== undefined && !rest[0].startsWith('-') ? rest.shift() : undefined;
  const at = rest.indexOf('--json');
  if (at === -1) return { name: name ?? '', jsonFile: null, rest };
  const [, jsonFile] = rest.splice(at, 2);
  if (jsonFile === undefined) throw new Unready('--json wants the name of a file.');
  return { name: name ?? '', jsonFile, rest };
};

/** @param {string} name */
const scriptOf = (name) => inProject('tests', 'bench', `${name}.ts`);

const commitId = () => {
  const { commit, dirty } = readCommit();
  return commit === null ? null : `${commit}${dirty ? '-dirty' : ''}`;
};

/**
 * A process a bench, so that one does not warm up or fill the memory of the next. The result comes back as a message.
 * @param {string} node
 * @param {string} name
 * @param {string[]} args
 * @returns {Promise<object | null>}
 */
const runOne = (node, name, args) =>
  new Promise((resolve) => {
    const child = spawn(node, ['--expose-gc', inProject('tests', 'run', 'bench-one.mjs'), scriptOf(name), ...args], {
      cwd: projectDir,
      env: childEnv(node),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    /** @type {object | null} */
    let result = null;
    process.once('exit', () => child.kill());
    child.on('message', (message) => {
      result = typeof message === 'object' ? message : null;
    });
    child.on('error', () => resolve(null));
    child.on('close', (code) => resolve(code === 0 ? result : null));
  });

await runMain(bench);
