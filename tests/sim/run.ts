import { parseArgs } from 'node:util';
import { lateParts } from '../../src/lib/node/late-parts.ts';
import { loadStemmer } from '../../src/lib/search/stemmers.ts';
import { forbidRealTime } from './no-real-time.ts';
import { runSeed, type SeedOutcome } from './seed-run.ts';

/**
 * The simulator: `--seeds N` runs N seeds (200 when not given) from `--from` (1) on, `--seed N` runs one and prints what happens to
 * whom. Every 20th seed runs twice, once checking every signature anew, and both runs must have the same trace. The last line is
 * {"passed": n, "failed": n, "virtualMs": n}: one for each seed and one for the determinism of all, and the time that passed in them.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string' },
    seed: { type: 'string' },
    lines: { type: 'boolean' },
  },
});
const only = values.seed === undefined ? null : Number(values.seed);
const seeds =
  only === null
    ? Array.from({ length: Number(values.seeds ?? 200) }, (_, at) => at + Number(values.from ?? 1))
    : [only];
const twiceEvery = 20;

// Every dynamic import of a node: loaded before a run, they resolve like any promise.
await Promise.all([loadStemmer('en'), loadStemmer('de'), ...Object.values(lateParts).map((load) => load())]);

const now = performance.now.bind(performance);
let passed = 0;
let failed = 0;
let differing = 0;
const startedAt = now();
let slowestMs = 0;
let virtualMs = 0;

const once = async (seed: number, withRealVerdicts: boolean, keepLines: boolean): Promise<SeedOutcome> => {
  const allow = forbidRealTime();
  try {
    return await runSeed({ seed, withRealVerdicts, keepLines, say: only !== null ? console.log : () => {} });
  } finally {
    allow();
  }
};

/** Where two runs of one seed part: the last thing they had in common and the first they had not. */
const showDifference = async (seed: number): Promise<void> => {
  const [a, b] = [await once(seed, false, true), await once(seed, true, true)];
  const at = a.lines.findIndex((line, index) => line !== b.lines[index]);
  console.log(
    `seed ${seed} differs at note ${at} of ${a.notes} and ${b.notes}: after "${a.lines[at - 1]}": "${a.lines[at]}" or "${b.lines[at]}"`,
  );
};

for (const seed of seeds) {
  const began = now();
  const outcome = await once(seed, false, values.lines === true);
  for (const line of outcome.lines) console.log(line);
  const tookMs = now() - began;
  slowestMs = Math.max(slowestMs, tookMs);
  const problems = [...outcome.problems];
  virtualMs += outcome.virtualMs;
  if (seed % twiceEvery === 0) {
    const again = await once(seed, true, false);
    problems.push(...again.problems.filter((problem) => !problems.includes(problem)));
    if (again.hash !== outcome.hash) {
      differing += 1;
      await showDifference(seed);
    }
  }
  if (problems.length === 0) passed += 1;
  else {
    failed += 1;
    console.log(`seed ${seed} failed (npm run test:sim -- --seed ${seed}):`);
    for (const problem of problems) console.log(`    ${problem}`);
  }
  if (only !== null || seed % twiceEvery === 0) {
    console.log(
      `seed ${seed}: trace ${outcome.hash}, ${outcome.notes} notes, ${(outcome.virtualMs / 60_000).toFixed(1)} virtual minutes in ${tookMs.toFixed(0)} ms`,
    );
  }
}
if (differing === 0) passed += 1;
else {
  failed += 1;
  console.log(`${differing} seeds did not happen the same way twice.`);
}
console.log(
  `${seeds.length} seeds in ${((now() - startedAt) / 1000).toFixed(1)} s, the slowest in ${(slowestMs / 1000).toFixed(1)} s`,
);
console.log(JSON.stringify({ passed, failed, virtualMs }));
process.exitCode = failed === 0 ? 0 : 1;
