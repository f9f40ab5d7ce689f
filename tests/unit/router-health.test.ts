import { describe, expect, it } from 'vitest';
import { createHealthBook } from '../../src/lib/kernel/bus/health.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createRegistry } from '../../src/lib/kernel/bus/registry.ts';
import { createTraceRing } from '../../src/lib/kernel/bus/trace.ts';
import { echo, offerOf } from './bus-fixture.ts';

describe('the health book', () => {
  const sick = () => {
    const health = createHealthBook();
    for (let call = 0; call < 20; call++)
      health.record('bora', 'x.y', { kind: call % 2 === 1 && call < 19 ? 'served' : 'failed', ms: 5 }, 1_000);
    return health;
  };

  it('quarantines below half success over at least twenty calls, and not before', () => {
    const health = createHealthBook();
    for (let call = 0; call < 19; call++) health.record('bora', 'x.y', { kind: 'failed', ms: 5 }, 0);
    expect(health.of('bora', 'x.y', 0).quarantined).toBe(false);
    health.record('bora', 'x.y', { kind: 'failed', ms: 5 }, 0);
    expect(health.of('bora', 'x.y', 0).quarantined).toBe(true);
    expect(health.of('bora', 'other.thing', 0).quarantined).toBe(false);
    const half = createHealthBook();
    for (let call = 0; call < 20; call++)
      half.record('bora', 'x.y', { kind: call % 2 === 0 ? 'served' : 'failed', ms: 5 }, 0);
    expect(half.of('bora', 'x.y', 0).quarantined).toBe(false);
  });

  it('lets exactly one probe through after a minute', () => {
    const health = sick();
    expect(health.of('bora', 'x.y', 1_000 + limits.quarantineMs - 1).quarantined).toBe(true);
    expect(health.of('bora', 'x.y', 1_000 + limits.quarantineMs).quarantined).toBe(false);
    health.begin('bora', 'x.y', 1_000 + limits.quarantineMs);
    expect(health.of('bora', 'x.y', 1_000 + limits.quarantineMs).quarantined).toBe(true);
    health.record('bora', 'x.y', { kind: 'served', ms: 5 }, 1_000 + limits.quarantineMs);
    expect(health.of('bora', 'x.y', 1_000 + limits.quarantineMs)).toMatchObject({
      calls: 1,
      successRate: 1,
      p50Ms: 5,
      quarantined: false,
    });
  });

  it('lets no call that began before the quarantine end it or make it longer', () => {
    const health = sick();
    health.record('bora', 'x.y', { kind: 'served', ms: 5 }, 2_000);
    health.record('bora', 'x.y', { kind: 'failed', ms: 5 }, 30_000);
    expect(health.of('bora', 'x.y', 30_000)).toMatchObject({ quarantined: true, calls: 20 });
    expect(health.of('bora', 'x.y', 1_000 + limits.quarantineMs)).toMatchObject({
      quarantined: false,
      isProbeDue: true,
    });
  });

  it('says of a call that is the probe that it is, and is due for another when that one said nothing', () => {
    const health = sick();
    expect(health.begin('chen', 'x.y', 1_000).isProbe).toBe(false);
    expect(health.begin('bora', 'x.y', 1_000).isProbe).toBe(false);
    const probe = health.begin('bora', 'x.y', 1_000 + limits.quarantineMs);
    const due = () => health.of('bora', 'x.y', 1_000 + limits.quarantineMs).isProbeDue;
    expect([probe.isProbe, due()]).toEqual([true, false]);
    probe.end();
    expect(due()).toBe(true);
  });

  it('takes a call that was left for one that took at least so long, where that is news, and for no failure', () => {
    const health = createHealthBook();
    for (const ms of [10, 20, 30]) health.record('bora', 'x.y', { kind: 'served', ms }, 0);
    health.record('bora', 'x.y', { kind: 'slow', ms: 15 }, 0);
    expect(health.of('bora', 'x.y', 0)).toMatchObject({ calls: 3, p50Ms: 20, successRate: 1 });
    for (let call = 0; call < 4; call++) health.record('bora', 'x.y', { kind: 'slow', ms: 700 }, 0);
    expect(health.of('bora', 'x.y', 0)).toMatchObject({ calls: 7, p50Ms: 700, successRate: 1, quarantined: false });
  });

  it('forgets the pairs longest unused when there are too many', () => {
    const health = createHealthBook();
    for (let at = 0; at <= limits.healthWindowsMax; at++) health.record(`d${at}`, 'x.y', { kind: 'served', ms: 5 }, 0);
    expect([health.of('d0', 'x.y', 0).calls, health.of('d1', 'x.y', 0).calls]).toEqual([0, 1]);
  });

  it('remembers the last hundred calls', () => {
    const health = createHealthBook();
    for (let call = 0; call < 150; call++) health.record('bora', 'x.y', { kind: 'served', ms: call }, 0);
    expect(health.of('bora', 'x.y', 0)).toMatchObject({ calls: limits.healthWindowCalls, p50Ms: 99 });
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

  it('puts a claimed load into its range, and takes what is no number for the worst', () => {
    const registry = createRegistry({ self: () => 'self' });
    const claimed = (loadPercent: number) => {
      registry.setRemote('mallory', [offerOf(echo(), { loadPercent })], 0);
      return registry.remoteOffers('mallory')[0]?.loadPercent;
    };
    expect([-500, 33.4, 1e9, NaN, -Infinity].map(claimed)).toEqual([0, 33, 100, 100, 100]);
  });

  it('keeps what a device tells of itself as long as its offers', () => {
    const registry = createRegistry({ self: () => 'self' });
    const about = { name: 'Bora', profile: 'spark', battery: 'low', loadPercent: 10 } as const;
    registry.setRemote('bora', [], 0, about);
    expect([registry.aboutOf('bora'), registry.aboutOf('chen')]).toEqual([about, null]);
    registry.remove('bora');
    expect(registry.aboutOf('bora')).toBeNull();
  });

  it('tells who stopped offering what: by a new presence, by leaving, and here', () => {
    const registry = createRegistry({ self: () => 'self' });
    const gone: [string, string[]][] = [];
    registry.onGone((device, names) => gone.push([device, [...names]]));
    const ask = offerOf(echo({ name: 'ask.answer' }));
    registry.setRemote('bora', [ask, offerOf(echo())], 0);
    registry.setRemote('bora', [ask], 0);
    registry.remove('bora');
    registry.remove('bora');
    const [stopOld, stopNew] = [registry.addLocal('test.echo', () => ask), registry.addLocal('test.echo', () => ask)];
    stopOld();
    expect(gone).toEqual([
      ['bora', ['test.echo']],
      ['bora', ['ask.answer']],
    ]);
    stopNew();
    stopNew();
    expect(gone.slice(2)).toEqual([['self', ['test.echo']]]);
  });

  it('finds each of two majors of one name, here and at a neighbour', () => {
    const registry = createRegistry({ self: () => 'self' });
    const [one, two] = [1, 2].map((major) => offerOf(echo({ version: { major, minor: 0 } })));
    if (!one || !two) throw new Error('no offers');
    registry.addLocal('test.echo', () => one);
    registry.addLocal('test.echo', () => two);
    registry.setRemote('bora', [one, two], 0);
    for (const major of [1, 2])
      expect(registry.providersOf('test.echo', { major, minor: 0 }, 0).map(({ offer }) => offer.version.major)).toEqual(
        [major, major],
      );
    expect(registry.localOffers()).toHaveLength(2);
  });
});

describe('the trace ring', () => {
  it('keeps the newest, newest first, and counts all', () => {
    const ring = createTraceRing(3);
    for (let at = 0; at < 5; at++)
      ring.add({
        trace: 't',
        session: null,
        at,
        capability: 'x.y',
        caller: 'self',
        candidates: Array.from({ length: 99 }, () => ({
          device: 'd',
          score: 1,
          p50Ms: 1,
          successRate: 1,
          loadPercent: 0,
          isSticky: false,
        })),
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
