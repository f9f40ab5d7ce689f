import { describe, expect, it } from 'vitest';
import { lazyInput } from '../../src/lib/kernel/bus/call.ts';
import type { Caller, Capability } from '../../src/lib/kernel/bus/capability.ts';
import { failure } from '../../src/lib/kernel/errors.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import type { Serving } from '../../src/lib/kernel/bus/serving.ts';
import { createSignal } from '../../src/lib/kernel/watch.ts';
import { createGate, createTestBus, echo } from './bus-fixture.ts';
import { settle } from './link-fixture.ts';

const hello = { text: 'hello' };
const member = { bora: 'member', chen: 'member' } as const;

/** Counts how often it was read. */
const slowInput = (value: unknown = hello) => {
  let reads = 0;
  const input = lazyInput(async () => ((reads += 1), ok(value)));
  return { input, reads: () => reads };
};

describe('an input that is not here yet', () => {
  it('is read once for who may call, and never for a stranger', async () => {
    const { bus, serveFrom } = createTestBus(member);
    bus.register(echo(), async (input) => ok(input));
    const { input, reads } = slowInput();
    expect(await serveFrom('mallory', echo(), input)).toMatchObject({ error: { code: 'unauthorized' } });
    expect(reads()).toBe(0);
    expect(await serveFrom('bora', echo(), input)).toMatchObject({ value: { output: hello } });
    expect(reads()).toBe(1);
  });

  it('is not read for what nobody here serves, is not given, has no place or was put badly', async () => {
    const gate = createGate();
    const serving: Serving = {
      mayServe: ({ name }) => (name === 'test.shut' ? failure('unavailable', 'not-given') : null),
      leansOnNeighbours: () => false,
      onChange: () => () => {},
    };
    const { bus, serveFrom } = createTestBus(member, { serving });
    bus.register(echo({ maxConcurrent: 1 }), gate.handler);
    bus.register(echo({ name: 'test.shut' }), async (input) => ok(input));
    const running = serveFrom('bora', echo({ maxConcurrent: 1 }), hello);
    await settle();
    const { input, reads } = slowInput();
    const reasons: unknown[] = [];
    const newer = echo({ version: { major: 1, minor: 9 } });
    for (const capability of [echo({ name: 'test.nowhere' }), newer, echo({ name: 'test.shut' }), echo()]) {
      const reply = await serveFrom('chen', capability, input);
      reasons.push(reply.ok ? 'served' : reply.error.reason);
    }
    gate.letGo();
    await running;
    const asked = await serveFrom('chen', echo(), input, { params: { model: 'x' } });
    reasons.push(asked.ok ? 'served' : asked.error.reason);
    expect(reasons).toEqual(['no-provider', 'no-provider', 'not-given', 'busy', 'param-unknown']);
    expect(reads()).toBe(0);
  });

  it('that cannot be had ends the call with its own refusal, and a bug in it is one of this call only', async () => {
    const { bus, serveFrom } = createTestBus(member);
    bus.register(echo(), async (input) => ok(input));
    expect(
      await serveFrom(
        'bora',
        echo(),
        lazyInput(() => err(failure('too_large', 'input'))),
      ),
    ).toMatchObject({
      error: { code: 'too_large', reason: 'input' },
    });
    const broken = lazyInput(async () => Promise.reject(new Error('disk')));
    expect(await serveFrom('bora', echo(), broken)).toMatchObject({ error: { code: 'internal', reason: 'disk' } });
    expect(bus.traces.list(5).map(({ outcome }) => outcome)).toEqual(['internal', 'too_large']);
  });

  it('is given up at the deadline and when the caller leaves, and its reader is told', async () => {
    const { bus, serveFrom, clock } = createTestBus(member);
    let handled = 0;
    bus.register(echo(), async (input) => ((handled += 1), ok(input)));
    const stopped: unknown[] = [];
    const stuck = () =>
      lazyInput(async (signal) => {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        stopped.push(signal.reason);
        return ok(hello);
      });
    const late = serveFrom('bora', echo(), stuck(), { deadlineMs: 300 });
    const control = new AbortController();
    const left = serveFrom('bora', echo(), stuck(), { signal: control.signal });
    await settle();
    control.abort(failure('cancelled', 'link-lost'));
    clock.advance(300);
    expect(await late).toMatchObject({ error: { code: 'timeout', reason: 'deadline' } });
    expect(await left).toMatchObject({ error: { code: 'cancelled', reason: 'link-lost' } });
    expect(stopped).toMatchObject([{ code: 'cancelled' }, { code: 'timeout' }]);
    expect(handled).toBe(0);
  });

  it('is known by a mark that no message can carry', async () => {
    const { bus, serveFrom } = createTestBus(member);
    bus.register(echo(), async (input) => ok(input));
    const forged = { read: () => ok(hello), text: 'forged' };
    expect(await serveFrom('bora', echo(), forged)).toMatchObject({ value: { output: { text: 'forged' } } });
  });
});

describe('calls a minute', () => {
  it('are counted for every device by itself, refused ones too, before anything is looked at', async () => {
    const { bus, callFrom, clock } = createTestBus(member);
    let handled = 0;
    bus.register(echo(), async (input) => ((handled += 1), ok(input)));
    for (let call = 0; call < limits.callsPerMinutePerPeerMax; call++)
      expect((await callFrom('mallory', echo(), hello)).ok).toBe(false);
    clock.advance(20_000);
    expect(await callFrom('mallory', echo(), hello)).toEqual({
      ok: false,
      error: { code: 'rate_limited', reason: 'calls-per-minute', retryAfterMs: 40_000 },
    });
    expect(await callFrom('bora', echo(), hello)).toMatchObject({ ok: true });
    clock.advance(40_000);
    expect(await callFrom('mallory', echo(), hello)).toMatchObject({ error: { code: 'unauthorized' } });
    expect(handled).toBe(1);
  });

  it('are not counted for own screens, nor for what a handler calls on behalf of a neighbour', async () => {
    const { bus, callFrom } = createTestBus(member);
    const inner = echo({ name: 'test.inner' });
    bus.register(inner, async (input) => ok(input));
    bus.register(echo(), async (input, context) => {
      let reply = await context.call(inner, input);
      for (let call = 0; call < 10 && reply.ok; call++) reply = await context.call(inner, input);
      return reply.ok ? ok(reply.value.output) : reply;
    });
    for (let call = 0; call < limits.callsPerMinutePerPeerMax; call++)
      expect((await callFrom('bora', echo(), hello)).ok).toBe(true);
    for (let call = 0; call <= limits.callsPerMinutePerPeerMax; call++)
      if (!(await bus.call(inner, hello)).ok) throw new Error('own screens were counted');
  }, 60_000);
});

describe('what this device gives', () => {
  const createGiving = () => {
    const changed = createSignal();
    const off = new Set<string>();
    let listeners = 0;
    const asked: Caller[] = [];
    const serving: Serving = {
      mayServe: ({ name }, caller) => {
        asked.push(caller);
        return off.has(name) ? failure('unavailable', 'not-given') : null;
      },
      leansOnNeighbours: () => false,
      onChange: (listener) => {
        listeners += 1;
        const stop = changed.on(listener);
        return () => ((listeners -= 1), stop());
      },
    };
    return {
      serving,
      asked,
      listeners: () => listeners,
      switchOff: (name: string): void => {
        off.add(name);
        changed.tell();
      },
    };
  };

  it('is asked for neighbours, after the gate, also for what one call causes; own screens keep everything', async () => {
    const { serving, asked, switchOff } = createGiving();
    const { bus, callFrom } = createTestBus(member, { serving });
    const inner = echo({ name: 'test.inner' });
    bus.register(inner, async (input) => ok(input));
    bus.register(echo(), async (input, context) => {
      const reply = await context.call(inner, input);
      return reply.ok ? ok(reply.value.output) : reply;
    });
    await callFrom('mallory', echo(), hello);
    expect(asked).toEqual([]);
    expect(await callFrom('bora', echo(), hello)).toMatchObject({ ok: true });
    expect(asked).toEqual([
      { kind: 'device', device: 'bora' },
      { kind: 'device', device: 'bora' },
    ]);
    switchOff('test.inner');
    expect(await callFrom('bora', inner, hello)).toMatchObject({ error: { code: 'unavailable', reason: 'not-given' } });
    expect(await callFrom('bora', echo(), hello)).toMatchObject({ error: { reason: 'not-given' } });
    expect(await bus.call(echo(), hello)).toMatchObject({ ok: true });
  });

  it('ends for the calls of neighbours that are running, and nothing is listened to when none is', async () => {
    const { serving, switchOff, listeners } = createGiving();
    const { bus, callFrom } = createTestBus(member, { serving });
    const other = echo({ name: 'test.other' });
    const once = echo({ name: 'test.once', idempotent: false });
    const gate = createGate();
    const signals: AbortSignal[] = [];
    for (const capability of [echo(), other, once])
      bus.register(capability, async (input, { signal }) => (signals.push(signal), gate.handler(input)));
    const replies = [callFrom('bora', echo(), hello), callFrom('bora', other, hello), callFrom('chen', once, hello)];
    const own = bus.call(echo(), hello);
    await settle();
    expect(listeners()).toBe(1);
    switchOff('test.echo');
    switchOff('test.once');
    expect(await replies[0]).toMatchObject({ error: { code: 'unavailable', reason: 'switched-off' } });
    // It may have been done already: nobody is told that another may do it.
    expect(await replies[2]).toMatchObject({ error: { code: 'unknown_outcome', reason: 'switched-off' } });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false, true, false]);
    gate.letGo();
    expect(await replies[1]).toMatchObject({ ok: true });
    expect(await own).toMatchObject({ ok: true });
    expect(listeners()).toBe(0);
  });

  it('is decided for a call whose input is still on its way, too', async () => {
    const { serving, switchOff } = createGiving();
    const { bus, serveFrom } = createTestBus(member, { serving });
    let handled = 0;
    bus.register(echo(), async (input) => ((handled += 1), ok(input)));
    const input = lazyInput(async () => new Promise<never>(() => {}));
    const reply = serveFrom('bora', echo(), input);
    await settle();
    switchOff('test.echo');
    expect(await reply).toMatchObject({ error: { code: 'unavailable', reason: 'switched-off' } });
    expect(handled).toBe(0);
  });
});

describe('the question', () => {
  it('may name the params of the capability and no others, whoever asks', async () => {
    const { bus, callFrom } = createTestBus(member);
    bus.register(
      echo(),
      async (input) => ok(input),
      () => ({ corpus: ['water'] }),
    );
    expect(await bus.call(echo(), hello, { params: { corpus: 'water' } })).toMatchObject({ ok: true });
    for (const params of [{ model: 'x' }, { corpus: 'water', toString: 'x' }, { __proto__x: 'y' }])
      expect(await bus.call(echo(), hello, { params })).toMatchObject({
        error: { code: 'bad_request', reason: 'param-unknown' },
      });
    expect(await callFrom('bora', echo(), hello, [], { model: 'x' })).toMatchObject({
      error: { reason: 'param-unknown' },
    });
    expect(await callFrom('mallory', echo(), hello, [], { model: 'x' })).toMatchObject({
      error: { code: 'unauthorized' },
    });
  });

  it('cannot bring a stream where the capability takes none', async () => {
    const { bus } = createTestBus();
    bus.register(echo(), async (input) => ok(input));
    const items = (async function* () {
      yield { text: 'one' };
    })();
    expect(await bus.call(echo(), hello, { items })).toMatchObject({
      error: { code: 'bad_request', reason: 'no-input-stream' },
    });
  });

  it('meets a shut gate when a permit breaks', async () => {
    const { bus } = createTestBus();
    let handled = 0;
    const broken: Capability<typeof hello, typeof hello, typeof hello> = echo({
      permit: () => {
        throw new Error('a bug');
      },
    });
    bus.register(broken, async (input) => ((handled += 1), ok(input)));
    expect(await bus.call(broken, hello)).toMatchObject({ error: { code: 'internal', reason: 'a bug' } });
    expect(handled).toBe(0);
    expect(bus.traces.list(1)).toMatchObject([{ outcome: 'internal', attempts: [] }]);
  });
});
