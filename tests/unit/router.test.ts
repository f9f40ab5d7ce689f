import { describe, expect, it } from 'vitest';
import { createHealthBook } from '../../src/lib/kernel/health.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createRegistry, type Provider } from '../../src/lib/kernel/registry.ts';
import { planRoute } from '../../src/lib/kernel/router.ts';
import { createTraceRing } from '../../src/lib/kernel/trace.ts';
import { echo, offerOf } from './bus-fixture.ts';

const provider = (
  device: string,
  over: Partial<Provider['offer']> = {},
  isLocal = false,
  isStale = false,
): Provider => ({
  device,
  isLocal,
  isStale,
  offer: offerOf(echo(), over),
});
const plan = (providers: readonly Provider[], health = createHealthBook(), wish = {}, nowMs = 0) =>
  planRoute(providers, 'test.echo', wish, health, nowMs);
const scoresOf = (providers: readonly Provider[], health = createHealthBook()) =>
  plan(providers, health).candidates.map(({ score }) => score);

describe('the routing formula', () => {
  it('is p50 x (1 + load) + (1 - success rate) x 1000 - 50 if local', () => {
    const health = createHealthBook();
    for (const ms of [30, 10, 20]) health.record('bora', 'test.echo', { success: true, ms }, 0);
    health.record('bora', 'test.echo', { success: false, ms: 900 }, 0);
    // p50 of 10, 20, 30 is 20; one of four calls failed.
    expect(scoresOf([provider('bora')], health)).toEqual([20 + 250]);
    expect(scoresOf([provider('bora', { loadPercent: 50 })], health)).toEqual([30 + 250]);
    expect(scoresOf([provider('bora', {}, true)], health)).toEqual([20 + 250 - 50]);
  });

  it('takes 500 ms for a provider nobody has called', () => {
    expect(scoresOf([provider('bora'), provider('chen', { loadPercent: 100 }), provider('self', {}, true)])).toEqual([
      500, 1000, 450,
    ]);
  });

  it('stays on this device until its load reaches 0.8, however fast a neighbour is', () => {
    const health = createHealthBook();
    health.record('bora', 'test.echo', { success: true, ms: 1 }, 0);
    const order = (loadPercent: number) =>
      plan([provider('bora'), provider('self', { loadPercent }, true)], health).order.map(({ device }) => device);
    expect(order(79)).toEqual(['self', 'bora']);
    expect(order(80)).toEqual(['bora', 'self']);
  });

  it('decides a tie by the smaller device id, so that a decision repeats', () => {
    expect(plan([provider('chen'), provider('anna'), provider('bora')]).order.map(({ device }) => device)).toEqual([
      'anna',
      'bora',
      'chen',
    ]);
  });

  it('skips who is full, stale, quarantined or has not what was asked for, and says which', () => {
    const health = createHealthBook();
    for (let call = 0; call < 20; call++) health.record('ill', 'test.echo', { success: false, ms: 1 }, 0);
    const route = plan(
      [
        provider('full', { isFull: true, params: { corpus: ['x'] } }),
        provider('stale', { params: { corpus: ['x'] } }, false, true),
        provider('ill', { params: { corpus: ['x'] } }),
        provider('other', { params: { corpus: ['y'] } }),
        provider('good', { params: { corpus: ['y', 'x'] } }),
      ],
      health,
      { params: { corpus: 'x' } },
    );
    expect(route.order.map(({ device }) => device)).toEqual(['good']);
    expect(route.candidates.map(({ device, skipped }) => [device, skipped])).toEqual([
      ['full', 'full'],
      ['stale', 'stale'],
      ['ill', 'quarantined'],
      ['other', 'params'],
      ['good', undefined],
    ]);
  });

  it('asks the one device that was named', () => {
    expect(
      plan([provider('anna'), provider('bora')], createHealthBook(), { device: 'bora' }).order.map(
        ({ device }) => device,
      ),
    ).toEqual(['bora']);
    expect(plan([provider('anna')], createHealthBook(), { device: 'bora' }).order).toEqual([]);
  });
});

describe('the health book', () => {
  const sick = () => {
    const health = createHealthBook();
    for (let call = 0; call < 20; call++)
      health.record('bora', 'x.y', { success: call % 2 === 1 && call < 19, ms: 5 }, 1_000);
    return health;
  };

  it('quarantines below half success over at least twenty calls, and not before', () => {
    const health = createHealthBook();
    for (let call = 0; call < 19; call++) health.record('bora', 'x.y', { success: false, ms: 5 }, 0);
    expect(health.of('bora', 'x.y', 0).quarantined).toBe(false);
    health.record('bora', 'x.y', { success: false, ms: 5 }, 0);
    expect(health.of('bora', 'x.y', 0).quarantined).toBe(true);
    expect(health.of('bora', 'other.thing', 0).quarantined).toBe(false);
    const half = createHealthBook();
    for (let call = 0; call < 20; call++) half.record('bora', 'x.y', { success: call % 2 === 0, ms: 5 }, 0);
    expect(half.of('bora', 'x.y', 0).quarantined).toBe(false);
  });

  it('lets exactly one probe through after a minute', () => {
    const health = sick();
    expect(health.of('bora', 'x.y', 1_000 + limits.quarantineMs - 1).quarantined).toBe(true);
    expect(health.of('bora', 'x.y', 1_000 + limits.quarantineMs).quarantined).toBe(false);
    health.begin('bora', 'x.y');
    expect(health.of('bora', 'x.y', 1_000 + limits.quarantineMs).quarantined).toBe(true);
    health.record('bora', 'x.y', { success: true, ms: 5 }, 1_000 + limits.quarantineMs);
    expect(health.of('bora', 'x.y', 1_000 + limits.quarantineMs)).toEqual({
      calls: 1,
      successRate: 1,
      p50Ms: 5,
      quarantined: false,
    });
  });

  it('remembers the last hundred calls and nothing of a device that is forgotten', () => {
    const health = createHealthBook();
    for (let call = 0; call < 150; call++) health.record('bora', 'x.y', { success: true, ms: call }, 0);
    expect(health.of('bora', 'x.y', 0)).toMatchObject({ calls: limits.healthWindowCalls, p50Ms: 99 });
    health.forget('bora');
    expect(health.of('bora', 'x.y', 0)).toMatchObject({ calls: 0, p50Ms: 500, successRate: 1 });
  });
});

describe('the registry', () => {
  it("counts a neighbour's offers as stale when nothing has been heard for 90 s, and drops them when the link goes", () => {
    const registry = createRegistry({ self: () => 'self' });
    registry.setRemote('bora', [offerOf(echo())], 0);
    const staleAt = (nowMs: number) =>
      registry.providersOf('test.echo', { major: 1, minor: 0 }, nowMs).map(({ isStale }) => isStale);
    expect([staleAt(limits.presenceTtlMs), staleAt(limits.presenceTtlMs + 1)]).toEqual([[false], [true]]);
    registry.touch('bora', 5_000);
    expect(staleAt(limits.presenceTtlMs + 1)).toEqual([false]);
    registry.remove('bora');
    expect(staleAt(0)).toEqual([]);
  });
});

describe('the trace ring', () => {
  it('keeps the newest, newest first, and counts all', () => {
    const ring = createTraceRing(3);
    for (let at = 0; at < 5; at++)
      ring.add({
        at,
        capability: 'x.y',
        caller: 'self',
        candidates: Array.from({ length: 99 }, () => ({ device: 'd', score: 1 })),
        attempts: [],
        servedBy: null,
        outcome: 'ok',
        ms: 0,
      });
    expect(ring.list(9).map(({ id, at }) => [id, at])).toEqual([
      [4, 4],
      [3, 3],
      [2, 2],
    ]);
    expect(ring.total).toBe(5);
    expect(ring.list(1)[0]?.candidates).toHaveLength(limits.traceCandidatesMax);
  });
});
