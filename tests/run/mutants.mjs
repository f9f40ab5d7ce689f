import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { childEnv, findNode24, toolScript } from './node24.mjs';
import { inProject, isMain, runMain, stateDir, Unready } from './project.mjs';
import { setUp } from './setup.mjs';
import { runStep } from './step.mjs';
import { readVitest } from './summary.mjs';

/** @typedef {{ name: string, file: string, find: string, replace: string, test: string, project: string }} Mutant */

/** What a killed run left changed, so that the next one can put it back. */
const backupFile = join(stateDir, 'mutant.json');
const limitMs = 3 * 60_000;

/**
 * Takes one check at a time out of the code and sees whether the test named for it turns red.
 * @param {Mutant[]} mutants
 * @returns {Promise<{ caught: number, total: number, sentences: string[] }>}
 */
export const runMutants = async (mutants) => {
  const node = findNode24().path;
  const folder = mkdtempSync(join(tmpdir(), 'hearthnet-mutants-'));
  // Whoever builds meanwhile would build the mutant.
  return withLock('testing mutants', async () => {
    restoreLeftover();
    process.once('exit', restoreLeftover);
    /** @type {string[]} */
    const sentences = [];
    /** @type {Map<string, boolean>} */
    const greenBefore = new Map();
    for (const mutant of mutants) {
      const key = `${mutant.project} ${mutant.test}`;
      if (!greenBefore.has(key)) greenBefore.set(key, (await runTest(node, mutant, folder)) === 'green');
      const verdict = greenBefore.get(key)
        ? await tryMutant(node, mutant, folder)
        : 'its test does not pass without it';
      console.log(`  ${mutant.name}: ${verdict ?? 'caught'}`);
      if (verdict !== null) sentences.push(`${mutant.name}: ${verdict}`);
    }
    rmSync(folder, { recursive: true, force: true });
    return { caught: mutants.length - sentences.length, total: mutants.length, sentences };
  });
};

/**
 * @param {string} node
 * @param {Mutant} mutant
 * @param {string} folder
 * @returns {Promise<string | null>} why it was not caught
 */
const tryMutant = async (node, mutant, folder) => {
  const path = inProject(mutant.file);
  if (!existsSync(path)) return `${mutant.file} does not exist`;
  const original = readFileSync(path, 'utf8');
  const mutated = applyMutant(original, mutant);
  if (mutated === null) return `its text does not stand exactly once in ${mutant.file}`;
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(
    backupFile,
    JSON.stringify({ file: mutant.file, original, hash: hashOf(original), mutated: hashOf(mutated) }),
  );
  try {
    writeFileSync(path, mutated);
    const colour = await runTest(node, mutant, folder);
    if (colour === 'red') return null;
    return colour === 'green' ? `${mutant.test} stays green` : `${mutant.test} could not run, which proves nothing`;
  } finally {
    restoreLeftover();
  }
};

/**
 * @param {string} text
 * @param {{ find: string, replace: string }} mutant
 * @returns {string | null} null where the place is not exactly one, or nothing would change
 */
export const applyMutant = (text, { find, replace }) => {
  const at = text.indexOf(find);
  if (find === '' || find === replace || at === -1 || text.indexOf(find, at + 1) !== -1) return null;
  return text.slice(0, at) + replace + text.slice(at + find.length);
};

/** Puts the file back and looks that it is the same again. Safe to call at any time, also while the process ends. */
const restoreLeftover = () => {
  if (!existsSync(backupFile)) return;
  const { file, original, hash, mutated } = JSON.parse(readFileSync(backupFile, 'utf8'));
  const now = hashOf(readFileSync(inProject(file), 'utf8'));
  if (now !== hash && now !== mutated) {
    throw new Unready(
      `${file} was edited while a mutant stood in it; put it right by hand, then remove .cache/hearthnet/mutant.json.`,
    );
  }
  if (now !== hash) writeFileSync(inProject(file), original);
  if (hashOf(readFileSync(inProject(file), 'utf8')) !== hash) throw new Unready(`${file} could not be put back.`);
  rmSync(backupFile);
};

/** @param {string} text */
const hashOf = (text) => createHash('sha256').update(text).digest('hex');

/**
 * Red means that an assertion failed. A file that no longer loads is neither: any mutant could do that.
 * @param {string} node
 * @param {Mutant} mutant
 * @param {string} folder
 * @returns {Promise<'green' | 'red' | 'broken'>}
 */
const runTest = async (node, { test, project }, folder) => {
  const report = join(folder, 'report.json');
  rmSync(report, { force: true });
  const env = childEnv(node, { HEARTHNET_VITEST_REPORT: report });
  const args = [toolScript('vitest'), 'run', '--project', project, '--reporter=./tests/run/vitest-report.mjs', test];
  const step = await runStep(node, args, { env, limitMs, show: 'keep' });
  if (step.timedOut) return 'red';
  if (!existsSync(report)) return 'broken';
  const { passed, failed, failures } = readVitest(readFileSync(report, 'utf8'));
  if (passed + failed === 0) return 'broken';
  if (failed === 0) return step.code === 0 ? 'green' : 'broken';
  return failures.some(namesTest) ? 'red' : 'broken';
};

/** The report writes "file > test" for a test, and "file: message" for what broke outside of one. @param {string} failure */
const namesTest = (failure) => /^[^:]+ > /.test(failure);

if (isMain(import.meta.url)) {
  await runMain(async () => {
    await setUp();
    const list = inProject('tests', 'run', 'mutants.json');
    const mutants = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
    const { caught, total } = await runMutants(mutants);
    console.log(total === 0 ? 'The list of mutants is empty.' : `${caught} of ${total} mutants caught.`);
    return caught === total ? 0 : 1;
  });
}
