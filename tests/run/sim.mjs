import { existsSync } from 'node:fs';
import { childEnv, findNode24 } from './node24.mjs';
import { inProject, isMain, runMain } from './project.mjs';
import { runStep } from './step.mjs';
import { closePart, fails, readLastJson } from './summary.mjs';

const limitMs = 10 * 60_000;

/**
 * Runs the simulator, which prints what it does and ends with a line `{"passed": n, "failed": n}`.
 * @param {{ path: string }} node
 * @param {string[]} args `--seeds N` for the first N seeds, `--seed N` to repeat one
 */
export const simulate = async (node, args) => {
  const script = inProject('tests', 'sim', 'run.ts');
  if (!existsSync(script)) return fails('tests/sim/run.ts does not exist yet, so nothing was simulated.');
  const step = await runStep(node.path, [script, ...args], { env: childEnv(node.path), limitMs, show: 'both' });
  return closePart(readLastJson(step.output), { ...step, limitMs, name: 'sim' });
};

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const counts = await simulate(findNode24(), process.argv.slice(2));
    for (const sentence of counts.failures) console.log(sentence);
    return counts.failed === 0 ? 0 : 1;
  });
}
