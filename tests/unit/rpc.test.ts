import { describe, expect, it } from 'vitest';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { failure } from '../../src/lib/kernel/errors.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { encodeRpc, parseRpc, type RpcFrame } from '../../src/lib/mesh/rpc-frames.ts';
import { echo, offerOf } from './bus-fixture.ts';
import { carry, settle } from './link-fixture.ts';
import { callFrame, createRpcHouse, framesOf, say } from './rpc-fixture.ts';

const hello = { text: 'hello' };

describe('rpc frames', () => {
  const frames: readonly RpcFrame[] = [
    callFrame(1, { params: { corpus: 'street-notes' } }),
    callFrame(1, { tokens: [Uint8Array.of(1), Uint8Array.of(2)] }),
    { t: 'item', id: 2, value: [1, null] },
    { t: 'done', id: 0, value: { text: 'x' } },
    { t: 'error', id: 3, failure: failure('rate_limited', 'calls', 1000) },
    { t: 'error', id: 3, failure: failure('forbidden', 'no') },
    { t: 'cancel', id: 4 },
    { t: 'credit', id: 5, n: 16 },
    { t: 'presence', presence: Uint8Array.of(1) },
  ];

  it('are read back as they were written, and refused when cut anywhere', () => {
    for (const frame of frames) {
      const bytes = encodeRpc(frame);
      expect(parseRpc(bytes)).toEqual({ ok: true, value: frame });
      for (let length = 0; length < bytes.length; length++) expect(parseRpc(bytes.subarray(0, length)).ok).toBe(false);
    }
  });

  it('of the wrong shape are refused', () => {
    const odd: [Cbor, string][] = [
      [[], 'rpc-malformed'],
      [{ t: 'call' }, 'rpc-malformed'],
      [{ t: 'call', id: -1, cap: 'a.b@1.0', params: {} }, 'rpc-malformed'],
      [{ t: 'call', id: 1, cap: 5, params: {} }, 'rpc-malformed'],
      [{ t: 'call', id: 1, cap: 'a.b@1.0', params: [] }, 'rpc-malformed'],
      [{ t: 'call', id: 1, cap: 'a.b@1.0', params: { a: 5 } }, 'rpc-malformed'],
      [{ t: 'call', id: 1, cap: 'a.b@1.0', params: { a: 'x'.repeat(81) } }, 'rpc-malformed'],
      [
        {
          t: 'call',
          id: 1,
          cap: 'a.b@1.0',
          params: Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`k${at}`, 'v'])),
        },
        'rpc-malformed',
      ],
      ...[[], 'x', ['x'], [1], Array.from({ length: 5 }, () => new Uint8Array(1)), [new Uint8Array(2_401)]].map(
        (tokens): [Cbor, string] => [{ t: 'call', id: 1, cap: 'a.b@1.0', params: {}, tokens }, 'rpc-malformed'],
      ),
      [{ t: 'credit', id: 1, n: 1025 }, 'rpc-malformed'],
      [{ t: 'credit', id: 1 }, 'rpc-malformed'],
      [{ t: 'error', id: 1, code: 'made_up', reason: 'x' }, 'rpc-malformed'],
      [{ t: 'error', id: 1, code: 'constructor', reason: 'x' }, 'rpc-malformed'],
      [{ t: 'error', id: 1, code: 'internal', reason: 'x'.repeat(121) }, 'rpc-malformed'],
      [{ t: 'presence', presence: 'text' }, 'rpc-malformed'],
      [{ t: 'other', id: 1 }, 'rpc-type'],
      [{ id: 1 }, 'rpc-type'],
    ];
    for (const [body, reason] of odd)
      expect([body, parseRpc(encodeCbor(body))]).toEqual([body, { ok: false, error: reason }]);
  });

  it('do not let a neighbour make us wait for more than an hour', () => {
    expect(
      parseRpc(
        encodeCbor({ t: 'error', id: 1, code: 'rate_limited', reason: 'x', retryAfterMs: Number.MAX_SAFE_INTEGER }),
      ),
    ).toMatchObject({ value: { failure: { retryAfterMs: 3_600_000 } } });
  });
});

describe('calls over a link', () => {
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
