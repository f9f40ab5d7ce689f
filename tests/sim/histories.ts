import { parseArgs } from 'node:util';
import { brokenRules, shownOf } from '../support/history-rules.ts';
import { randomHistory } from '../support/random-history.ts';

/**
 * Random histories of who lets whom in, trusts, removes and leaves, with random knowledge of each other: `--histories N` of them
 * (10,000 when not given) from `--seed S` on. Each must come to what the slow reference says, in every order of arrival. The
 * last line is {"passed": n, "failed": n}.
 */
const { values } = parseArgs({ options: { histories: { type: 'string' }, seed: { type: 'string' } } });
const count = Number(values.histories ?? 10_000);
const firstSeed = Number(values.seed ?? 1);
const shownMax = 5;

/** How often each outcome was met: a check that met nothing proves nothing. */
const seen = new Map<string, number>();

const playSeed = async (seed: number): Promise<string[]> => {
  const { history, shuffled } = await randomHistory(seed);
  for (const reason of shownOf(history).reasons)
    seen.set(reason ?? 'effective', (seen.get(reason ?? 'effective') ?? 0) + 1);
  return brokenRules(history, [shuffled]);
};

const startedAt = performance.now();
let passed = 0;
let failed = 0;
for (let seed = firstSeed; seed < firstSeed + count; seed++) {
  const broken = await playSeed(seed);
  if (broken.length === 0) passed += 1;
  else {
    failed += 1;
    if (failed <= shownMax) console.log(`history ${seed} failed (--histories 1 --seed ${seed}): ${broken.join('; ')}`);
  }
}
const outcomes = [...seen].toSorted(([, a], [, b]) => b - a).map(([reason, times]) => `${reason} ${times}`);
console.log(`outcomes: ${outcomes.join(', ')}`);
console.log(`${count} histories in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
console.log(JSON.stringify({ passed, failed }));
process.exitCode = failed === 0 ? 0 : 1;
