import { seededRandom } from '../support/test-neighbours.ts';
import { createAdversary } from './adversary.ts';
import type { SimDevice } from './device.ts';
import { checkEverything, checkSignatures } from './final-checks.ts';
import { gather, live } from './play.ts';
import { planOf } from './plan.ts';
import { createSimCrypto } from './sim-crypto.ts';
import { meetWithStolenKey, standAtTheDoor, type Stranger } from './strangers.ts';
import { createUpheavals } from './upheavals.ts';
import { createWorld, type World } from './world.ts';

export type SeedOptions = {
  readonly seed: number;
  /** Every signature is really checked each time it is met, and every stored event once more at the end. */
  readonly withRealVerdicts: boolean;
  readonly keepLines: boolean;
  readonly say: (line: string) => void;
};

export type SeedOutcome = {
  readonly problems: readonly string[];
  readonly hash: string;
  readonly notes: number;
  readonly lines: readonly string[];
  readonly virtualMs: number;
};

const problemsShownMax = 12;

/** One seed from the founding to the last timer. Everything that is wrong comes back as sentences; nothing throws. */
export const runSeed = async ({ seed, withRealVerdicts, keepLines, say }: SeedOptions): Promise<SeedOutcome> => {
  const plan = planOf(seed);
  const verdicts = withRealVerdicts ? null : new Map<string, boolean>();
  const world = createWorld({ seed, startMs: plan.startMs, verdicts, keepLines, say });
  const onRejection = (reason: unknown): void =>
    void world.problems.push(`a promise was rejected and nobody listened: ${describe(reason)}`);
  process.on('unhandledRejection', onRejection);
  say(
    `seed ${seed}: ${plan.people} people, ${plan.periodMs / 60_000} minutes${plan.hasAdversary ? ', an adversary' : ''}${plan.hasStrangers ? ', strangers' : ''}`,
  );
  try {
    await playSeed(world, plan, withRealVerdicts);
  } catch (error) {
    world.problems.push(describe(error));
  }
  process.off('unhandledRejection', onRejection);
  return {
    problems: [...new Set(world.problems)].slice(0, problemsShownMax),
    hash: world.trace.hash(),
    notes: world.trace.count(),
    lines: world.trace.lines,
    virtualMs: world.clock.now() - plan.startMs,
  };
};

const playSeed = async (world: World, plan: ReturnType<typeof planOf>, withRealVerdicts: boolean): Promise<void> => {
  const adversary = createAdversary(world);
  const members = await gather(world, plan, adversary.wrapCarrier);
  adversary.begin();
  const [host, victim] = members;
  const strangers: Stranger[] = [];
  if (plan.hasStrangers && host && victim) {
    strangers.push(await world.drive(standAtTheDoor(world, host), 60_000));
    strangers.push(await world.drive(meetWithStolenKey(world, victim), 60_000));
  }
  const upheavals = createUpheavals(world, members, adversary.equivocate);
  const said = await live(world, plan, members, upheavals);
  const crypto = createSimCrypto(seededRandom('checks'), null);
  world.problems.push(...(await checkEverything(world, { members, said, upheavals })));
  if (withRealVerdicts) world.problems.push(...(await checkSignatures(members, crypto)));
  if (plan.hasAdversary) world.say(`mallory attacked ${adversary.count()} times`);
  for (const stranger of strangers) world.problems.push(...(await stranger.stop()));
  await stopAll(world, world.devices);
};

/** Nothing may be left behind: no timer of any node, no carrier. */
const stopAll = async (world: World, devices: readonly SimDevice[]): Promise<void> => {
  for (const device of devices) await world.drive(device.stop(), 10_000);
  await world.drive(world.pause(60_000), 61_000);
  for (const device of devices)
    if (device.clock().pending() > 0)
      world.problems.push(`${device.name} left ${device.clock().pending()} timers behind`);
  if (world.clock.pending() > 0) world.problems.push(`${world.clock.pending()} timers were left behind`);
  for (const device of devices)
    if (device.openCarriers() > 0) world.problems.push(`${device.name} left ${device.openCarriers()} carriers open`);
};

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' | ') : String(error);
