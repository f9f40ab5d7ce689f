import { describe, expect, it } from 'vitest';
import { meshCheck, type MeshCheck } from '../../src/lib/contracts/mesh.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { createCheckService, type CheckDeps } from '../../src/lib/services/mesh/check.ts';
import { meshPing } from '../../src/lib/contracts/mesh.ts';
import { createTestBus } from './bus-fixture.ts';

type Server = { readonly url: string; readonly state: 'off' | 'connecting' | 'open' | 'lost'; readonly since: number };
const open: Server = { url: 'wss://a', state: 'open', since: 0 };

/** Anna's device where all is well; `over` breaks something. Bora is linked and answers. */
const street = (over: Partial<CheckDeps> = {}, servers: readonly Server[] = [open]) => {
  const test = createTestBus({ bora: 'member' });
  test.neighbour('bora', meshPing as never, ((input: { nonce: number }) => ok({ nonce: input.nonce })) as never);
  let probes = 0;
  const deps: CheckDeps = {
    bus: test.bus,
    clock: test.clock,
    transport: {
      state: () => ({ signalling: servers[0] ?? open, servers, candidates: 'some', isAvailable: true }),
      probe: () => void (probes += 1),
      trials: { gather: async () => 'some', meet: async () => 12 },
    },
    isOnline: () => true,
    hidesAddress: () => false,
    clockOffsetMs: () => 0,
    isMember: () => true,
    linked: () => ['bora'],
    near: () => [],
    ...over,
  };
  void createCheckService(deps).start();
  const run = async (signal?: AbortSignal): Promise<readonly MeshCheck[]> => {
    const seen: MeshCheck[] = [];
    const reading = (async () => {
      for await (const check of test.bus.stream(meshCheck, {}, signal ? { signal } : {})) seen.push(check);
    })();
    const end = { isOver: false };
    void reading.finally(() => (end.isOver = true));
    for (let i = 0; i < 400 && !end.isOver; i += 1) await test.clock.advance(100);
    await reading;
    return seen;
  };
  return { ...test, run, probes: () => probes, deps };
};
const words = (check: MeshCheck | undefined): string[] =>
  check?.steps.map(({ name, state, reason }) => [name, state, reason].filter(Boolean).join(' ')) ?? [];

describe('the self-check of the connection', () => {
  it('goes through its six steps in order and ends well when bora answers', async () => {
    const seen = await street().run();
    expect(seen.map(({ steps }) => steps.find(({ state }) => state === 'running')?.name ?? 'over')).toEqual([
      ...['network', 'address', 'server', 'meeting', 'neighbour', 'link'],
      'over',
    ]);
    expect(seen.at(-1)).toMatchObject({ outcome: 'linked', broken: '' });
    expect(seen.at(-1)?.steps.map(({ state }) => state)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok']);
  });

  it('names the network when there is none, and tries on: bora may be linked all the same', async () => {
    const check = (await street({ isOnline: () => false }).run()).at(-1);
    expect(check).toMatchObject({ outcome: 'linked', broken: 'network' });
    expect(words(check)[0]).toBe('network failed offline');
  });

  it('names the address, once asked for anew, and not what was true earlier', async () => {
    const gathering = (found: 'none' | 'unknown', isAvailable = true) => {
      const anna = street();
      const { transport } = anna.deps;
      const state = () => ({ ...transport.state(), isAvailable });
      return street({ transport: { ...transport, state, trials: { gather: async () => found, meet: async () => 1 } } });
    };
    expect((await gathering('none').run()).at(-1)?.steps[1]).toMatchObject({ state: 'failed', reason: 'no-address' });
    expect((await gathering('unknown').run()).at(-1)?.steps[1]).toMatchObject({ reason: 'address-unknown' });
    expect((await gathering('none', false).run()).at(-1)?.steps[1]).toMatchObject({ reason: 'no-webrtc' });
    const hidden = (await street({ hidesAddress: () => true }).run()).at(-1);
    expect(hidden?.steps[1]).toMatchObject({ state: 'skipped', reason: 'address-hidden' });
    expect(hidden).toMatchObject({ outcome: 'linked', broken: '' });
  });

  it('names the server that does not answer, waits for it first, and does not search for neighbours without it', async () => {
    const anna = street({ linked: () => [], near: () => [] }, [{ ...open, state: 'lost' }]);
    const check = (await anna.run()).at(-1);
    expect(words(check).slice(2)).toEqual([
      'server failed server-silent',
      'meeting skipped step-before',
      'neighbour skipped step-before',
      'link skipped step-before',
    ]);
    expect(check).toMatchObject({ outcome: 'broken', broken: 'server' });
    expect(anna.probes()).toBe(1);
    expect(check?.steps[2]?.ms).toBeGreaterThanOrEqual(6_000);
    const none = (await street({ linked: () => [] }, []).run()).at(-1);
    expect(none?.steps[2]).toMatchObject({ state: 'failed', reason: 'server-none' });
  });

  it('without a server still ends well over a link that stands, and keeps telling of the server', async () => {
    const check = (await street({}, [{ ...open, state: 'lost' }]).run()).at(-1);
    expect(check).toMatchObject({ outcome: 'linked', broken: 'server' });
    expect(words(check).slice(4)).toEqual(['neighbour ok', 'link ok']);
  });

  it('names the meeting that nobody answers, and a clock that is off', async () => {
    const anna = street();
    const trials = { gather: async () => 'some' as const, meet: async () => null };
    const silent = (await street({ transport: { ...anna.deps.transport, trials } }).run()).at(-1);
    expect(silent?.steps[3]).toMatchObject({ state: 'failed', reason: 'meeting-silent' });
    const off = (await street({ clockOffsetMs: () => -600_000 }).run()).at(-1);
    expect(off?.steps[3]).toMatchObject({ state: 'failed', reason: 'clock-off', detail: '-600 s' });
  });

  it('tells being in no neighbourhood from finding nobody, and finding somebody from being linked', async () => {
    expect((await street({ isMember: () => false, linked: () => [] }).run()).at(-1)?.steps[4]).toMatchObject({
      state: 'failed',
      reason: 'no-neighbourhood',
    });
    const alone = (await street({ linked: () => [] }).run()).at(-1);
    expect(words(alone).slice(4)).toEqual(['neighbour failed nobody', 'link skipped step-before']);
    const heard = (await street({ linked: () => [], near: () => ['bora'] }).run()).at(-1);
    expect(words(heard).slice(4)).toEqual(['neighbour ok', 'link failed no-link']);
  });

  it('does not call a link well that carries no answer', async () => {
    const check = (await street({ linked: () => ['chen'] }).run()).at(-1);
    expect(words(check).at(-1)).toBe('link failed no-answer');
    expect(check).toMatchObject({ outcome: 'broken', broken: 'link' });
  });

  it('ends when anna cancels it, and asks nobody any more', async () => {
    const control = new AbortController();
    const anna = street({ linked: () => [] }, [{ ...open, state: 'connecting' }]);
    const running = anna.run(control.signal);
    await anna.clock.advance(300);
    control.abort();
    const seen = await running;
    expect(seen.every(({ outcome }) => outcome === 'running')).toBe(true);
  });
});
