import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { withLock } from './lock.mjs';
import { childEnv, findNode24, toolScript } from './node24.mjs';
import { inProject, isMain, projectDir, runMain, stateDir, Unready } from './project.mjs';
import { hashInputs } from './stamp.mjs';
import { runStep } from './step.mjs';

/** Everything the built pages depend on. */
const buildInputs = [
  'src',
  'workers',
  'static',
  'svelte.config.js',
  'vite.config.ts',
  'tsconfig.base.json',
  'tsconfig.json',
  'tsconfig.node.json',
  'tsconfig.workers.json',
  'package-lock.json',
];
const buildLimitMs = 8 * 60_000;
const stampFile = join(stateDir, 'build.json');
/** Both are written last by the build; without them, or with others, the stamp means nothing. */
const outputs = ['build/200.html', '.svelte-kit/output/client/.vite/manifest.json'];

/**
 * Builds the pages into build/ unless the last build had the same inputs.
 * @param {{ path: string }} node
 * @returns {Promise<{ id: string, built: boolean }>} the id is what the pages show as their version
 */
export const build = async (node = findNode24()) => {
  const before = plan();
  if (isBuilt(before)) return { id: before.id, built: false };
  return withLock('building', async () => {
    // The holder we waited for may have built just this.
    const now = plan();
    if (isBuilt(now)) return { id: now.id, built: false };
    console.log(`Building the pages (${now.id}).`);
    rmSync(stampFile, { force: true });
    const env = childEnv(node.path, { HEARTHNET_BUILD: now.id });
    await runTool(node.path, [toolScript('@sveltejs/kit', 'svelte-kit'), 'sync'], env);
    await runTool(node.path, [toolScript('vite'), 'build'], env);
    const missing = outputs.find((path) => !existsSync(inProject(path)));
    if (missing !== undefined) throw new Unready(`The build ended without writing ${missing}.`);
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(stampFile, JSON.stringify({ ...now, outputs: fingerprint() }));
    return { id: now.id, built: true };
  });
};

/** @returns {{ id: string, stamp: string }} */
const plan = () => {
  const signalUrl = process.env.SIGNAL_URL ?? '';
  const inputs = hashInputs(projectDir, buildInputs, [signalUrl]);
  const id = buildId({ ...readCommit(), inputs });
  return { id, stamp: `${id} ${inputs}` };
};

/**
 * The short commit; with `-dirty.` and a piece of the inputs' hash where files differ from it; that hash alone without git.
 * @param {{ commit: string | null, dirty: boolean, inputs: string }} state
 */
export const buildId = ({ commit, dirty, inputs }) => {
  const short = inputs.slice(0, 8);
  if (commit === null) return short;
  return dirty ? `${commit}-dirty.${short}` : commit;
};

/** @returns {{ commit: string | null, dirty: boolean }} */
export const readCommit = () => {
  const top = git(['rev-parse', '--show-toplevel']);
  // Unpacked inside someone else's repository, the commit there is not ours.
  if (top === null || resolve(top) !== projectDir) return { commit: null, dirty: false };
  return {
    commit: git(['rev-parse', '--short=8', 'HEAD']),
    dirty: git(['status', '--porcelain', '--', ...buildInputs]) !== '',
  };
};

/** @param {string[]} args */
const git = (args) => {
  const asked = spawnSync('git', args, { cwd: projectDir, encoding: 'utf8', timeout: 20_000 });
  return asked.status === 0 ? asked.stdout.trim() : null;
};

/** @param {{ stamp: string }} wanted */
const isBuilt = (wanted) => {
  if (!existsSync(stampFile)) return false;
  const last = JSON.parse(readFileSync(stampFile, 'utf8'));
  return last.stamp === wanted.stamp && last.outputs === fingerprint();
};

/** Changes when somebody builds past this file (`npm run build`, perhaps with another SIGNAL_URL). */
const fingerprint = () =>
  outputs
    .map((path) => inProject(path))
    .map((path) => (existsSync(path) ? `${statSync(path).mtimeMs}:${statSync(path).size}` : 'absent'))
    .join(' ');

/**
 * @param {string} node
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
const runTool = async (node, args, env) => {
  // Of a good build there is nothing to say; the linters have their say elsewhere.
  const { code, timedOut, output } = await runStep(node, args, { env, limitMs: buildLimitMs, show: 'keep' });
  if (code !== 0) process.stdout.write(output);
  if (timedOut) throw new Unready('The build took longer than 8 minutes and was ended.');
  if (code !== 0) throw new Unready('The build failed; what it printed above says why.');
};

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const { id, built } = await build();
    console.log(built ? `Built ${id}.` : `The build ${id} is up to date.`);
    return 0;
  });
}
