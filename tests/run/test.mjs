import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensureChromium } from './chromium.mjs';
import { findNode24 } from './node24.mjs';
import { parts } from './parts.mjs';
import { runMain, Unready } from './project.mjs';
import { ensureRedis } from './redis.mjs';
import { setUp } from './setup.mjs';
import { addUp, fails, skips, summaryLine } from './summary.mjs';

/**
 * `npm test`: everything, on a machine that may have nothing yet. `--quick` leaves out what needs a browser;
 * `--only lint,unit` runs the named parts. What was left out is printed and counted as skipped.
 */
const test = async () => {
  const args = process.argv.slice(2);
  const quick = args.includes('--quick');
  const only = args.includes('--only') ? (args[args.indexOf('--only') + 1] ?? '').split(',') : null;
  const folder = mkdtempSync(join(tmpdir(), 'hearthnet-test-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const startedAt = performance.now();
  const total = addUp(await runParts({ quick, only, folder }));
  console.log(`\nAll in ${seconds(startedAt)}.`);
  for (const { name, reason } of total.skipped) console.log(`skipped: ${name}: ${reason}`);
  for (const sentence of total.failures) console.log(`failed: ${sentence}`);
  console.log(summaryLine(total));
  return total.failed === 0 ? 0 : 1;
};

/** @param {{ quick: boolean, only: string[] | null, folder: string }} choice */
const runParts = async ({ quick, only, folder }) => {
  const unknown = only?.find((name) => !parts.some((part) => part.name === name));
  if (unknown !== undefined)
    return [fails(`There is no part "${unknown}"; there are ${parts.map(({ name }) => name).join(', ')}.`)];
  const chosen = parts.filter(({ name, inQuick }) => (only === null ? inQuick || !quick : only.includes(name)));
  const needsBrowser = chosen.some(({ inQuick }) => !inQuick);
  const ground = await prepare(needsBrowser);
  if (ground instanceof Unready) return [fails(ground.message)];
  /** @type {import('./summary.mjs').Counts[]} */
  const results = [];
  for (const part of parts) {
    if (!chosen.includes(part)) {
      results.push(skips(part.name, `left out by ${quick ? '--quick' : '--only'}; npm test runs it`));
      continue;
    }
    console.log(`\n== ${part.name}`);
    const startedAt = performance.now();
    const counts = await part.run({ ...ground, folder, quick });
    console.log(`== ${part.name}: ${summaryLine(counts)}, in ${seconds(startedAt)}`);
    results.push({ ...counts, failures: counts.failures.map((sentence) => `${part.name}: ${sentence}`) });
  }
  return results;
};

/**
 * Set-up, browser and build: without them the other results would mean nothing.
 * @param {boolean} needsBrowser
 */
const prepare = async (needsBrowser) => {
  try {
    await setUp();
    const node = findNode24();
    console.log(`Node ${node.version} runs everything else.`);
    // Without it the tests of several servers are skipped, and this says why.
    await ensureRedis();
    const chromium = needsBrowser ? await ensureChromium() : null;
    const startedAt = performance.now();
    const { id, built } = await build(node);
    console.log(built ? `Built ${id} in ${seconds(startedAt)}.` : `The build ${id} is up to date.`);
    return { node, chromium: chromium?.path ?? null };
  } catch (failure) {
    if (failure instanceof Unready) return failure;
    throw failure;
  }
};

/** @param {number} startedAt */
const seconds = (startedAt) => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;

await runMain(test);
