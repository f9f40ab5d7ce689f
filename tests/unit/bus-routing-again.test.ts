import { object, string } from 'valibot';
import { describe, expect, it } from 'vitest';
import { endOf } from '../../src/lib/kernel/bus/call.ts';
import { failure, type Failure } from '../../src/lib/kernel/errors.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { err, ok, type Result } from '../../src/lib/kernel/result.ts';
import { asAny, createTestBus, echo, fails, never, offerOf, says, type Echo } from './bus-fixture.ts';
import { settle } from './link-fixture.ts';

const hello = { text: 'hello' };
const lostLink = fails('peer_offline', 'link-lost');

/** Bora's link breaks under every call until the test says that she is well. */
const street = (over: Partial<Echo> = {}) => {
  const world = createTestBus();
  const capability = echo({ timeoutMs: 60_000, ...over });
  let answer: () => Promise<Result<unknown, Failure>> = async () => {
    world.bus.registry.remove('bora');
    return lostLink();
  };
  world.neighbour('bora', capability, () => answer());
  const ended: unknown[] = [];
  return {
    ...world,
    capability,
    ended,
    call: (options = {}) => void world.bus.call(capability, hello, options).then((reply) => ended.push(reply)),
    back: (next: typeof answer) => {
      answer = next;
      world.bus.registry.setRemote('bora', [offerOf(capability)], world.clock.now());
    },
    pass: async (ms = 0) => {
      await settle();
      world.clock.advance(ms);
      await settle();
    },
    attempts: () => world.bus.traces.list(1)[0]?.attempts.map(({ device, why, outcome }) => [device, why, outcome]),
  };
};

describe('a call whose link broke', () => {
  it('is asked again at the same device when that offers itself again, under the same name', async () => {
    const { back, pass, call, ended, attempts, asked, clock } = street();
    call();
    await pass(2_000);
    expect(ended).toEqual([]);
    back(says('well again'));
    await pass();
    expect(ended).toMatchObject([
      { value: { output: { text: 'well again' }, meta: { servedBy: 'bora', attempts: 2 } } },
    ]);
    expect(attempts()).toEqual([
      ['bora', 'first', 'peer_offline'],
      ['bora', 'again', 'ok'],
    ]);
    expect(new Set(asked.map(({ request }) => request.clientId)).size).toBe(1);
    expect(clock.pending()).toBe(0);
  });

  it('ends with what is known when the device stays away for longer than the grace or than the call may take', async () => {
    for (const [options, waitMs] of [
      [{}, limits.reconnectGraceMs],
      [{ deadlineMs: 700 }, 700],
    ] as const) {
      const { pass, call, ended, clock } = street();
      call(options);
      await pass(waitMs - 1);
      expect(ended).toEqual([]);
      await pass(1);
      expect(ended).toMatchObject([{ error: { code: 'peer_offline', reason: 'link-lost' } }]);
      expect(clock.pending()).toBe(0);
    }
  });

  it('never waits where repeating could do harm: then nobody knows', async () => {
    const { call, pass, ended, asked } = street({ idempotent: false });
    call();
    await pass();
    expect(ended).toMatchObject([{ error: { code: 'unknown_outcome', reason: 'link-lost' } }]);
    expect(asked).toHaveLength(1);
  });

  it('goes to another device first, and waits for nobody when that one serves', async () => {
    const { neighbour, capability, call, pass, ended, attempts } = street();
    neighbour('chen', capability, says('from chen'));
    call();
    await pass();
    expect(ended).toMatchObject([{ value: { meta: { servedBy: 'chen' } } }]);
    expect(attempts()).toEqual([
      ['bora', 'first', 'peer_offline'],
      ['chen', 'failover', 'ok'],
    ]);
  });

  it('waits for who was lost also when another could not serve', async () => {
    const { neighbour, capability, back, call, pass, ended } = street();
    neighbour('chen', capability, fails('unavailable'));
    call();
    await pass();
    expect(ended).toEqual([]);
    back(says('well again'));
    await pass();
    expect(ended).toMatchObject([{ value: { meta: { servedBy: 'bora', attempts: 3 } } }]);
  });

  it('is not asked for ever where the link breaks each time', async () => {
    const { back, call, pass, ended, asked, bus } = street();
    call();
    for (let change = 0; change < 20; change++) {
      await pass();
      back(lostLink);
    }
    await pass();
    expect(ended).toMatchObject([{ error: { code: 'peer_offline' } }]);
    expect(asked).toHaveLength(1 + limits.reconnectTriesMax);
    expect(bus.health.of('bora', 'test.echo', 0)).toMatchObject({ successRate: 0 });
  });

  it('ends at once when the caller leaves while it waits', async () => {
    const { call, pass, ended, clock } = street();
    const control = new AbortController();
    call({ signal: control.signal });
    await pass();
    control.abort();
    await pass();
    expect(ended).toMatchObject([{ error: { code: 'cancelled', reason: 'by-caller' } }]);
    expect(clock.pending()).toBe(0);
  });

  it('does not begin anew once something has been shown', async () => {
    const { bus, neighbour, capability, asked } = createStreamStreet();
    neighbour('bora', capability, async function* () {
      yield { text: 'one' };
      return err(failure('peer_offline', 'link-lost'));
    });
    expect(await endOf(bus.stream(capability, hello))).toMatchObject({ error: { code: 'peer_offline' } });
    expect(asked).toHaveLength(1);
  });
});

const createStreamStreet = () => ({ ...createTestBus(), capability: echo() });

describe('a provider that says nothing', () => {
  it('leaves time for the next one: half of what is left, and all of it where nobody else can be asked', async () => {
    const world = createTestBus();
    const capability = echo({ timeoutMs: 10_000 });
    world.neighbour('bora', capability, never);
    world.neighbour('chen', capability, never);
    world.neighbour('dora', capability, says('from dora'));
    let reply: unknown = null;
    void world.bus.call(capability, hello).then((each) => (reply = each));
    await settle();
    world.clock.advance(5_000);
    await settle();
    expect(world.asked.map(({ device, request }) => [device, request.deadlineMs])).toEqual([
      ['bora', 10_000],
      ['chen', 5_000],
    ]);
    world.clock.advance(2_500);
    await settle();
    expect(reply).toMatchObject({ value: { meta: { servedBy: 'dora', ms: 7_500 } } });
  });

  it('is given all the time where the work is heavy or must not be repeated', async () => {
    for (const over of [{ cost: 'heavy' }, { idempotent: false }] as const) {
      const world = createTestBus();
      const capability = echo({ timeoutMs: 10_000, ...over });
      world.neighbour('bora', capability, never);
      world.neighbour('chen', capability, says('from chen'));
      let reply: unknown = null;
      void world.bus.call(capability, hello).then((each) => (reply = each));
      await settle();
      world.clock.advance(9_999);
      await settle();
      expect([world.asked.length, reply]).toEqual([1, null]);
    }
  });

  it('is not left in the middle of a stream that has begun', async () => {
    const world = createTestBus();
    const capability = echo({ timeoutMs: 10_000 });
    world.neighbour('bora', capability, async function* (_input, signal) {
      yield { text: 'one' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return ok({ text: 'end' });
    });
    world.neighbour('chen', capability, says('from chen'));
    const stream = world.bus.stream(capability, hello);
    await stream.next();
    let reply: unknown = null;
    void stream.next().then((each) => (reply = each.value));
    await settle();
    world.clock.advance(9_999);
    await settle();
    expect(reply).toBeNull();
    world.clock.advance(1);
    await settle();
    expect(reply).toMatchObject({ error: { code: 'timeout', reason: 'deadline' } });
  });

  it('is blamed only for a wait that was long for it', async () => {
    const world = createTestBus();
    const capability = echo({ timeoutMs: 10_000 });
    world.neighbour('bora', capability, never);
    world.bus.health.record('bora', 'test.echo', { kind: 'served', ms: 300 }, 0);
    const rateAfter = async (deadlineMs: number) => {
      const reply = world.bus.call(capability, hello, { deadlineMs });
      await settle();
      world.clock.advance(deadlineMs);
      await reply;
      return world.bus.health.of('bora', 'test.echo', world.clock.now()).successRate;
    };
    expect([await rateAfter(599), await rateAfter(1_200)]).toEqual([1, 0.5]);
  });
});

describe("a caller's own stream", () => {
  const capability = asAny({ ...echo(), inputItem: object({ text: string() }) });
  const items = (seen: string[]) =>
    (async function* () {
      try {
        yield { text: 'one' };
        yield { text: 'two' };
      } finally {
        seen.push('closed');
      }
    })();

  it('goes whole to the next provider when the first has read nothing of it', async () => {
    const { bus, neighbour } = createTestBus();
    const read: unknown[] = [];
    neighbour('bora', capability as never, async (_input, _signal, { items: lent }) => {
      await lent?.[Symbol.asyncIterator]().return?.(undefined);
      return err(failure('unavailable', 'gone'));
    });
    neighbour('chen', capability as never, async (_input, _signal, { items: lent = [] }) => {
      for await (const item of lent) read.push(item);
      return ok({ text: 'done' });
    });
    const seen: string[] = [];
    expect(await bus.call(capability, hello, { items: items(seen) })).toMatchObject({
      value: { meta: { servedBy: 'chen' } },
    });
    expect([read, seen]).toEqual([[{ text: 'one' }, { text: 'two' }], ['closed']]);
  });

  it('is never asked for half: who has read from it is the last that is asked', async () => {
    const { bus, neighbour, asked } = createTestBus();
    neighbour('bora', capability as never, async (_input, _signal, { items: lent }) => {
      await lent?.[Symbol.asyncIterator]().next();
      return err(failure('unavailable', 'gone'));
    });
    neighbour('chen', capability as never, says('from chen'));
    const seen: string[] = [];
    expect(await bus.call(capability, hello, { items: items(seen) })).toMatchObject({
      error: { code: 'unavailable' },
    });
    await settle();
    expect([asked.length, seen]).toEqual([1, ['closed']]);
  });

  it('is not handed to who takes none', async () => {
    const { bus, neighbour, asked } = createTestBus();
    neighbour('bora', echo(), says('b'));
    await bus.call(asAny(echo()), hello, { items: items([]) });
    expect(asked[0]?.request.items).toBeUndefined();
  });
});
