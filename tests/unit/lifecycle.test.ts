import { describe, expect, it } from 'vitest';
import { chatSend } from '../../src/lib/contracts/chat.ts';
import { meshPing } from '../../src/lib/contracts/mesh.ts';
import { isFailureCode } from '../../src/lib/kernel/errors.ts';
import { createRun } from '../../src/lib/kernel/lifecycle.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryDisk } from '../../src/lib/stores/memory-store.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { found, knock } from '../bench/sync-nodes.ts';
import { createLeakWatch } from '../support/leak-watch.ts';
import { createTestNode, seededRandom } from '../support/test-neighbours.ts';
import { createDeviceClock, createVirtualClock, settle } from '../support/virtual-clock.ts';

describe('one run', () => {
  const counting = () => {
    const calls: string[] = [];
    const run = createRun({ start: async () => void calls.push('start'), stop: () => void calls.push('stop') });
    return { run, calls };
  };

  it('starts once and stops once, however often it is asked to', async () => {
    const { run, calls } = counting();
    await Promise.all([run.start(), run.start()]);
    await Promise.all([run.stop(), run.stop()]);
    await run.stop();
    expect(calls).toEqual(['start', 'stop']);
  });

  it('waits with the stop for a start that is under way', async () => {
    const calls: string[] = [];
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    const run = createRun({
      start: async () => {
        await gate;
        calls.push('started');
      },
      stop: () => void calls.push('stopped'),
    });
    void run.start();
    const stopped = run.stop();
    await settle();
    expect(calls).toEqual([]);
    go();
    await stopped;
    expect(calls).toEqual(['started', 'stopped']);
  });

  it('never starts after it was stopped, and tidies up after a start that failed', async () => {
    const { run, calls } = counting();
    await run.stop();
    await run.start();
    expect(calls).toEqual(['stop']);
    const broken = createRun({
      start: () => Promise.reject(new Error('no disk')),
      stop: () => void calls.push('tidied'),
    });
    await expect(broken.start()).rejects.toThrow('no disk');
    await broken.stop();
    expect(calls).toEqual(['stop', 'tidied']);
  });
});

const cycles = 200;
const startMs = Date.UTC(2026, 6, 1, 9);

/** Anna's node stays up; bora's comes and goes on the same disk, and everything he opens is counted. */
const street = async () => {
  const clock = createVirtualClock(startMs);
  const network = createMemoryNetwork({ clock, random: seededRandom('lifecycle') });
  const pass = async (ms: number): Promise<void> => {
    const until = clock.now() + ms;
    do await settle();
    while (clock.fireNext(until));
  };
  const verdicts = new Map<string, boolean>();
  const annaClock = createDeviceClock(clock);
  const anna = await createTestNode({ name: 'anna', network, clock: annaClock, verdicts });
  const disk = createMemoryDisk();
  const random = seededRandom('bora');
  const leaks = createLeakWatch();
  const boraClock = createDeviceClock(clock);
  const watched: MemoryNetwork = {
    ...network,
    transport: (name) => leaks.watch('transport', network.transport(name)),
  };
  const startBora = (): Promise<HearthNode> =>
    createTestNode({ name: 'bora', network: watched, clock: leaks.watch('clock', boraClock), random, disk, verdicts });
  return { anna, annaClock, boraClock, network, leaks, pass, startBora };
};

const annaOf = (bora: HearthNode): string => bora.links.all()[0]?.peer.device ?? '';

describe('a node that comes and goes 200 times', () => {
  it(
    'leaves no timer, listener, meeting place, link or call behind, here or at its neighbour',
    { timeout: 240_000 },
    async () => {
      const { anna, annaClock, boraClock, network, pass, startBora } = await street();
      await found(anna, 'Anna');
      const first = await startBora();
      await (
        await knock(anna, first, 'Bora', () => pass(50))
      )();
      await pass(5_000);
      expect(first.links.all()).toHaveLength(1);
      await first.stop();
      await pass(200_000);
      const atAnna = { timers: annaClock.pending(), offers: anna.bus.registry.remoteOffers('bora').length };
      for (let cycle = 0; cycle < cycles; cycle++) {
        const bora = await startBora();
        await pass(3_000);
        expect([cycle, bora.links.all().length]).toEqual([cycle, 1]);
        if (cycle % 20 === 0) {
          const clientId = `${cycle}`.padEnd(22, 'A');
          const message = { to: 'everyone', text: `hello ${cycle}`, clientId } as const;
          expect(await bora.bus.call(chatSend, message)).toMatchObject({ ok: true });
          const ping = bora.bus.call(meshPing, { nonce: cycle }, { device: annaOf(bora) });
          await pass(500);
          expect(await ping).toMatchObject({ ok: true });
        }
        // Every other time he is stopped twice, or while a call of his is under way.
        const underWay = bora.bus.call(meshPing, { nonce: 1 }, { device: annaOf(bora) });
        await Promise.all(cycle % 2 ? [bora.stop(), bora.stop()] : [bora.stop()]);
        await settle();
        const answer = await underWay;
        if (!answer.ok) expect(isFailureCode(answer.error.code)).toBe(true);
        expect([cycle, boraClock.pending(), bora.bus.inFlight(), bora.bus.registry.localOffers().length]).toEqual([
          cycle,
          0,
          0,
          0,
        ]);
        await pass(200);
      }
      await pass(200_000);
      expect({ timers: annaClock.pending(), offers: anna.bus.registry.remoteOffers('bora').length }).toEqual(atAnna);
      expect(network.carrierCount()).toBe(0);
      expect(anna.bus.inFlight()).toBe(0);
      await anna.stop();
      await settle();
      expect(annaClock.pending()).toBe(0);
    },
  );

  it('closes everything it opened on its ports', async () => {
    const { anna, leaks, pass, startBora } = await street();
    await found(anna, 'Anna');
    const bora = await startBora();
    await (
      await knock(anna, bora, 'Bora', () => pass(50))
    )();
    await pass(3_000);
    expect(leaks.open()).not.toEqual([]);
    await bora.stop();
    await settle();
    expect(leaks.open().filter((each) => each !== 'clock.after')).toEqual([]);
    await anna.stop();
  });

  it('node_started_flag: a node that was started is really stopped, one never started can be, and one stopped stays so', async () => {
    const { anna, boraClock, pass, startBora } = await street();
    const bora = await startBora();
    await bora.start();
    expect(bora.bus.registry.localOffers().length).toBeGreaterThan(0);
    await bora.stop();
    expect(bora.bus.registry.localOffers()).toEqual([]);
    expect(await bora.bus.call(meshPing, { nonce: 1 })).toMatchObject({ ok: false, error: { code: 'not_found' } });
    await bora.start();
    await pass(60_000);
    expect(bora.bus.registry.localOffers()).toEqual([]);
    expect(boraClock.pending()).toBe(0);
    await anna.stop();
  });
});
