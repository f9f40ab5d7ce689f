import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runMutants } from '../run/mutants.mjs';
import { childEnv, findNode24, toolScript } from '../run/node24.mjs';
import { inProject, stateDir } from '../run/project.mjs';
import { runStep } from '../run/step.mjs';
import { note, rounded, type BenchResult } from './samples.ts';

/** How far a run has come. Kept beside the build's state, so that a run that was stopped goes on where it was. */
type Progress = {
  readonly commit: string;
  seeds: number;
  histories: number;
  virtualMs: number;
  breaks: number;
  fuzzInputs: number;
  fuzzTaken: number;
  fuzzWrong: number;
  crashes: number;
  fuzzTurns: number;
  mutantsCaught: number;
  mutantsTotal: number;
};

const progressFile = join(stateDir, 'reliability.json');
const seedsAChunk = 100;
const historiesAChunk = 20_000;

/**
 * Everything that is said of the log, at the length that `npm test` has no time for: simulated seeds, membership histories, fuzzed
 * inputs, and every listed check taken out once. `--seeds 2000 --histories 100000 --inputs 1000000 --minutes 55 --no-mutants`. What was
 * done for this commit is kept: the same command goes on until all of it is.
 */
export const run = async (args: readonly string[]): Promise<BenchResult> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '2000' },
      histories: { type: 'string', default: '100000' },
      inputs: { type: 'string', default: '1000000' },
      minutes: { type: 'string', default: '55' },
      'no-mutants': { type: 'boolean', default: false },
    },
  });
  const until = performance.now() + Number(values.minutes) * 60_000;
  const isTimeUp = (): boolean => performance.now() > until;
  const progress = readProgress();
  if (progress.seeds + progress.histories + progress.fuzzInputs > 0)
    note(`going on: ${progress.seeds} seeds, ${progress.histories} histories, ${progress.fuzzInputs} inputs are done`);
  while (progress.seeds < Number(values.seeds) && !isTimeUp()) await simulate(progress, Number(values.seeds));
  while (progress.histories < Number(values.histories) && !isTimeUp())
    await foldHistories(progress, Number(values.histories));
  while (progress.fuzzInputs < Number(values.inputs) && !isTimeUp()) await fuzz(progress);
  if (progress.mutantsTotal === 0 && !values['no-mutants'] && !isTimeUp()) await mutate(progress);
  return {
    figures: {
      simHours: rounded(progress.virtualMs / 3_600_000),
      seeds: progress.seeds,
      histories: progress.histories,
      invariantBreaks: progress.breaks,
      fuzzInputs: progress.fuzzInputs,
      fuzzWronglyAccepted: progress.fuzzWrong,
      crashes: progress.crashes,
      mutantsCaught: progress.mutantsCaught,
      mutantsTotal: progress.mutantsTotal,
      isComplete:
        progress.seeds >= Number(values.seeds) &&
        progress.histories >= Number(values.histories) &&
        progress.fuzzInputs >= Number(values.inputs),
    },
    peers: {},
  };
};

const commitNow = (): string =>
  execFileSync('git', ['rev-parse', 'HEAD'], { cwd: inProject('.'), encoding: 'utf8' }).trim();

const readProgress = (): Progress => {
  const commit = commitNow();
  const stored: unknown = existsSync(progressFile) ? JSON.parse(readFileSync(progressFile, 'utf8')) : null;
  if (isProgress(stored) && stored.commit === commit) return stored;
  return {
    commit,
    seeds: 0,
    histories: 0,
    virtualMs: 0,
    breaks: 0,
    fuzzInputs: 0,
    fuzzTaken: 0,
    fuzzWrong: 0,
    crashes: 0,
    fuzzTurns: 0,
    mutantsCaught: 0,
    mutantsTotal: 0,
  };
};

const isProgress = (value: unknown): value is Progress =>
  typeof value === 'object' && value !== null && 'commit' in value && 'seeds' in value && 'fuzzTurns' in value;

const save = (progress: Progress): void => {
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(progressFile, JSON.stringify(progress));
};

/** Runs a script of the simulator and reads its last line. */
const runScript = async (script: string, args: readonly string[]): Promise<Record<string, number>> => {
  const node = findNode24().path;
  const step = await runStep(node, [inProject('tests', 'sim', script), ...args], {
    env: childEnv(node),
    limitMs: 30 * 60_000,
    show: 'keep',
  });
  const lastLine = step.output.trim().split('\n').at(-1) ?? '';
  if (!lastLine.startsWith('{')) throw new Error(`${script} ended without its last line: ${step.output.slice(-500)}`);
  const counts = JSON.parse(lastLine) as Record<string, number>;
  if ((counts.failed ?? 0) > 0) note(step.output.slice(-4_000));
  return counts;
};

const simulate = async (progress: Progress, wanted: number): Promise<void> => {
  const count = Math.min(seedsAChunk, wanted - progress.seeds);
  const from = progress.seeds + 1;
  const counts = await runScript('run.ts', ['--seeds', String(count), '--from', String(from)]);
  progress.seeds += count;
  progress.breaks += counts.failed ?? 1;
  progress.virtualMs += counts.virtualMs ?? 0;
  save(progress);
  note(`seeds ${from} to ${progress.seeds}: ${progress.breaks} breaks so far`);
};

const foldHistories = async (progress: Progress, wanted: number): Promise<void> => {
  const count = Math.min(historiesAChunk, wanted - progress.histories);
  const seed = 1 + progress.histories; // each history has a seed of its own, counted on from here
  const counts = await runScript('histories.ts', ['--histories', String(count), '--seed', String(seed)]);
  progress.histories += count;
  progress.breaks += counts.failed ?? 1;
  save(progress);
  note(`${progress.histories} histories: ${progress.breaks} breaks so far`);
};

/** Every fuzzer of the attack suite, with more inputs and other seeds than `npm test` gives it. */
const fuzz = async (progress: Progress): Promise<void> => {
  const node = findNode24().path;
  const folder = mkdtempSync(join(tmpdir(), 'hearthnet-fuzz-'));
  const tallyFile = join(folder, 'tally');
  const times = 2 + progress.fuzzTurns;
  const step = await runStep(
    node,
    [toolScript('vitest'), 'run', '--project', 'attack', '--testTimeout', '1200000', '-t', 'inputs'],
    {
      env: childEnv(node, { HEARTHNET_FUZZ_TIMES: String(times), HEARTHNET_FUZZ_TALLY: tallyFile }),
      limitMs: 40 * 60_000,
      show: 'keep',
    },
  );
  if (step.code !== 0) note(step.output.slice(-4_000));
  const lines = existsSync(tallyFile) ? readFileSync(tallyFile, 'utf8').trim().split('\n') : [];
  rmSync(folder, { recursive: true, force: true });
  if (lines.length === 0) throw new Error('no fuzzer ran');
  for (const line of lines) {
    const { inputs, taken, wrong, threw } = JSON.parse(line) as Record<string, number>;
    progress.fuzzInputs += inputs ?? 0;
    progress.fuzzTaken += taken ?? 0;
    progress.fuzzWrong += wrong ?? 0;
    progress.crashes += threw ?? 0;
  }
  progress.fuzzTurns += 1;
  save(progress);
  note(`${progress.fuzzInputs} inputs: ${progress.fuzzWrong} wrongly accepted, ${progress.crashes} crashes`);
};

const mutate = async (progress: Progress): Promise<void> => {
  const list = inProject('tests', 'run', 'mutants.json');
  const { caught, total } = await runMutants(JSON.parse(readFileSync(list, 'utf8')));
  progress.mutantsCaught = caught;
  progress.mutantsTotal = total;
  save(progress);
};
