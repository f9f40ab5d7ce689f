import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Head } from '../../src/lib/log/lanes.ts';
import { createAsking } from '../../src/lib/replica/asking.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { hashOf, todayLane } from './street-fixture.ts';

const annaWhoHolds = (heads: readonly Head[] = []) => {
  const asked: number[] = [];
  const asking = createAsking({
    log: {
      next: () => 0,
      heads: () => [...heads],
      digestAt: () => null,
      clientOf: () => 1,
      isCollided: () => false,
      proofAt: () => null,
    },
    clock: createVirtualClock(),
    mayLane: () => true,
    send: (lane) => void asked.push(lane),
    onIdle: () => undefined,
  });
  return { asking, asked };
};
const claim = (author: string, lane: number): Head => ({ author, lane, next: 7, digest: hashOf('claimed') });

describe('what a neighbour claims to hold', () => {
  it('is remembered for so many places and no more, however many mallory names', () => {
    const { asking } = annaWhoHolds();
    const names = Array.from({ length: limits.stateVectorEntriesMax + 50 }, (_, at) => `nobody ${at}`);
    asking.onHeads(names.map((name) => claim(name, todayLane)));
    expect(names.filter((name) => asking.knows(name, todayLane) === 7)).toHaveLength(limits.stateVectorEntriesMax);
    expect(asking.asked()?.size).toBe(limits.stateVectorEntriesMax);
  });

  it('sets off no question about lanes that do not exist', () => {
    const { asking, asked } = annaWhoHolds();
    asking.onHeads([2, 15, 10_000, Number.MAX_SAFE_INTEGER].map((lane) => claim('bora', lane)));
    expect(asked).toEqual([]);
    asking.onHeads([claim('bora', todayLane)]);
    expect(asked).toEqual([todayLane]);
  });
});
