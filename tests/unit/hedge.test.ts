import { describe, expect, it } from 'vitest';
import { blobsHave } from '../../src/lib/contracts/blobs.ts';
import { meshPing } from '../../src/lib/contracts/mesh.ts';
import { failure } from '../../src/lib/kernel/errors.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { err, ok, type Result } from '../../src/lib/kernel/result.ts';
import { asAny, createTestBus, echo, fails, never, says, type Echo } from './bus-fixture.ts';
import { settle } from './link-fixture.ts';

const hello = { text: 'hello' };
const unary = (over: Partial<Echo> = {}): Echo => {
  const { item: _item, ...capability } = echo({ cost: 'cheap', timeoutMs: 10_000, ...over });
  return capability;
};

/** Bora is asked first and answers when told; chen answers as the test says. */
const street = (capability: Echo, chen: () => Promise<Result<unknown, unknown>>, p50Ms = 10) => {
  const world = createTestBus();
  const seen = { boraWasStopped: null as unknown };
  let answer: (result: Result<unknown, never>) => void = () => {};
  world.neighbour('bora', capability, (_input, signal) => {
    signal.addEventListener('abort', () => (seen.boraWasStopped = signal.reason));
    return new Promise((resolve) => (answer = resolve));
  });
  world.neighbour('chen', capability, chen as never);
  world.bus.health.record('bora', capability.name, { kind: 'served', ms: p50Ms }, 0);
  const pass = async (ms: number) => {
    await settle();
    world.clock.advance(ms);
    await settle();
  };
  return {
    ...world,
    seen,
    pass,
    answer: (text: string) => answer(ok({ text })),
    devices: () => world.asked.map(({ device }) => device),
    attempts: () => world.bus.traces.list(1)[0]?.attempts,
  };
};

describe('a cheap question whose first answer is slow', () => {
  it('is put to a second device after twice the usual time and a tenth of a second at least', async () => {
    for (const [p50Ms, waitMs] of [
      [10, limits.hedgeAfterMs],
      [200, 400],
    ] as const) {
      const capability = unary();
      const { bus, pass, devices, answer } = street(capability, never, p50Ms);
      const reply = bus.call(capability, hello);
      await pass(waitMs - 1);
      expect(devices()).toEqual(['bora']);
      await pass(1);
      expect(devices()).toEqual(['bora', 'chen']);
      answer('from bora');
      expect(await reply).toMatchObject({ value: { output: { text: 'from bora' }, meta: { attempts: 2 } } });
    }
  });

  it('goes to nobody else when the first answers in time, and leaves no timer behind', async () => {
    const capability = unary();
    const { bus, clock, pass, devices, answer } = street(capability, never);
    const reply = bus.call(capability, hello);
    await pass(50);
    answer('in time');
    expect(await reply).toMatchObject({ value: { meta: { servedBy: 'bora', attempts: 1 } } });
    expect([devices(), clock.pending()]).toEqual([['bora'], 0]);
  });

  it('is answered by the second, the first is told to stop, and the trace shows both', async () => {
    const capability = unary();
    const { bus, clock, pass, seen, attempts } = street(capability, says('from chen'));
    const reply = bus.call(capability, hello);
    await pass(limits.hedgeAfterMs);
    expect(await reply).toMatchObject({ value: { meta: { servedBy: 'chen', ms: 100 } } });
    expect(seen.boraWasStopped).toMatchObject({ code: 'cancelled', reason: 'lost-race' });
    expect(attempts()).toEqual([
      { device: 'bora', why: 'first', outcome: 'cancelled', ms: 100 },
      { device: 'chen', why: 'hedge', outcome: 'ok', ms: 0 },
    ]);
    expect(clock.pending()).toBe(0);
  });

  it('does not make the slow one a failing one, but a slower one: it is not asked first for ever', async () => {
    const capability = unary();
    const { bus, pass, devices } = street(capability, says('from chen'));
    for (let call = 0; call < 3; call++) bus.health.record('chen', capability.name, { kind: 'served', ms: 20 }, 0);
    for (let call = 0; call < 4; call++) {
      const reply = bus.call(capability, hello);
      await pass(limits.hedgeAfterMs);
      await reply;
    }
    expect(bus.health.of('bora', capability.name, 0)).toMatchObject({ successRate: 1, quarantined: false, p50Ms: 100 });
    expect(devices()).toEqual(['bora', 'chen', 'bora', 'chen', 'chen', 'chen']);
  });

  it('waits for the first when the second fails, and for the second when the first does', async () => {
    const capability = unary();
    const bora = street(capability, fails('unavailable'));
    const first = bora.bus.call(capability, hello);
    await bora.pass(limits.hedgeAfterMs);
    bora.answer('late');
    expect(await first).toMatchObject({ value: { meta: { servedBy: 'bora' } } });
    expect(bora.attempts()).toMatchObject([
      { device: 'bora', outcome: 'ok' },
      { device: 'chen', why: 'hedge', outcome: 'unavailable' },
    ]);

    const world = createTestBus();
    let endBora = (): void => {};
    let endChen = (): void => {};
    world.neighbour(
      'bora',
      capability,
      () => new Promise((resolve) => (endBora = () => resolve(err(failure('internal', 'x'))))),
    );
    world.neighbour('chen', capability, () => new Promise((resolve) => (endChen = () => resolve(ok({ text: 'c' })))));
    world.bus.health.record('bora', capability.name, { kind: 'served', ms: 1 }, 0);
    const second = world.bus.call(capability, hello);
    await settle();
    world.clock.advance(limits.hedgeAfterMs);
    await settle();
    endBora();
    await settle();
    endChen();
    expect(await second).toMatchObject({ value: { meta: { servedBy: 'chen', attempts: 2 } } });
  });

  it("ends at once with the caller's own mistake, whoever noticed it", async () => {
    const capability = unary();
    const { bus, pass, seen } = street(capability, fails('forbidden'));
    const reply = bus.call(capability, hello);
    await pass(limits.hedgeAfterMs);
    expect(await reply).toMatchObject({ error: { code: 'forbidden' } });
    expect(seen.boraWasStopped).not.toBeNull();
  });

  it('stops both when the caller leaves', async () => {
    const capability = unary();
    let chenWasStopped = false;
    const world = street(capability, never);
    world.neighbour('chen', capability, (_input, signal) => {
      signal.addEventListener('abort', () => (chenWasStopped = true));
      return never();
    });
    const control = new AbortController();
    const reply = world.bus.call(capability, hello, { signal: control.signal });
    await world.pass(limits.hedgeAfterMs);
    control.abort();
    expect(await reply).toMatchObject({ error: { code: 'cancelled', reason: 'by-caller' } });
    expect([world.seen.boraWasStopped !== null, chenWasStopped, world.clock.pending()]).toEqual([true, true, 0]);
  });

  it('ends at its deadline when both are silent', async () => {
    const capability = unary({ timeoutMs: 1_000 });
    const { bus, clock, pass } = street(capability, never);
    const reply = bus.call(capability, hello);
    await pass(100);
    await pass(900);
    expect(await reply).toMatchObject({ error: { code: 'timeout', reason: 'deadline' } });
    expect(clock.pending()).toBe(0);
  });
});

describe('a question that must not be asked twice at once', () => {
  it('is put to one device: what is not cheap, not repeatable, a stream, or part of a session', async () => {
    for (const [capability, options] of [
      [unary({ cost: 'normal' }), {}],
      [unary({ cost: 'heavy' }), {}],
      [unary({ idempotent: false }), {}],
      [echo({ cost: 'cheap', timeoutMs: 10_000 }), {}],
      [unary(), { session: 'talk' }],
    ] as const) {
      const { bus, pass, devices, answer } = street(capability, says('from chen'));
      const reply = bus.call(capability, hello, options);
      await pass(2_000);
      expect(devices()).toEqual(['bora']);
      answer('slow');
      expect(await reply).toMatchObject({ ok: true });
    }
  });

  it('never goes beside the first to one whose probe is due: a race says nothing about health', async () => {
    const capability = unary();
    const { bus, clock, pass, devices, answer } = street(capability, says('from chen'));
    for (let call = 0; call < 20; call++) bus.health.record('chen', capability.name, { kind: 'failed', ms: 1 }, 0);
    clock.advance(limits.quarantineMs);
    bus.registry.touch('bora', clock.now());
    bus.registry.touch('chen', clock.now());
    const reply = bus.call(capability, hello);
    await pass(2_000);
    expect(devices()).toEqual(['bora']);
    answer('slow');
    expect(await reply).toMatchObject({ ok: true });
  });
});

describe('what neighbours are really asked', () => {
  it('goes to chen too when bora is silent: a sign of life, and which files are here', async () => {
    for (const [capability, input, output] of [
      [meshPing, { nonce: 7 }, { nonce: 7 }],
      [blobsHave, { cids: ['A'.repeat(43)] }, { have: [{ has: 'all', bitmap: new Uint8Array(0) }] }],
    ] as const) {
      const world = street(capability as unknown as Echo, async () => ok(output));
      const reply = world.bus.call(asAny(capability), input);
      await world.pass(limits.hedgeAfterMs);
      expect(await reply).toMatchObject({ value: { output, meta: { servedBy: 'chen', attempts: 2 } } });
      expect(world.attempts()?.map(({ why }) => why)).toEqual(['first', 'hedge']);
    }
  });
});
