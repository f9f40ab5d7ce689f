import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLeaderSeat, type LeaderDeps } from '../../src/lib/node/leader.ts';
import { openWindowsChannel } from '../../src/lib/node/window-port.ts';
import { createHandClock } from '../support/window-world.ts';

/** Real locks and a real channel of the browser; time by hand, so that a beat is missed exactly when the test says so. */
let stops: (() => void)[] = [];
let name = '';
beforeEach(() => {
  name = crypto.randomUUID();
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const sitDown = (tab: string, wish: Partial<LeaderDeps> = {}) => {
  const { clock, advance } = createHandClock();
  const channel = openWindowsChannel(name);
  const seen = { nodes: 0, troubles: [] as (string | null)[], builds: [] as (string | null)[] };
  const seat = createLeaderSeat({
    locks: navigator.locks,
    lockName: name,
    channel,
    clock,
    tab,
    build: `build of ${tab}`,
    isVisible: () => true,
    lead: () => {
      seen.nodes += 1;
      return () => void (seen.nodes -= 1);
    },
    trouble: () => null,
    onRole: () => {},
    onTrouble: (trouble) => seen.troubles.push(trouble),
    onBuildHeard: (_tab, build) => seen.builds.push(build),
    ...wish,
  });
  stops.push(() => {
    seat.stop();
    channel.close();
  });
  seat.start();
  return { seat, seen, turns: (count: number) => advance(count * 1000) };
};
const role = (tab: ReturnType<typeof sitDown>, expected: string) =>
  vi.waitFor(() => expect(tab.seat.role()).toBe(expected));

describe('the leader’s seat', () => {
  it('is anna’s who came first; bora follows and takes it when anna leaves, chen when bora leaves', async () => {
    const anna = sitDown('anna');
    await role(anna, 'leading');
    const bora = sitDown('bora');
    await role(bora, 'following');
    const chen = sitDown('chen');
    await role(chen, 'following');
    expect([anna.seen.nodes, bora.seen.nodes, chen.seen.nodes]).toEqual([1, 0, 0]);
    anna.seat.stop();
    await role(bora, 'leading');
    expect([anna.seen.nodes, bora.seen.nodes, chen.seen.nodes]).toEqual([0, 1, 0]);
    bora.seat.stop();
    await role(chen, 'leading');
  });

  it('is stolen by a visible follower from a leader that misses its beats, and the old one ends its node and follows', async () => {
    const anna = sitDown('anna');
    await role(anna, 'leading');
    const bora = sitDown('bora');
    await role(bora, 'following');
    await bora.turns(3);
    expect(bora.seat.role()).toBe('following');
    await bora.turns(1);
    await role(bora, 'leading');
    await role(anna, 'following');
    expect([anna.seen.nodes, bora.seen.nodes]).toEqual([0, 1]);
    // The seat can go back and forth: anna is in the queue again.
    bora.seat.stop();
    await role(anna, 'leading');
    expect(anna.seen.nodes).toBe(1);
  });

  it('is not stolen by a hidden follower, nor from a leader that beats', async () => {
    const anna = sitDown('anna');
    await role(anna, 'leading');
    const bora = sitDown('bora', { isVisible: () => false });
    const chen = sitDown('chen');
    await role(bora, 'following');
    await role(chen, 'following');
    for (let turn = 0; turn < 12; turn++) {
      const heard = chen.seen.builds.length;
      await anna.turns(1);
      await vi.waitFor(() => expect(chen.seen.builds.length).toBeGreaterThan(heard));
      await Promise.all([bora.turns(5), chen.turns(1)]);
    }
    expect([anna, bora, chen].map(({ seat }) => seat.role())).toEqual(['leading', 'following', 'following']);
  });

  it('is not stolen while the node’s worker beats, though the leader’s page is too slow to', async () => {
    const anna = sitDown('anna');
    await role(anna, 'leading');
    const bora = sitDown('bora');
    await role(bora, 'following');
    const worker = openWindowsChannel(name);
    const echo = openWindowsChannel(name);
    let echoed = 0;
    stops.push(
      echo.listen(() => (echoed += 1)),
      worker.close,
      echo.close,
    );
    for (let turn = 0; turn < 8; turn++) {
      const before = echoed;
      worker.post({ type: 'beat', node: 'node-1', term: 1, build: 'b' });
      await vi.waitFor(() => expect(echoed).toBeGreaterThan(before));
      await bora.turns(2);
    }
    expect([anna.seat.role(), bora.seat.role()]).toEqual(['leading', 'following']);
  });

  it('ends with one leader when two followers steal at the same moment', async () => {
    const anna = sitDown('anna');
    await role(anna, 'leading');
    const [bora, chen] = [sitDown('bora'), sitDown('chen')];
    await role(bora, 'following');
    await role(chen, 'following');
    await Promise.all([bora.turns(4), chen.turns(4)]);
    await vi.waitFor(() => {
      const tabs = [anna, bora, chen];
      expect(tabs.filter(({ seat }) => seat.role() === 'leading')).toHaveLength(1);
      expect(tabs.map(({ seen }) => seen.nodes).toSorted()).toEqual([0, 0, 1]);
      expect(anna.seat.role()).toBe('following');
    });
  });

  it('is given to the next when the leader’s node was fenced, and the old leader waits in the queue', async () => {
    const anna = sitDown('anna');
    await role(anna, 'leading');
    const bora = sitDown('bora');
    await role(bora, 'following');
    anna.seat.stepDown();
    await role(bora, 'leading');
    await role(anna, 'following');
    expect(anna.seen.nodes).toBe(0);
  });

  it('tells followers the leader’s build and why its node does not run', async () => {
    const anna = sitDown('anna', { trouble: () => 'the disk is full' });
    await role(anna, 'leading');
    const bora = sitDown('bora');
    await role(bora, 'following');
    await anna.turns(1);
    await vi.waitFor(() =>
      expect(bora.seen).toMatchObject({ builds: ['build of anna'], troubles: ['the disk is full'] }),
    );
  });

  it('says so when the browser gives no lock at all', async () => {
    const refusing = {
      request: () => Promise.reject(new DOMException('no locks here', 'SecurityError')),
    } as unknown as LeaderDeps['locks'];
    const anna = sitDown('anna', { locks: refusing });
    await vi.waitFor(() => expect(anna.seen.troubles).toEqual(['lock: no locks here']));
    expect(anna.seat.role()).toBe('starting');
  });
});
