import { existsSync } from 'node:fs';
import { childEnv, findNode24 } from './node24.mjs';
import { inProject, isMain, runMain } from './project.mjs';
import { runStep } from './step.mjs';
import { addUp, closePart, fails, readLastJson } from './summary.mjs';

const limitMs = 30 * 60_000;

/**
 * Runs a script of the simulator, which prints what it does and ends with a line `{"passed": n, "failed": n}`.
 * @param {{ path: string }} node
 * @param {string} name
 * @param {string[]} args
 */
const runScript = async (node, name, args) => {
  const script = inProject('tests', 'sim', name);
  if (!existsSync(script)) return fails(`tests/sim/${name} does not exist, so nothing was simulated.`);
  const step = await runStep(node.path, [script, ...args], { env: childEnv(node.path), limitMs, show: 'both' });
  return closePart(readLastJson(step.output), { ...step, limitMs, name: 'sim' });
};

/**
 * The simulator and, at the same time on the other processor, the histories of membership.
 * @param {{ path: string }} node
 * @param {string[]} args `--seeds N` for the first N seeds, `--seed N` to repeat one (and nothing else)
 */
export const simulate = async (node, args) => {
  if (args.includes('--seed')) return runScript(node, 'run.ts', args);
  const [seeds, histories] = await Promise.all([
    runScript(node, 'run.ts', args),
    runScript(node, 'histories.ts', ['--histories', '10000']),
  ]);
  // Ten thousand histories are one test: a count of tests that they fill says nothing any more.
  return addUp([seeds, histories.failed === 0 ? { ...histories, passed: Math.min(1, histories.passed) } : histories]);
};

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const counts = await simulate(findNode24(), process.argv.slice(2));
    for (const sentence of counts.failures) console.log(sentence);
    return counts.failed === 0 ? 0 : 1;
  });
}
