import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/lib/kernel/bus/capability.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createRegistry } from '../../src/lib/kernel/bus/registry.ts';
import { beginRun, type RoutedDeps } from '../../src/lib/kernel/bus/routed-run.ts';
import { createSessions } from '../../src/lib/kernel/bus/sessions.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { asAny, createTestBus, echo, fails, offerOf, says } from './bus-fixture.ts';

const key = (session: string, over: { capability?: string; caller?: string } = {}) => ({
  capability: 'test.echo',
  caller: 'self',
  session,
  ...over,
});
const newBook = () => {
  const registry = createRegistry({ self: () => 'self' });
  for (const device of ['bora', 'chen']) registry.setRemote(device, [offerOf(echo())], 0);
  return { registry, sessions: createSessions({ registry }) };
};

describe('the book of sessions', () => {
  it('knows who served a session last, of this caller and this capability only', () => {
    const { sessions } = newBook();
    sessions.bind(key('s1'), 'bora', 0);
    sessions.bind(key('s1', { caller: 'dora' }), 'chen', 0);
    expect(sessions.of(key('s1'), 1)).toBe('bora');
    expect(sessions.of(key('s1', { caller: 'dora' }), 1)).toBe('chen');
    expect(sessions.of(key('s1', { capability: 'ask.answer' }), 1)).toBeNull();
    sessions.bind(key('s1'), 'chen', 2);
    expect([sessions.of(key('s1'), 3), sessions.size]).toEqual(['chen', 2]);
  });

  it('takes no name for two others put together', () => {
    const { sessions } = newBook();
    sessions.bind(key('b","c', { caller: 'a' }), 'bora', 0);
    expect(sessions.of(key('c', { caller: 'a","b' }), 0)).toBeNull();
  });

  it('forgets a session that was idle for ten minutes, and not one that is used', () => {
    const { sessions } = newBook();
    sessions.bind(key('idle'), 'bora', 0);
    sessions.bind(key('used'), 'bora', 0);
    sessions.bind(key('used'), 'bora', limits.sessionIdleMs - 1);
    expect(sessions.of(key('idle'), limits.sessionIdleMs - 1)).toBe('bora');
    expect(sessions.of(key('idle'), limits.sessionIdleMs)).toBeNull();
    expect([sessions.of(key('used'), limits.sessionIdleMs), sessions.size]).toEqual(['bora', 1]);
  });

  it('releases the sessions of who left or no longer offers the thing, and of nobody else', () => {
    const { registry, sessions } = newBook();
    sessions.bind(key('s1'), 'bora', 0);
    sessions.bind(key('s2'), 'chen', 0);
    sessions.bind(key('s3', { capability: 'ask.answer' }), 'chen', 0);
    registry.remove('bora');
    registry.setRemote('bora', [offerOf(echo())], 1);
    expect([sessions.of(key('s1'), 1), sessions.of(key('s2'), 1)]).toEqual([null, 'chen']);
    registry.setRemote('chen', [], 1);
    expect([sessions.of(key('s2'), 1), sessions.size]).toEqual([null, 1]);
  });
});

describe('sticky_session_eviction', () => {
  it('keeps ten thousand sessions, the longest unused out first', () => {
    const { sessions } = newBook();
    for (let at = 0; at < limits.sessionsMax; at++) sessions.bind(key(`s${at}`), 'bora', at % 1_000);
    sessions.bind(key('s0'), 'bora', 1_000);
    sessions.bind(key('one more'), 'chen', 1_000);
    expect(sessions.size).toBe(limits.sessionsMax);
    expect([sessions.of(key('s0'), 1_000), sessions.of(key('s1'), 1_000), sessions.of(key('s2'), 1_000)]).toEqual([
      'bora',
      null,
      'bora',
    ]);
  });

  it('is not brought about by a neighbour: what this device must serve itself binds nothing', () => {
    const clock = createVirtualClock();
    const begun = (caller: Caller, localOnly: boolean) =>
      beginRun({ clock } as unknown as RoutedDeps, {
        caller,
        capability: asAny(echo()),
        input: { text: 'x' },
        options: { session: 's1', localOnly },
        trace: 't',
        clientId: 'c',
        context: () => {
          throw new Error('nobody serves it');
        },
      }).sessionKey;
    expect(begun({ kind: 'device', device: 'mallory' }, true)).toBeNull();
    expect(begun({ kind: 'self' }, true)).toBeNull();
    expect(begun({ kind: 'self' }, false)).toEqual({ capability: 'test.echo', caller: 'self', session: 's1' });
  });
});

describe('a session on the bus', () => {
  const street = () => {
    const world = createTestBus();
    const capability = echo({ cost: 'cheap' });
    const answers = { bora: says('b'), chen: says('c') };
    world.neighbour('bora', capability, () => answers.bora());
    world.neighbour('chen', capability, () => answers.chen());
    const say = async (session?: string) => {
      const reply = await world.bus.call(capability, { text: 'x' }, session === undefined ? {} : { session });
      return reply.ok ? reply.value.meta.servedBy : reply.error.code;
    };
    return { ...world, capability, answers, say };
  };

  it('stays with who began it, moves with a failover that the trace shows, and then stays there', async () => {
    const { bus, answers, say } = street();
    // Bora is first by name; a slow success makes chen the faster one for everybody without a session.
    bus.health.record('chen', 'test.echo', { kind: 'served', ms: 1 }, 0);
    expect(await say('talk')).toBe('chen');
    bus.health.record('bora', 'test.echo', { kind: 'served', ms: 0 }, 0);
    for (let call = 0; call < 3; call++) bus.health.record('chen', 'test.echo', { kind: 'served', ms: 900 }, 0);
    expect([await say(), await say('talk')]).toEqual(['bora', 'chen']);
    answers.chen = fails('unavailable') as never;
    expect(await say('talk')).toBe('bora');
    expect(bus.traces.list(1)[0]).toMatchObject({
      session: 'talk',
      servedBy: 'bora',
      candidates: [
        { device: 'bora', isSticky: false },
        { device: 'chen', isSticky: true },
      ],
      attempts: [
        { device: 'chen', why: 'first', outcome: 'unavailable' },
        { device: 'bora', why: 'failover', outcome: 'ok' },
      ],
    });
    answers.chen = says('well again') as never;
    expect(await say('talk')).toBe('bora');
  });

  it('is released when its provider goes, and begins anew although that one came back', async () => {
    const { bus, clock, capability, say } = street();
    bus.health.record('chen', 'test.echo', { kind: 'served', ms: 1 }, 0);
    expect(await say('talk')).toBe('chen');
    bus.registry.remove('chen');
    bus.registry.setRemote('chen', [offerOf(capability)], clock.now());
    for (let call = 0; call < 4; call++) bus.health.record('chen', 'test.echo', { kind: 'served', ms: 900 }, 0);
    expect(await say('talk')).toBe('bora');
  });
});
