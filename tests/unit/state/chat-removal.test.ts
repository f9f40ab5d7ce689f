import { describe, expect, it } from 'vitest';
import type { BusClient } from '../../../src/lib/kernel/bus/bus-client.ts';
import { failure } from '../../../src/lib/kernel/errors.ts';
import { err, ok } from '../../../src/lib/kernel/result.ts';
import { createRemovals, undoMs } from '../../../src/lib/state/chat-removal.svelte.ts';
import { createVirtualClock } from '../../contracts/transport-world.ts';

const setUp = (refuses = false, kept = new Map<string, string>()) => {
  const asked: string[] = [];
  const bus = {
    call: async (_capability: unknown, { eventId }: { eventId: string }) => {
      asked.push(eventId);
      return refuses ? err(failure('quota_full', 'quota-full')) : ok({ output: { eventId } });
    },
  } as unknown as BusClient;
  const clock = createVirtualClock(0);
  const store = {
    read: (key: string) => kept.get(key) ?? null,
    write: (key: string, text: string) => void (text === '' ? kept.delete(key) : kept.set(key, text)),
  };
  return { removals: createRemovals(bus, clock, store), clock, asked, kept };
};
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('what anna removes for all', () => {
  it('is written five seconds later and not before', async () => {
    const { removals, clock, asked } = setUp();
    removals.ask('hello');
    expect(removals.of('hello')).toBe('leaving');
    clock.advance(undoMs - 1);
    expect(asked).toEqual([]);
    clock.advance(1);
    expect([asked, removals.of('hello')]).toEqual([['hello'], 'writing']);
    await settled();
    clock.advance(undoMs);
    expect([removals.of('hello'), asked]).toEqual([null, ['hello']]);
  });

  it('stays when she takes it back in time', () => {
    const { removals, clock, asked, kept } = setUp();
    removals.ask('hello');
    removals.ask('hello');
    removals.undo('hello');
    clock.advance(2 * undoMs);
    expect([asked, removals.of('hello'), kept.size]).toEqual([[], null, 0]);
  });

  it('is written at once when she leaves the page', () => {
    const { removals, asked } = setUp();
    removals.ask('hello');
    removals.ask('again');
    removals.flush();
    expect(asked).toEqual(['hello', 'again']);
  });

  it('is still on its way out after a reload that came in between, and can still be taken back', async () => {
    const kept = new Map<string, string>();
    setUp(false, kept).removals.ask('hello');
    const after = setUp(false, kept);
    expect(after.removals.of('hello')).toBe('leaving');
    after.clock.advance(undoMs);
    await settled();
    expect([after.asked, kept.size]).toEqual([['hello'], 0]);
  });

  it('says why it stayed when the node refused', async () => {
    const { removals, clock, kept } = setUp(true);
    removals.ask('hello');
    clock.advance(undoMs);
    await settled();
    expect(removals.of('hello')).toMatchObject({ code: 'quota_full' });
    expect(kept.size).toBe(0);
    removals.ask('hello');
    expect(removals.of('hello')).toBe('leaving');
  });
});
