import { unknown } from 'valibot';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { asAny, echo, offerOf } from './bus-fixture.ts';
import { carry, settle } from './link-fixture.ts';
import { callFrame, createRpcHouse, framesOf, say } from './rpc-fixture.ts';

const hello = { text: 'hello' };

const twoHouses = (over = {}) => {
  const capability = echo(over);
  const [anna, bora] = [
    createRpcHouse('anna', [capability], { bora: 'member' }),
    createRpcHouse('bora', [capability], { anna: 'member' }),
  ];
  const [toBora, toAnna] = [anna.linkTo('bora'), bora.linkTo('anna')];
  anna.bus.registry.setRemote('bora', [offerOf(capability)], anna.clock.now());
  return { capability, anna, bora, toBora, toAnna, carry: () => carry(toBora, toAnna) };
};

describe('calls over a link', () => {
  it('are answered by the neighbour, who sees the proven device as the caller', async () => {
    const { capability, anna, bora, carry } = twoHouses();
    const callers: unknown[] = [];
    bora.bus.register(
      capability,
      async (input, { caller }) => (callers.push(caller), ok({ text: `${input.text} back` })),
    );
    const reply = anna.bus.call(capability, hello);
    await carry();
    expect(await reply).toMatchObject({
      value: { output: { text: 'hello back' }, meta: { servedBy: 'bora', route: 'neighbour' } },
    });
    expect(callers).toEqual([{ kind: 'device', device: 'anna' }]);
    expect([anna.rpc.inFlight(), bora.rpc.inFlight()]).toEqual([0, 0]);
  });

  it('stream no more items than the reader has granted, and all of them in the end', async () => {
    const { capability, anna, bora, toAnna, carry } = twoHouses({ timeoutMs: 0 });
    bora.bus.register(capability, async function* () {
      for (let at = 0; at < 100; at++) yield { text: String(at) };
      return ok({ text: 'end' });
    });
    const stream = anna.bus.stream(capability, hello);
    const first = stream.next();
    await carry();
    expect((await first).value).toEqual({ text: '0' });
    // One is read, 32 were granted, and the reader stands still.
    await settle();
    expect(toAnna.sent).toEqual([]);
    const items = ['0'];
    const read = (async () => {
      let step = await stream.next();
      for (; !step.done; step = await stream.next()) items.push(step.value.text);
      return step.value;
    })();
    await carry();
    expect(await read).toMatchObject({ ok: true });
    expect(items).toEqual(Array.from({ length: 100 }, (_, at) => String(at)));
  });

  it('tell the neighbour when the reader leaves, and free everything on both sides', async () => {
    const { capability, anna, bora, carry } = twoHouses({ timeoutMs: 0 });
    let wasTold = false;
    bora.bus.register(capability, async function* (_input, { signal }) {
      yield { text: 'one' };
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => ((wasTold = true), resolve())));
      return ok({ text: 'end' });
    });
    const control = new AbortController();
    const stream = anna.bus.stream(capability, hello, { signal: control.signal });
    const first = stream.next();
    await carry();
    await first;
    control.abort();
    expect(await stream.next()).toMatchObject({ done: true, value: { error: { code: 'cancelled' } } });
    await carry();
    expect([wasTold, anna.rpc.inFlight(), bora.rpc.inFlight(), bora.bus.inFlight()]).toEqual([true, 0, 0, 0]);
  });

  it('end when the link is lost: what was sent may have happened', async () => {
    const { capability, anna, toBora } = twoHouses({ idempotent: false });
    const reply = anna.bus.call(capability, hello);
    await settle();
    anna.links.down(toBora);
    expect(await reply).toMatchObject({ error: { code: 'unknown_outcome', reason: 'link-lost' } });
    expect(anna.rpc.inFlight()).toBe(0);
  });

  it('that could not be sent have not happened', async () => {
    const { capability, anna, toBora } = twoHouses({ idempotent: false });
    toBora.block();
    expect(await anna.bus.call(capability, hello)).toMatchObject({
      error: { code: 'peer_offline', reason: 'not-sent' },
    });
  });

  it('with a reply that cannot travel are told as a bug of who serves', async () => {
    const { capability, anna, bora, carry } = twoHouses();
    bora.bus.register(capability, (async () => ok({ text: 1.5 })) as never);
    const reply = anna.bus.call(capability, hello);
    await carry();
    expect(await reply).toMatchObject({ error: { code: 'internal', reason: 'reply-not-encodable' } });
  });

  it('with a reply or an input above the frame bound are refused on the side that made it', async () => {
    const { capability, anna, bora, carry } = twoHouses({ idempotent: false });
    const big = 'x'.repeat(limits.frameBytesMax);
    bora.bus.register(capability, async () => ok({ text: big }));
    const reply = anna.bus.call(capability, hello);
    await carry();
    expect(await reply).toMatchObject({ error: { code: 'too_large', reason: 'reply' } });
    expect(await anna.bus.call(capability, { text: big })).toMatchObject({
      error: { code: 'too_large', reason: 'input' },
    });
  });

  it('carry what the caller asked of the provider', async () => {
    const { capability, anna, toBora } = twoHouses();
    anna.bus.registry.setRemote('bora', [offerOf(capability, { params: { corpus: ['notes'] } })], anna.clock.now());
    void anna.bus.call(capability, hello, { params: { corpus: 'notes' } });
    await settle();
    expect(framesOf(toBora)).toMatchObject([{ t: 'call', cap: 'test.echo@1.2', params: { corpus: 'notes' } }]);
  });
});

describe('a call carries', () => {
  it('what it is called, its session, what is left of its time, and the tokens', async () => {
    const { capability, anna, toBora } = twoHouses({ timeoutMs: 5_000 });
    void anna.bus.call(capability, hello, { trace: 'walk', clientId: 'once', session: 'talk', deadlineMs: 700 });
    void anna.bus.call(capability, hello);
    await settle();
    expect(framesOf(toBora)).toMatchObject([
      { t: 'call', trace: 'walk', clientId: 'once', session: 'talk', deadlineMs: 700 },
      { t: 'call', deadlineMs: 5_000 },
    ]);
  });

  it('nothing that would be refused: names too long and inputs that cannot travel never leave', async () => {
    const { capability, anna, toBora } = twoHouses({ idempotent: false });
    const long = 'x'.repeat(limits.callNameCharsMax + 1);
    for (const options of [{ trace: long }, { clientId: '' }, { session: long }])
      expect(await anna.bus.call(capability, hello, options)).toMatchObject({ error: { code: 'bad_request' } });
    const anything = { ...asAny(capability), input: unknown() };
    expect(await anna.bus.call(anything, { fraction: 0.5 })).toMatchObject({
      error: { code: 'bad_request', reason: 'input-not-encodable' },
    });
    expect(framesOf(toBora)).toEqual([]);
  });

  it('on with less time than it was given: the far handler is stopped when that is over', async () => {
    const { capability, anna, bora, carry } = twoHouses({ timeoutMs: 60_000 });
    let reason: unknown;
    bora.bus.register(
      capability,
      (_input, { signal }) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            ({ reason } = signal);
            resolve(ok({ text: 'late' }));
          }),
        ),
    );
    const reply = anna.bus.call(capability, hello, { deadlineMs: 700 });
    await carry();
    bora.clock.advance(700);
    await carry();
    expect(reason).toMatchObject({ code: 'timeout' });
    expect(await reply).toMatchObject({ error: { code: 'timeout' } });
  });
});

describe('calls beside each other', () => {
  it('are interleaved: a slow one and one that streams block nothing', async () => {
    const { capability, anna, bora, carry } = twoHouses({ maxConcurrent: 64, timeoutMs: 0 });
    let goOn = (): void => {};
    bora.bus.register(capability, async function* (input) {
      if (input.text === 'slow') await new Promise<void>((resolve) => (goOn = resolve));
      if (input.text === 'stream') for (let at = 0; at < 500; at++) yield { text: String(at) };
      return ok(input);
    });
    const slow = anna.bus.call(capability, { text: 'slow' });
    const stream = anna.bus.stream(capability, { text: 'stream' });
    const first = stream.next();
    const quick = Array.from({ length: 10 }, (_, at) => anna.bus.call(capability, { text: `quick ${at}` }));
    await carry();
    expect((await Promise.all(quick)).map((reply) => reply.ok && reply.value.output.text)).toEqual(
      Array.from({ length: 10 }, (_, at) => `quick ${at}`),
    );
    expect((await first).value).toEqual({ text: '0' });
    goOn();
    await carry();
    expect(await slow).toMatchObject({ value: { output: { text: 'slow' } } });
    void stream.return({ ok: false, error: { code: 'cancelled', reason: 'test' } });
  });

  it('are no more than the neighbour would take: the seventeenth is refused here and not sent', async () => {
    const { capability, anna, toBora } = twoHouses({ timeoutMs: 0 });
    for (let at = 0; at < limits.callsInFlightPerPeerMax; at++) void anna.bus.call(capability, hello);
    expect(await anna.bus.call(capability, hello)).toMatchObject({ error: { code: 'rate_limited' } });
    expect(framesOf(toBora)).toHaveLength(limits.callsInFlightPerPeerMax);
  });
});

describe('cancelling', () => {
  it('reaches the far handler with one frame, in half a round trip, however much its streams have sent', async () => {
    const { capability, anna, bora, toBora, toAnna, carry } = twoHouses({ timeoutMs: 0 });
    let wasTold = false;
    bora.bus.register(capability, async function* (_input, { signal }) {
      signal.addEventListener('abort', () => (wasTold = true));
      for (;;) yield { text: 'x' };
    });
    const control = new AbortController();
    const stream = anna.bus.stream(capability, hello, { signal: control.signal });
    const first = stream.next();
    await carry();
    await first;
    control.abort();
    // Nothing but the one frame on the wire: no clock has moved, and nothing of bora's has been carried back.
    expect(framesOf(toBora).map(({ t }) => t)).toEqual(['cancel']);
    say(toAnna, { t: 'cancel', id: 1 });
    expect(wasTold).toBe(true);
    await stream.next();
    await carry();
    expect([anna.rpc.inFlight(), bora.rpc.inFlight(), anna.refused, bora.refused]).toEqual([0, 0, [], []]);
  });

  it('of a call that still waits for its turn takes it back: it never happens', async () => {
    const { capability, anna, toBora } = twoHouses({ idempotent: false, timeoutMs: 0 });
    const undrain = toBora.fill();
    const control = new AbortController();
    const big = 'x'.repeat(limits.chunkBytes + 1);
    const reply = anna.bus.call(capability, { text: big }, { signal: control.signal });
    await settle();
    control.abort();
    expect(await reply).toMatchObject({ error: { code: 'cancelled' } });
    undrain();
    await settle();
    expect([framesOf(toBora), anna.rpc.inFlight()]).toEqual([[], 0]);
  });
});

describe('the start of rpc', () => {
  it('a second time serves every link once, as before', async () => {
    const capability = echo();
    const house = createRpcHouse('anna', [capability], { bora: 'member' });
    let handled = 0;
    house.bus.register(capability, async (input) => ((handled += 1), ok(input)));
    const link = house.linkTo('bora');
    void house.rpc.start();
    say(link, callFrame(1));
    await settle();
    expect([framesOf(link).map(({ t }) => t), handled, house.refused]).toEqual([['done'], 1, []]);
    house.rpc.stop();
    house.rpc.stop();
    void house.rpc.start();
    say(link, callFrame(1));
    await settle();
    expect([framesOf(link).map(({ t }) => t), handled]).toEqual([['done'], 2]);
  });
});

describe('the end of rpc', () => {
  it('cancels all calls of a link and does not answer any more', async () => {
    const capability = echo({ timeoutMs: 0 });
    const house = createRpcHouse('anna', [capability], { bora: 'member' });
    house.bus.register(
      capability,
      (_input, { signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(ok({ text: 'late' })))),
    );
    const link = house.linkTo('bora');
    say(link, callFrame(1));
    await settle();
    expect(house.rpc.inFlight()).toBe(1);
    house.rpc.stop();
    await settle();
    expect([house.rpc.inFlight(), house.bus.inFlight()]).toEqual([0, 0]);
  });
});
