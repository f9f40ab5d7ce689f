import { describe, expect, it } from 'vitest';
import { lazyInput } from '../../src/lib/kernel/bus/call.ts';
import { createCallerRates } from '../../src/lib/kernel/bus/caller-rates.ts';
import { createCapacity } from '../../src/lib/kernel/bus/capacity.ts';
import type { Caller } from '../../src/lib/kernel/bus/capability.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { ok, unwrap } from '../../src/lib/kernel/result.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { createGate, createTestBus, echo } from './bus-fixture.ts';
import { settle } from './link-fixture.ts';

const hello = { text: 'hello' };
const self: Caller = { kind: 'self' };
const by = (device: string): Caller => ({ kind: 'device', device });
const member = { bora: 'member', chen: 'member', dora: 'member' } as const;

describe('the places of a capability', () => {
  const held = (slots: number, callers: readonly Caller[]): number => {
    const capacity = createCapacity(slots, createVirtualClock());
    for (const caller of callers) capacity.take(caller);
    return capacity.held();
  };
  const times = (count: number, caller: Caller): Caller[] => Array.from({ length: count }, () => caller);

  it('go to one neighbour up to half, rounded up, and to all neighbours but for one', () => {
    const alone = [1, 2, 3, 4, 5, 64].map((slots) => held(slots, times(100, by('bora'))));
    expect(alone).toEqual([1, 1, 2, 2, 3, 32]);
    const crowd = ['bora', 'chen', 'dora', 'emil'].flatMap((device) => times(100, by(device)));
    expect([1, 2, 3, 4, 5, 64].map((slots) => held(slots, crowd))).toEqual([1, 1, 2, 3, 4, 63]);
    expect([1, 2, 64].map((slots) => held(slots, times(100, self)))).toEqual([1, 2, 64]);
  });

  it('are free again once each has been given back, and giving back twice frees one', () => {
    const capacity = createCapacity(2, createVirtualClock());
    const back = unwrap(capacity.take(by('bora')));
    expect(capacity.take(by('bora'))).toMatchObject({ error: { code: 'capacity_exceeded', reason: 'share' } });
    unwrap(capacity.take(self));
    expect(capacity.take(self)).toMatchObject({ error: { reason: 'busy' } });
    back();
    back();
    expect(capacity.held()).toBe(1);
    unwrap(capacity.take(by('bora')));
    expect(capacity.isFull()).toBe(true);
  });

  it('are told to be free in the median time of the last handlers, within bounds', () => {
    const clock = createVirtualClock();
    const capacity = createCapacity(1, clock);
    const run = (ms: number): void => {
      const back = unwrap(capacity.take(self));
      clock.advance(ms);
      back();
    };
    expect(capacity.retryAfterMs()).toBe(limits.retryAfterUnknownMs);
    for (const ms of [3_000, 700, 900]) run(ms);
    expect(capacity.retryAfterMs()).toBe(900);
    for (let at = 0; at < limits.handlerTimesMax; at++) run(1);
    expect(capacity.retryAfterMs()).toBe(limits.retryAfterMinMs);
    for (let at = 0; at < limits.handlerTimesMax; at++) run(3_600_000);
    expect(capacity.retryAfterMs()).toBe(limits.retryAfterMaxMs);
  });
});

describe('a busy device', () => {
  it('keeps a place for its own screens and one for every other neighbour, and says when to come back', async () => {
    const { bus, callFrom, clock } = createTestBus(member);
    const gate = createGate();
    bus.register(echo({ maxConcurrent: 4 }), gate.handler);
    const first = callFrom('bora', echo(), hello);
    await settle();
    clock.advance(2_500);
    gate.letGo();
    await first;
    const running = [callFrom('bora', echo(), hello), callFrom('bora', echo(), hello)];
    await settle();
    expect(await callFrom('bora', echo(), hello)).toMatchObject({
      error: { code: 'capacity_exceeded', reason: 'share', retryAfterMs: 2_500 },
    });
    running.push(callFrom('chen', echo(), hello));
    await settle();
    expect(await callFrom('dora', echo(), hello)).toMatchObject({ error: { code: 'capacity_exceeded' } });
    running.push(bus.call(echo(), hello));
    await settle();
    expect(gate.begun()).toBe(5);
    gate.letGo();
    for (const reply of await Promise.all(running)) expect(reply).toMatchObject({ ok: true });
    expect(bus.inFlight()).toBe(0);
  });

  it('is asked for a place again when the handler starts: many inputs may have been on their way at once', async () => {
    const { bus, serveFrom } = createTestBus(member);
    const gate = createGate();
    bus.register(echo({ maxConcurrent: 1 }), gate.handler);
    let arrive = (): void => {};
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    const input = lazyInput(async () => (await arrived, ok(hello)));
    const replies = ['bora', 'chen', 'dora'].map((device) => serveFrom(device, echo(), input));
    await settle();
    arrive();
    await settle();
    expect([gate.begun(), bus.inFlight()]).toEqual([1, 1]);
    gate.letGo();
    const ends = (await Promise.all(replies)).map((reply) => (reply.ok ? 'ok' : reply.error.reason));
    expect(ends).toEqual(['ok', 'busy', 'busy']);
  });

  it('holds a place until the handler has really ended, not until somebody stops waiting', async () => {
    const { bus, callFrom, clock } = createTestBus(member);
    const gate = createGate();
    bus.register(echo({ maxConcurrent: 1 }), gate.handler);
    const late = callFrom('bora', echo(), hello);
    await settle();
    clock.advance(1_000);
    expect(await late).toMatchObject({ error: { code: 'timeout' } });
    expect(await callFrom('chen', echo(), hello)).toMatchObject({ error: { code: 'capacity_exceeded' } });
    gate.letGo();
    await settle();
    expect(bus.inFlight()).toBe(0);
  });
});

describe('the counters of callers', () => {
  it('are bounded, keep who has called most, and let a newcomer in', () => {
    const clock = createVirtualClock();
    const rates = createCallerRates({ clock });
    const isLet = (device: string): boolean => rates.take(by(device)) === null;
    for (let call = 0; call <= limits.callsPerMinutePerPeerMax; call++) isLet('mallory');
    for (let crowd = 0; crowd < 3 * limits.callersCountedMax; crowd++) expect(isLet(`crowd-${crowd}`)).toBe(true);
    expect(rates.size()).toBeLessThanOrEqual(limits.callersCountedMax);
    expect([isLet('bora'), isLet('mallory')]).toEqual([true, false]);
    clock.advance(60_000);
    expect([isLet('mallory'), isLet('chen')]).toEqual([true, true]);
  });

  it('do not hold a minute open when the clock of the device was put back', () => {
    let now = 10_000_000;
    const rates = createCallerRates({ clock: { now: () => now, after: () => () => {} } });
    for (let call = 0; call <= limits.callsPerMinutePerPeerMax; call++) rates.take(by('bora'));
    now -= 1_000;
    expect(rates.take(by('bora'))).toMatchObject({ code: 'rate_limited', retryAfterMs: 60_000 });
    now -= 3_600_000;
    expect(rates.take(by('bora'))).toBeNull();
  });
});
