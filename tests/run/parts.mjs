import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from './check.mjs';
import { noChromium } from './chromium.mjs';
import { lint } from './lint.mjs';
import { childEnv, toolScript } from './node24.mjs';
import { Unready } from './project.mjs';
import { simulate } from './sim.mjs';
import { checkSizes } from './sizes.mjs';
import { runStep } from './step.mjs';
import { addUp, closePart, fails, readPlaywright, readVitest } from './summary.mjs';

/**
 * @typedef {import('./summary.mjs').Counts} Counts
 * @typedef {{ node: { path: string }, chromium: string | null, folder: string, quick: boolean }} Ground what parts stand on
 * @typedef {{ name: string, inQuick: boolean, run: (ground: Ground) => Promise<Counts> }} Part
 */

const minute = 60_000;

/** The parts of `npm test`, in the order they run. @type {Part[]} */
export const parts = [
  { name: 'lint', inQuick: true, run: ({ node }) => lint(node) },
  { name: 'check', inQuick: true, run: ({ node }) => check(node) },
  { name: 'unit', inQuick: true, run: (ground) => runVitest('unit', ground, 6 * minute) },
  { name: 'attack', inQuick: true, run: (ground) => runVitest('attack', ground, 6 * minute) },
  {
    name: 'browser',
    inQuick: false,
    run: (ground) => needsChromium(ground, () => runVitest('browser', ground, 6 * minute)),
  },
  { name: 'sim', inQuick: true, run: ({ node, quick }) => simulate(node, ['--seeds', quick ? '10' : '200']) },
  { name: 'sizes', inQuick: true, run: async () => weigh() },
  { name: 'e2e', inQuick: false, run: (ground) => needsChromium(ground, () => runPlaywright(ground, 15 * minute)) },
];

/**
 * A missing browser is a failure and not a skip: without it nobody has seen a page work.
 * @param {Ground} ground
 * @param {() => Promise<Counts>} run
 */
const needsChromium = async ({ chromium }, run) => (chromium === null ? fails(noChromium) : run());

/**
 * @param {string} project of vite.config.ts
 * @param {Ground} ground
 * @param {number} limitMs
 */
const runVitest = async (project, { node, chromium, folder }, limitMs) => {
  const report = join(folder, `${project}.json`);
  const env = childEnv(node.path, { HEARTHNET_VITEST_REPORT: report, CHROMIUM_PATH: chromium ?? undefined });
  const reporters = ['--reporter=default', '--reporter=./tests/run/vitest-report.mjs'];
  const step = await runStep(node.path, [toolScript('vitest'), 'run', '--project', project, ...reporters], {
    env,
    limitMs,
  });
  return closePart(existsSync(report) ? readVitest(readFileSync(report, 'utf8')) : null, {
    ...step,
    limitMs,
    name: project,
  });
};

/**
 * @param {Ground} ground
 * @param {number} limitMs
 */
const runPlaywright = async ({ node, chromium, folder }, limitMs) => {
  const report = join(folder, 'e2e.json');
  const env = childEnv(node.path, { HEARTHNET_E2E_REPORT: report, CHROMIUM_PATH: chromium ?? undefined });
  const args = [toolScript('@playwright/test', 'playwright'), 'test', '--config', 'tests/playwright.config.ts'];
  const step = await runStep(node.path, args, { env, limitMs });
  return closePart(existsSync(report) ? readPlaywright(readFileSync(report, 'utf8')) : null, {
    ...step,
    limitMs,
    name: 'e2e',
  });
};

const weigh = () => {
  try {
    return addUp(checkSizes());
  } catch (failure) {
    if (failure instanceof Unready) return fails(failure.message);
    throw failure;
  }
};
