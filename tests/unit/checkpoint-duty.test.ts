import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import type { EventLog } from '../../src/lib/log/event-log.ts';
import type { Neighbourhood } from '../../src/lib/log/neighbourhood.ts';
import { createDuties } from '../../src/lib/node/duties.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { makeCheckpointStreet } from './checkpoint-fixture.ts';
import { asIncoming, sayAt } from './forks-fixture.ts';
import { everythingOf, platformCrypto, say, todayLane, type Person } from './street-fixture.ts';

const dueMs = Date.UTC(2026, 6, 1) + limits.checkpointDelayMs;

/** anna, bora (trusted) and chen with the same log of June; each does their duty by the same clock. */
const makeDuty = async () => {
  const street = await makeCheckpointStreet();
  const { anna, bora, chen, clock, founder, community } = street;
  for (const text of ['one', 'two']) unwrap(await say(founder.log, text));
  unwrap(await founder.log.receive(asIncoming([await sayAt(bora, community, 0, 'hello')]), 'bora'));
  const [boras, chens] = [await street.move(bora), await street.move(chen)];
  const start = (owner: Person, here: Neighbourhood) => {
    const device = { ...owner, root: null };
    const random = seededRandom(`duty of ${owner.name}`);
    return createDuties({ crypto: platformCrypto, random, clock, communityClock: clock, device, here });
  };
  for (const [owner, { here }] of [
    [anna, founder],
    [bora, boras],
    [chen, chens],
  ] as const)
    await start(owner, here).start();
  const writtenBy = (owner: Person, log: EventLog) =>
    [...log.all(0)].filter(({ event }) => event.author === owner.device && event.header.kind === 15).length;
  const counts = () => [writtenBy(anna, founder.log), writtenBy(bora, boras.log), writtenBy(chen, chens.log)];
  /** Moves the clock, and lets everything that was begun by it end. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= limits.dutyLookMs) {
      clock.advance(Math.min(left, limits.dutyLookMs));
      await new Promise((resolve) => setImmediate(resolve));
      for (const { log } of [founder, boras, chens]) await log.settled();
    }
  };
  return { ...street, boras, chens, counts, pass };
};

describe('the duty to say what a month came to', () => {
  it('is nobody’s before the month has been over for three days, then anna’s first, then bora’s, never chen’s, and each once', async () => {
    const { clock, counts, pass, founder, boras } = await makeDuty();
    await pass(dueMs - clock.now() - 1);
    expect(counts()).toEqual([0, 0, 0]);
    await pass(limits.dutyLookMs);
    clock.advance(2 * limits.dutyPauseMs);
    await vi.waitFor(() => expect(counts()[0]).toBe(1));
    clock.advance(2 * limits.dutyPauseMs);
    await vi.waitFor(() => expect(counts()).toEqual([1, 1, 0]));
    await pass(2 * limits.checkpointDelayMs);
    expect(counts()).toEqual([1, 1, 0]);
    unwrap(await founder.log.receive(everythingOf(boras.log), 'bora'));
    const [only, ...others] = founder.here.membership().checkpoints;
    expect([only?.lane, only?.isConfirmed, only?.by.length, others]).toEqual([todayLane, true, 2, []]);
    expect(only?.places.map(([, count]) => count).toSorted()).toEqual([1, 2]);
  });

  it('comes again when somebody’s late words change the month, but only days later', async () => {
    const { bora, clock, community, counts, pass, founder } = await makeDuty();
    await pass(dueMs - clock.now() + limits.dutyLookMs);
    for (const seq of [1, 2]) {
      await pass(2 * limits.dutyLookMs);
      const before = counts()[0] ?? 0;
      unwrap(await founder.log.receive(asIncoming([await sayAt(bora, community, seq, `late ${seq}`)]), 'bora'));
      await pass(2 * limits.dutyLookMs);
      expect(counts()[0]).toBe(before);
      await pass(limits.checkpointDelayMs);
    }
    expect(counts()[0]).toBe(3);
  });
});
