import { expect, it } from 'vitest';
import { noFaults } from '../../src/lib/transports/memory-faults.ts';
import { createMemoryLane } from '../../src/lib/transports/memory-lane.ts';
import { seededRandom } from '../support/test-neighbours.ts';

it('what anna sends over a clock that goes on between two looks at it never waits less than nothing', () => {
  let nowMs = 1_000;
  const waits: number[] = [];
  const runs: (() => void)[] = [];
  const arrived: number[] = [];
  const lane = createMemoryLane({
    clock: {
      now: () => (nowMs += 3),
      after: (delayMs, run) => {
        waits.push(delayMs);
        runs.push(run);
        return () => undefined;
      },
    },
    random: seededRandom('a lane without delay'),
    faults: () => ({ ...noFaults, carrierDelayMs: [0, 0] }),
    isBlocked: () => false,
    deliver: ([first = -1]) => void arrived.push(first),
    drained: () => undefined,
  });
  for (const byte of [1, 2, 3]) lane.send(Uint8Array.of(byte));
  for (const run of runs) run();
  expect(waits).toEqual([0, 0, 0]);
  expect(arrived).toEqual([1, 2, 3]);
});
