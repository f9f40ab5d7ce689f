import { childEnv } from './node24.mjs';
import { runSome, runStep } from './step.mjs';
import { addUp, fails, passes } from './summary.mjs';

/** @typedef {{ name: string, script: string, args: string[] }} Tool a script for Node, found by `toolScript` or in this folder */

const limitMs = 5 * 60_000;

/**
 * Runs every tool, two at a time and each to its end, prints what each had to say as one piece, and counts one test a tool.
 * @param {string} node
 * @param {Tool[]} tools
 */
export const runTools = async (node, tools) => {
  const counts = await runSome(tools, 2, async ({ name, script, args }) => {
    const step = await runStep(node, [script, ...args], { env: childEnv(node), limitMs, show: 'keep' });
    const good = step.code === 0 && !step.timedOut;
    if (!good && step.output.trim() !== '') process.stdout.write(`${step.output.trimEnd()}\n`);
    const end = good ? 'passed' : step.timedOut ? 'was ended after 5 minutes' : `failed (code ${step.code})`;
    console.log(`  ${name}: ${end}, ${(step.ms / 1000).toFixed(1)} s`);
    return good ? passes(1) : fails(`${name} ${end}.`);
  });
  return addUp(counts);
};
