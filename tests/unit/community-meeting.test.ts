import { describe, expect, it } from 'vitest';
import { hlcEpochMs } from '../../src/lib/kernel/hlc.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { createCommunityMeeting } from '../../src/lib/mesh/community-meeting.ts';
import { createNodeCrypto } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

const hourMs = 3600_000;
const weekMs = 7 * 24 * hourMs;
const keyOf = (byte: number): Bytes => new Uint8Array(32).fill(byte);
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Anna's node at the places of her neighbourhood, so long after a week has begun. */
const goMeeting = async (keys: Bytes[], sinceWeekMs: number, clock = createVirtualClock(hlcEpochMs + sinceWeekMs)) => {
  const tags = new Set<string>();
  const meeting = createCommunityMeeting({
    crypto: createNodeCrypto(seededRandom('anna')),
    clock,
    neighbours: {
      meetCommunity: ({ tag }) => {
        tags.add(tag);
        return () => void tags.delete(tag);
      },
    },
    keys: () => [...keys],
  });
  meeting.start();
  await turn();
  return { meeting, clock, tags: () => [...tags].toSorted() };
};
const passTo = async (clock: VirtualClock, ms: number): Promise<void> => {
  while (clock.fireNext(ms)) await turn();
};

describe('the meeting places of a neighbourhood', () => {
  it('have another tag each week, and nobody stays at the old one', async () => {
    const anna = await goMeeting([keyOf(1)], weekMs / 2);
    const before = anna.tags();
    await passTo(anna.clock, hlcEpochMs + weekMs + weekMs / 2);
    const after = anna.tags();
    expect([before.length, after.length]).toEqual([1, 1]);
    expect(after).not.toEqual(before);
  });

  it('are those of both weeks in the twelve hours around the turn, so that a slow clock still meets', async () => {
    const bora = await goMeeting([keyOf(1)], weekMs / 2);
    const next = await goMeeting([keyOf(1)], weekMs + weekMs / 2);
    const both = [...bora.tags(), ...next.tags()].toSorted();
    expect((await goMeeting([keyOf(1)], weekMs - 11 * hourMs)).tags()).toEqual(both);
    expect((await goMeeting([keyOf(1)], weekMs + 11 * hourMs)).tags()).toEqual(both);
    expect((await goMeeting([keyOf(1)], weekMs - 13 * hourMs)).tags()).toEqual(bora.tags());
  });

  it('follow the keys: one for each that can be opened, and none after the end', async () => {
    const keys = [keyOf(1)];
    const chen = await goMeeting(keys, weekMs / 2);
    const [first] = chen.tags();
    keys.unshift(keyOf(2));
    chen.meeting.refresh();
    await turn();
    expect([chen.tags().length, chen.tags().includes(first ?? '')]).toEqual([2, true]);
    keys.pop();
    chen.meeting.refresh();
    await turn();
    expect([chen.tags().length, chen.tags().includes(first ?? '')]).toEqual([1, false]);
    chen.meeting.stop();
    await turn();
    expect(chen.tags()).toEqual([]);
  });
});
