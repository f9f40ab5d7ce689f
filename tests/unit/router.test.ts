import { describe, expect, it } from 'vitest';
import { createHealthBook } from '../../src/lib/kernel/bus/health.ts';
import type { Provider } from '../../src/lib/kernel/bus/registry.ts';
import { planRoute, type RouteQuestion } from '../../src/lib/kernel/bus/router.ts';
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
const plan = (providers: readonly Provider[], health = createHealthBook(), over: Partial<RouteQuestion> = {}) =>
  planRoute({
    providers,
    asked: { name: 'test.echo', version: { major: 1, minor: 2 }, schema: '' },
    wish: {},
    health,
    nowMs: 0,
    sticky: null,
    leansOnNeighbours: false,
    ...over,
  });
const orderOf = (...asked: Parameters<typeof plan>) => plan(...asked).order.map(({ device }) => device);
const scoresOf = (providers: readonly Provider[], health = createHealthBook()) =>
  plan(providers, health).candidates.map(({ score }) => score);

describe('the routing formula', () => {
  it('is p50 x (1 + load) + (1 - success rate) x 1000 - 50 if local', () => {
    const health = createHealthBook();
    for (const ms of [30, 10, 20]) health.record('bora', 'test.echo', { kind: 'served', ms }, 0);
    health.record('bora', 'test.echo', { kind: 'failed', ms: 900 }, 0);
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
    health.record('bora', 'test.echo', { kind: 'served', ms: 1 }, 0);
    const order = (loadPercent: number) => orderOf([provider('bora'), provider('self', { loadPercent }, true)], health);
    expect(order(79)).toEqual(['self', 'bora']);
    expect(order(80)).toEqual(['bora', 'self']);
  });

  it('decides a tie by the smaller device id, so that a decision repeats', () => {
    expect(orderOf([provider('chen'), provider('anna'), provider('bora')])).toEqual(['anna', 'bora', 'chen']);
  });

  it('skips who is full, stale, quarantined or has not what was asked for, and says which', () => {
    const health = createHealthBook();
    for (let call = 0; call < 20; call++) health.record('ill', 'test.echo', { kind: 'failed', ms: 1 }, 0);
    const route = plan(
      [
        provider('full', { isFull: true, params: { corpus: ['x'] } }),
        provider('stale', { params: { corpus: ['x'] } }, false, true),
        provider('ill', { params: { corpus: ['x'] } }),
        provider('other', { params: { corpus: ['y'] } }),
        provider('good', { params: { corpus: ['y', 'x'] } }),
      ],
      health,
      { wish: { params: { corpus: 'x' } } },
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
    const bora = { wish: { device: 'bora' } };
    expect(orderOf([provider('anna'), provider('bora')], createHealthBook(), bora)).toEqual(['bora']);
    expect(orderOf([provider('anna')], createHealthBook(), bora)).toEqual([]);
  });

  it('takes no inherited property for a param that bora offers', () => {
    const wish = { params: { constructor: 'x' } };
    expect(plan([provider('bora')], createHealthBook(), { wish }).candidates).toMatchObject([{ skipped: 'params' }]);
  });

  it('asks itself last where a device leans on its neighbours', () => {
    const health = createHealthBook();
    health.record('bora', 'test.echo', { kind: 'served', ms: 9_000 }, 0);
    const providers = [provider('self', {}, true), provider('bora'), provider('chen')];
    expect(orderOf(providers, health, { leansOnNeighbours: true })).toEqual(['chen', 'bora', 'self']);
    expect(orderOf(providers, health)).toEqual(['self', 'chen', 'bora']);
  });

  it('goes on with whom the session began with, however fast another is, unless that one can not serve', () => {
    const health = createHealthBook();
    health.record('chen', 'test.echo', { kind: 'served', ms: 9_000 }, 0);
    const order = (offer: Partial<Provider['offer']>) =>
      plan([provider('self', {}, true), provider('bora'), provider('chen', offer)], health, { sticky: 'chen' });
    expect(order({}).order.map(({ device }) => device)).toEqual(['chen', 'self', 'bora']);
    expect(order({}).candidates.map(({ isSticky }) => isSticky)).toEqual([false, false, true]);
    expect(order({ isFull: true }).order.map(({ device }) => device)).toEqual(['self', 'bora']);
  });

  it('leaves out who means something else by the same version, and believes who does not tell', () => {
    const skips = (schema: string, minor: number, own = 'ours') =>
      plan([provider('bora', { schema, version: { major: 1, minor } })], createHealthBook(), {
        asked: { name: 'test.echo', version: { major: 1, minor: 2 }, schema: own },
      }).candidates[0]?.skipped;
    expect(skips('theirs', 2)).toBe('schema');
    expect([skips('ours', 2), skips('', 2), skips('theirs', 2, ''), skips('theirs', 3)]).toEqual(
      Array(4).fill(undefined),
    );
  });

  it('counts who has refused for want of room as full, as long as that one said and a minute at most', () => {
    const health = createHealthBook();
    const skippedAt = (nowMs: number) => plan([provider('bora')], health, { nowMs }).candidates[0]?.skipped;
    health.recordBusy('bora', 'test.echo', 400, 1_000);
    expect([skippedAt(1_399), skippedAt(1_400)]).toEqual(['full', undefined]);
    health.recordBusy('bora', 'test.echo', 1e12, 1_000);
    expect([skippedAt(60_999), skippedAt(61_000)]).toEqual(['full', undefined]);
    health.recordBusy('bora', 'test.echo', -5, 1_000);
    expect([skippedAt(1_099), skippedAt(1_100)]).toEqual(['full', undefined]);
    health.recordBusy('bora', 'test.echo', undefined, 1_000);
    expect([skippedAt(1_999), skippedAt(2_000)]).toEqual(['full', undefined]);
  });

  it('shuts no device out of itself: its own handler is asked where nobody else can be', () => {
    const health = createHealthBook();
    for (let call = 0; call < 20; call++) health.record('self', 'test.echo', { kind: 'failed', ms: 1 }, 0);
    const own = provider('self', {}, true);
    expect(orderOf([own], health)).toEqual(['self']);
    expect(orderOf([own, provider('bora')], health)).toEqual(['bora']);
    expect(orderOf([provider('self', { isFull: true }, true)])).toEqual(['self']);
    expect(orderOf([provider('self', { params: {} }, true)], health, { wish: { params: { corpus: 'x' } } })).toEqual(
      [],
    );
  });
});
