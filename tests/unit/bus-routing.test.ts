import { describe, expect, it } from 'vitest';
import { failure } from '../../src/lib/kernel/errors.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import { createTestBus, echo, fails, never, says } from './bus-fixture.ts';
import { settle } from './link-fixture.ts';

const hello = { text: 'hello' };

describe('failover', () => {
  const firstFails = (answer: ReturnType<typeof fails>, idempotent: boolean) => {
    const capability = echo({ idempotent });
    const world = createTestBus();
    world.neighbour('bora', capability, answer);
    world.neighbour('chen', capability, says('from chen'));
    return { ...world, reply: world.bus.call(capability, hello) };
  };

  it('goes to the next neighbour when the first one is not there, busy or without the thing, whatever the call', async () => {
    for (const idempotent of [true, false]) {
      for (const code of ['unavailable', 'capacity_exceeded', 'not_found', 'rate_limited'] as const) {
        expect(await firstFails(fails(code), idempotent).reply).toMatchObject({
          value: { output: { text: 'from chen' }, meta: { servedBy: 'chen', route: 'neighbour' } },
        });
      }
      expect(await firstFails(fails('peer_offline', 'not-sent'), idempotent).reply).toMatchObject({
        value: { meta: { servedBy: 'chen' } },
      });
    }
  });

  it('repeats what may have happened already only when repeating does no harm', async () => {
    for (const answer of [
      fails('peer_offline', 'link-lost'),
      fails('timeout'),
      fails('internal'),
      async () => ok({ text: 5 }),
    ]) {
      const again = firstFails(answer as ReturnType<typeof fails>, true);
      expect(await again.reply).toMatchObject({ value: { meta: { servedBy: 'chen' } } });
      const once = firstFails(answer as ReturnType<typeof fails>, false);
      expect((await once.reply).ok).toBe(false);
      expect(once.asked.map(({ device }) => device)).toEqual(['bora']);
    }
  });

  it('says "nobody knows" of a call that must not be repeated and whose answer was lost', async () => {
    for (const answer of [fails('peer_offline', 'link-lost'), fails('timeout')]) {
      expect(await firstFails(answer, false).reply).toMatchObject({ error: { code: 'unknown_outcome' } });
    }
    expect(await firstFails(fails('forbidden'), false).reply).toMatchObject({ error: { code: 'forbidden' } });
  });

  it("never happens for the caller's own mistake", async () => {
    for (const code of [
      'bad_request',
      'schema_mismatch',
      'unauthorized',
      'forbidden',
      'too_large',
      'cancelled',
      'quota_full',
    ] as const) {
      const { reply, asked } = firstFails(fails(code), true);
      expect(await reply).toMatchObject({ error: { code } });
      expect(asked).toHaveLength(1);
    }
  });

  it('does not start anew once items have been shown', async () => {
    const capability = echo();
    const { bus, neighbour, asked } = createTestBus();
    neighbour('bora', capability, async function* () {
      yield { text: 'one' };
      return err(failure('unavailable', 'gone'));
    });
    neighbour('chen', capability, says('from chen'));
    const items: unknown[] = [];
    const stream = bus.stream(capability, hello);
    let step = await stream.next();
    for (; !step.done; step = await stream.next()) items.push(step.value);
    expect(items).toEqual([{ text: 'one' }]);
    expect(step.value).toMatchObject({ error: { code: 'unavailable' } });
    expect(asked).toHaveLength(1);
  });

  it('tells the whole way in the trace', async () => {
    const { reply, bus } = firstFails(fails('unavailable'), true);
    await reply;
    expect(bus.traces.list(1)[0]).toMatchObject({
      servedBy: 'chen',
      outcome: 'ok',
      attempts: [
        { device: 'bora', outcome: 'unavailable' },
        { device: 'chen', outcome: 'ok' },
      ],
    });
  });
});

describe('what a neighbour answers', () => {
  it('is checked against the contract: a wrong reply or item is never shown', async () => {
    const capability = echo();
    const { bus, neighbour } = createTestBus();
    neighbour('bora', capability, async () => ok({ text: 7, secret: 1 }));
    expect(await bus.call(capability, hello)).toMatchObject({ error: { code: 'schema_mismatch', reason: 'reply' } });
    neighbour('bora', capability, async function* () {
      yield { wrong: true };
      return ok({ text: 'x' });
    });
    const stream = bus.stream(capability, hello, { device: 'bora' });
    expect(await stream.next()).toMatchObject({ done: true, value: { error: { code: 'schema_mismatch' } } });
  });

  it('loses what the contract does not name', async () => {
    const capability = echo();
    const { bus, neighbour } = createTestBus();
    neighbour('bora', capability, async () => ok({ text: 'x', extra: 'y' }));
    expect(await bus.call(capability, hello)).toMatchObject({ value: { output: { text: 'x' } } });
  });
});

describe('time, room and leaving', () => {
  it('a call without an answer ends at its deadline and not before', async () => {
    const { bus, clock } = createTestBus();
    bus.register(echo({ timeoutMs: 1_000 }), never);
    let reply: unknown = null;
    void bus.call(echo(), hello).then((each) => (reply = each));
    await settle();
    clock.advance(999);
    await settle();
    expect(reply).toBeNull();
    clock.advance(1);
    await settle();
    expect(reply).toMatchObject({ error: { code: 'timeout', reason: 'deadline' } });
  });

  it('a view has no deadline', async () => {
    const { bus, clock } = createTestBus();
    const view = echo({ timeoutMs: 0 });
    bus.register(view, async function* (_input, { signal }) {
      yield { text: 'now' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return ok({ text: 'end' });
    });
    const stream = bus.stream(view, hello);
    expect(await stream.next()).toEqual({ done: false, value: { text: 'now' } });
    clock.advance(365 * 24 * 3_600_000);
    await settle();
    expect(bus.inFlight()).toBe(1);
    await stream.return({ ok: false, error: failure('cancelled', 'left') });
    await settle();
    expect(bus.inFlight()).toBe(0);
  });

  it('a cancelled call ends at once, and its handler is told', async () => {
    const { bus } = createTestBus();
    let wasTold = false;
    bus.register(echo(), async (_input, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => ((wasTold = true), resolve())));
      return ok({ text: 'late' });
    });
    const control = new AbortController();
    const reply = bus.call(echo(), hello, { signal: control.signal });
    await settle();
    control.abort();
    expect(await reply).toMatchObject({ error: { code: 'cancelled', reason: 'by-caller' } });
    await settle();
    expect([wasTold, bus.inFlight()]).toEqual([true, 0]);
  });

  it('a call cancelled before it began reaches nobody', async () => {
    const { bus, neighbour, asked } = createTestBus();
    let handled = 0;
    bus.register(echo(), async (input) => ((handled += 1), ok(input)));
    neighbour('bora', echo(), says('x'));
    expect(await bus.call(echo(), hello, { signal: AbortSignal.abort() })).toMatchObject({
      error: { code: 'cancelled' },
    });
    expect(asked).toEqual([]);
    expect(handled).toBeLessThanOrEqual(1);
  });

  it('a full device refuses the next call with a time to come back, and serves again when there is room', async () => {
    const { bus } = createTestBus();
    const release: (() => void)[] = [];
    bus.register(echo({ maxConcurrent: 2 }), async (input) => {
      await new Promise<void>((resolve) => release.push(resolve));
      return ok(input);
    });
    const running = [bus.call(echo(), hello), bus.call(echo(), hello)];
    await settle();
    expect(bus.inFlight()).toBe(2);
    expect(await bus.call(echo(), hello)).toMatchObject({
      error: { code: 'capacity_exceeded', reason: 'busy', retryAfterMs: 1000 },
    });
    release.splice(0).forEach((go) => go());
    await Promise.all(running);
    const next = bus.call(echo(), hello);
    await settle();
    release.splice(0).forEach((go) => go());
    expect(await next).toMatchObject({ ok: true });
  });

  it('counts milliseconds of the given clock into the reply', async () => {
    const { bus, clock } = createTestBus();
    bus.register(echo(), async (input) => (clock.advance(42), ok(input)));
    expect(await bus.call(echo(), hello)).toMatchObject({
      value: { meta: { servedBy: 'self', route: 'local', ms: 42 } },
    });
  });
});

describe('a neighbour that fails', () => {
  const sicken = async (idempotent = true) => {
    const capability = echo({ idempotent });
    const world = createTestBus();
    let answer = fails('unavailable');
    world.neighbour('bora', capability, () => answer());
    for (let call = 0; call < 20; call++) await world.bus.call(capability, hello);
    return {
      ...world,
      capability,
      recover: () => (answer = says('well again') as never),
      answerWith: (next: typeof answer) => (answer = next),
    };
  };

  it('twenty times is left alone for a minute, then one probe decides', async () => {
    const { bus, clock, capability, asked, recover } = await sicken();
    expect(asked).toHaveLength(20);
    expect(await bus.call(capability, hello)).toMatchObject({ error: { code: 'unavailable', reason: 'quarantined' } });
    expect(asked).toHaveLength(20);
    clock.advance(60_000);
    recover();
    expect(await bus.call(capability, hello)).toMatchObject({ ok: true });
    expect(await bus.call(capability, hello)).toMatchObject({ ok: true });
    expect(asked).toHaveLength(22);
  });

  it('the probe too rests for another minute', async () => {
    const { bus, clock, capability, asked } = await sicken();
    clock.advance(60_000);
    await bus.call(capability, hello);
    await bus.call(capability, hello);
    expect(asked).toHaveLength(21);
  });

  it("is probed again when the probe ended by the caller's own doing", async () => {
    const { bus, clock, capability, asked, recover, answerWith } = await sicken();
    clock.advance(60_000);
    answerWith(fails('forbidden'));
    expect(await bus.call(capability, hello)).toMatchObject({ error: { code: 'forbidden' } });
    recover();
    expect(await bus.call(capability, hello)).toMatchObject({ ok: true });
    expect(asked).toHaveLength(22);
  });
});
