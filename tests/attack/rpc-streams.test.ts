import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../../src/lib/kernel/codec.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { encodeRpc, type RpcFrame } from '../../src/lib/mesh/rpc-frames.ts';
import { settle } from '../unit/link-fixture.ts';
import {
  callFrame,
  createRpcHouse,
  doneFrame,
  framesOf,
  gather,
  gatherFrame,
  gatherOffer,
  itemFrame,
  said,
  say,
  upFrame,
  type Gather,
} from '../unit/rpc-fixture.ts';

/** Anna serves what takes a stream; mallory is a member at the other end. `reads`: how many items the handler asks for. */
const serving = (reads = Infinity) => {
  const house = createRpcHouse('anna', [gather()], { mallory: 'member' });
  const seen: number[] = [];
  let ended = 0;
  house.bus.register(gather(), async (_input, { items, signal }) => {
    signal.addEventListener('abort', () => (ended += 1));
    if (reads > 0)
      for await (const { n } of items) {
        seen.push(n);
        if (seen.length >= reads) break;
      }
    if (reads < Infinity) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    return ok({ text: seen.join(' ') });
  });
  return { ...house, link: house.linkTo('mallory'), seen, ended: () => ended };
};

describe('a caller who streams wrongly', () => {
  it('loses the call with the first item beyond the credit, and no more than the credit was kept', async () => {
    const { link, refused, seen, ended, rpc } = serving(0);
    say(link, gatherFrame(1));
    await settle();
    for (let n = 0; n <= limits.streamCreditItems; n++) say(link, upFrame(1, { n }));
    await settle();
    expect(framesOf(link).map(said)).toEqual([['error', 1, 'bad_request', 'credit-overrun']]);
    expect([refused, seen, ended(), rpc.inFlight()]).toEqual([['rpc-credit-overrun'], [], 1, 0]);
    for (let n = 0; n < 1_000; n++) say(link, upFrame(1, { n }));
    await settle();
    expect(framesOf(link)).toEqual([]);
    expect(refused.length).toBe(1 + 1_000 - limits.rpcLateFramesMax);
  });

  it('gets credit only for what the handler has read: a stream without end waits with its sender', async () => {
    const { link, seen, refused } = serving(20);
    say(link, gatherFrame(1));
    for (let n = 0; n < limits.streamCreditItems; n++) say(link, upFrame(1, { n }));
    await settle();
    expect(framesOf(link)).toEqual([{ t: 'credit', id: 1, n: limits.streamCreditItems / 2, up: true }]);
    expect([seen.length, refused]).toEqual([20, []]);
  });

  it('is told what was wrong: an item of no schema, of no CBOR, after the end, for a call that takes none', async () => {
    const { link, refused, bus } = serving();
    say(link, gatherFrame(1));
    say(link, upFrame(1, { n: 'five' }));
    say(link, gatherFrame(2));
    say(link, { t: 'item', id: 2, value: Uint8Array.of(0xff), up: true });
    say(link, gatherFrame(3));
    say(link, { t: 'end', id: 3 });
    say(link, upFrame(3, { n: 1 }));
    await settle();
    const answers = framesOf(link).map(said);
    expect(answers).toContainEqual(['error', 1, 'schema_mismatch', 'input-item']);
    expect(answers).toContainEqual(['error', 2, 'schema_mismatch', 'input-item']);
    expect(answers).toContainEqual(['error', 3, 'bad_request', 'after-end']);
    say(link, gatherFrame(4));
    say(link, { t: 'end', id: 4 });
    say(link, { t: 'end', id: 4 });
    await settle();
    const { streams: _, ...alone } = gatherFrame(5);
    say(link, alone);
    say(link, upFrame(5, { n: 1 }));
    await settle();
    expect(framesOf(link).map(said)).toEqual([
      ['done', 4, { text: '' }],
      ['error', 5, 'bad_request', 'no-stream'],
    ]);
    expect(refused).toEqual(['rpc-after-end', 'rpc-after-end', 'rpc-no-stream']);
    expect(bus.inFlight()).toBe(0);
  });

  it('cannot begin before its call, nor speak for a call in the other direction', async () => {
    const { link, refused, seen } = serving(1);
    say(link, upFrame(1, { n: 1 }));
    say(link, { t: 'end', id: 1 });
    say(link, gatherFrame(1));
    say(link, itemFrame(1, { n: 2 }));
    say(link, doneFrame(1, { text: 'x' }));
    say(link, { t: 'credit', id: 1, n: 5, up: true });
    await settle();
    expect([seen, refused]).toEqual([[], Array.from({ length: 5 }, () => 'rpc-unknown-id')]);
    say(link, upFrame(1, { n: 3 }));
    await settle();
    expect(seen).toEqual([3]);
  });

  it('cannot send an item larger than the bound', async () => {
    const { link, refused, seen } = serving();
    say(link, gatherFrame(1));
    say(link, { t: 'item', id: 1, value: new Uint8Array(limits.streamItemBytesMax + 1), up: true });
    await settle();
    expect([seen, refused]).toEqual([[], ['rpc-malformed']]);
  });

  it('leaves nothing when the link goes in the middle', async () => {
    const { link, links, rpc, bus, ended } = serving();
    say(link, gatherFrame(1));
    say(link, upFrame(1, { n: 1 }));
    await settle();
    links.down(link);
    await settle();
    expect([rpc.inFlight(), bus.inFlight(), ended()]).toEqual([0, 0, 1]);
  });
});

/** Anna calls mallory, who is at the other end of the link. */
const calling = (over: Partial<Gather> = {}) => {
  const capability = gather(over);
  const house = createRpcHouse('anna', [capability]);
  const link = house.linkTo('mallory');
  house.bus.registry.setRemote('mallory', [gatherOffer()], house.clock.now());
  return { ...house, capability, link };
};
/** Numbers as fast as they are asked for, and how many were. */
const createNumbers = () => {
  let made = 0;
  let isOver = false;
  const numbers = async function* () {
    try {
      for (;;) yield { n: (made += 1) };
    } finally {
      isOver = true;
    }
  };
  return { items: numbers(), made: () => made, isOver: () => isOver };
};

describe('a provider that treats a stream wrongly', () => {
  it('cannot draw more of the caller than the bound, whatever it grants', async () => {
    const { bus, link, capability, refused } = calling();
    const { items, made, isOver } = createNumbers();
    const reply = bus.call(capability, { text: 'x' }, { items });
    await settle();
    expect(made()).toBe(limits.streamCreditItems);
    for (let at = 0; at < 50; at++) say(link, { t: 'credit', id: 1, n: limits.streamQueueItemsMax, up: true });
    await settle(200);
    expect(made()).toBeLessThanOrEqual(limits.streamCreditItems + limits.streamQueueItemsMax);
    expect(refused.every((reason) => reason === 'rpc-credit-overrun')).toBe(true);
    expect(refused.length).toBeGreaterThanOrEqual(49);
    say(link, doneFrame(1, { text: 'enough' }));
    expect(await reply).toMatchObject({ value: { output: { text: 'enough' } } });
    await settle();
    expect(isOver()).toBe(true);
  });

  it('that never ends is held to what its reader took, and is told to stop when the reader leaves', async () => {
    const { bus, link, capability, rpc } = calling();
    const stream = bus.stream(capability, { text: 'x' });
    const first = stream.next();
    await settle();
    for (let at = 0; at < limits.streamCreditItems; at++) say(link, itemFrame(1, { text: 'x' }));
    await first;
    await settle();
    expect(framesOf(link).map(({ t }) => t)).toEqual(['call']);
    void stream.return({ ok: false, error: { code: 'cancelled', reason: 'test' } });
    await settle();
    expect([framesOf(link).map(({ t }) => t), rpc.inFlight()]).toEqual([['cancel'], 0]);
  });

  it('with an item that is no CBOR, or a reply that is none, has answered wrongly', async () => {
    const { bus, link, capability } = calling({ idempotent: false });
    for (const [at, t] of (['item', 'done'] as const).entries()) {
      const reply = bus.call(capability, { text: 'x' });
      await settle();
      say(link, { t, id: at + 1, value: Uint8Array.of(0xff) });
      expect(await reply).toMatchObject({ error: { code: 'schema_mismatch', reason: 'reply' } });
    }
  });

  it('may still be sending when it is told to stop; what comes much later counts', async () => {
    const { bus, link, capability, refused } = calling();
    const control = new AbortController();
    const reply = bus.call(capability, { text: 'x' }, { signal: control.signal });
    await settle();
    control.abort();
    await reply;
    for (let at = 0; at < limits.streamCreditItems; at++) say(link, itemFrame(1, { text: 'late' }));
    say(link, { t: 'error', id: 1, failure: { code: 'cancelled', reason: 'by-caller' } });
    expect(refused).toEqual([]);
    say(link, itemFrame(1, { text: 'too late' }));
    say(link, doneFrame(1, { text: 'too late' }));
    expect(refused).toEqual(['rpc-unknown-id', 'rpc-unknown-id']);
  });
});

describe('frames in any order', () => {
  const reasons = /^rpc-(unknown-id|duplicate-id|credit-overrun|no-stream|after-end|malformed|type|not-sent)$/;
  const id = fc.integer({ min: 0, max: 6 });
  const value = fc.constantFrom(encodeCbor({ text: 'x' }), encodeCbor({ n: 1 }), encodeCbor(null), Uint8Array.of(0xff));
  const frame: fc.Arbitrary<RpcFrame> = fc.oneof(
    id.map((each) => callFrame(each)),
    id.map((each) => gatherFrame(each)),
    fc.record({ t: fc.constant('item' as const), id, value }),
    fc.record({ t: fc.constant('item' as const), id, value, up: fc.constant(true as const) }),
    fc.record({ t: fc.constant('done' as const), id, value }),
    fc.record({ t: fc.constant('end' as const), id }),
    fc.record({ t: fc.constant('cancel' as const), id }),
    fc.record({ t: fc.constant('credit' as const), id, n: fc.integer({ min: 1, max: 256 }) }),
    fc.record({
      t: fc.constant('credit' as const),
      id,
      n: fc.integer({ min: 1, max: 256 }),
      up: fc.constant(true as const),
    }),
    id.map((each) => ({ t: 'error' as const, id: each, failure: { code: 'internal' as const, reason: 'x' } })),
  );

  it('end every call once, and leave nothing when the link goes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 60 }), fc.boolean(), async (frames, isGone) => {
        const { link, links, rpc, bus, refused } = serving(2);
        const own = calling();
        const stream = own.bus.call(own.capability, { text: 'x' }, { items: createNumbers().items });
        for (const each of frames) {
          link.hear('rpc', encodeRpc(each));
          own.link.hear('rpc', encodeRpc(each));
        }
        await settle(5);
        const ended = framesOf(link).flatMap((each) => (each.t === 'done' || each.t === 'error' ? [each.id] : []));
        expect(new Set(ended).size).toBe(ended.length);
        expect([...refused, ...own.refused].filter((reason) => !reasons.test(reason))).toEqual([]);
        if (isGone) links.down(link);
        else rpc.stop();
        own.links.down(own.link);
        await stream;
        await settle(5);
        expect([rpc.inFlight(), bus.inFlight(), own.rpc.inFlight()]).toEqual([0, 0, 0]);
      }),
      { numRuns: 300 },
    );
  });
});
