import { afterEach, describe, expect, it } from 'vitest';
import type { CallOptions } from '../../src/lib/kernel/bus/call.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createStreet } from '../support/window-street.ts';
import { echo, settled, slow, sum } from '../support/window-world.ts';

let street: ReturnType<typeof createStreet>;
const enter = () => (street = createStreet());
afterEach(() => street.closeAll());

/** Ones, as many as are asked for, and what became of them. */
const createOnes = (most: number) => {
  let made = 0;
  let isOver = false;
  const ones = async function* () {
    try {
      while (made < most) {
        made += 1;
        yield { n: 1 };
      }
    } finally {
      isOver = true;
    }
  };
  return { items: ones(), made: () => made, isOver: () => isOver };
};

const annaWithNode = () => {
  const world = enter();
  const node = world.startNode('node-a', 1);
  const { client, port } = world.openWindow('anna');
  return { ...world, node, client, port };
};

describe('the stream of a page', () => {
  it('reaches the handler item by item, and what the handler says to each comes back', async () => {
    const { client } = annaWithNode();
    const sums: number[] = [];
    const stream = client.stream(sum, { most: 1_000 }, { items: createOnes(100).items });
    let step = await stream.next();
    for (; !step.done; step = await stream.next()) sums.push(step.value.sum);
    expect(step.value).toMatchObject({ value: { output: { sum: 100 } } });
    expect(sums).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
  });

  it('is asked for no more than the node wants, and ends when the handler has had enough', async () => {
    const { client, node } = annaWithNode();
    const { items, made, isOver } = createOnes(10_000);
    const stream = client.stream(sum, { most: 200 }, { items });
    await stream.next();
    await settled();
    // The page has read one sum of those it gave credit for, so the handler reads no further than that.
    expect(made()).toBeLessThanOrEqual(limits.streamCreditItems * 3);
    let step = await stream.next();
    while (!step.done) step = await stream.next();
    expect(step.value).toMatchObject({ value: { output: { sum: 200 } } });
    await settled();
    expect([made() <= 200 + limits.streamCreditItems, isOver(), node.seen.sumsOpen]).toEqual([true, true, 0]);
  });

  it('ends with the call when the reader leaves', async () => {
    const { client, node } = annaWithNode();
    const { items, isOver } = createOnes(10_000);
    for await (const _ of client.stream(sum, { most: 9_000 }, { items })) break;
    await settled();
    expect([isOver(), node.seen.sumsOpen]).toEqual([true, 0]);
  });

  it('with an item of no schema, one that cannot be copied, or a break in it ends the call and says why', async () => {
    const { client, node } = annaWithNode();
    const of = async function* (...all: unknown[]) {
      for (const each of all) {
        if (each instanceof Error) throw each;
        yield each;
      }
    };
    const ask = (items: AsyncIterable<unknown>) => client.call(sum, { most: 9 }, { items });
    expect(await ask(of({ n: 'one' }))).toMatchObject({ error: { code: 'schema_mismatch', reason: 'input-item' } });
    expect(await ask(of({ n: 1 }, { n: () => 1 }))).toMatchObject({
      error: { code: 'bad_request', reason: 'item-cannot-be-copied' },
    });
    expect(await ask(of({ n: 1 }, new Error('the camera is gone')))).toMatchObject({
      error: { code: 'bad_request', reason: 'input-items: the camera is gone' },
    });
    await settled();
    expect(node.seen.sumsOpen).toBe(0);
  });

  it('is not begun a second time by another node: nobody knows how far the first came', async () => {
    const { client, node, startNode } = annaWithNode();
    const some = createOnes(20);
    const withoutEnd = async function* () {
      yield* some.items;
      await new Promise<never>(() => {});
    };
    const reply = client.call(sum, { most: 9_000 }, { items: withoutEnd() });
    await settled();
    node.server.stop();
    const other = startNode('node-b', 2);
    expect(await reply).toMatchObject({ error: { code: 'unavailable', reason: 'leader-changed' } });
    expect(other.seen.sumsOpen).toBe(0);
  });

  it('waits for a node that is still starting', async () => {
    const { openWindow, startNode } = enter();
    const { client } = openWindow('anna');
    const { items, made } = createOnes(5);
    const reply = client.call(sum, { most: 5 }, { items });
    await settled();
    expect(made()).toBe(0);
    startNode('node-a', 1);
    expect(await reply).toMatchObject({ value: { output: { sum: 5 } } });
  });
});

describe('a page that streams wrongly', () => {
  const raw = (over: object) => ({ window: 'mallory', node: 'node-a', id: 1, ...over });
  const call = raw({ type: 'call', capability: 'test.sum@1.0', input: { most: 9e9 }, options: {}, credit: 1 });

  it('loses the call with the first item beyond what was wanted, and for a call that takes none', async () => {
    const { wire, node } = annaWithNode();
    wire.raw({ ...call, streams: true });
    for (let at = 0; at < limits.streamCreditItems * 2; at++) wire.raw(raw({ type: 'feed', value: { n: 1 } }));
    wire.raw({ ...call, id: 2 });
    wire.raw(raw({ type: 'feed', id: 2, value: { n: 1 } }));
    await settled();
    const dones = wire.heard.flatMap((message) =>
      message.type === 'done' && !message.reply.ok ? [message.reply.error.reason] : [],
    );
    expect(dones.toSorted()).toEqual(['credit-overrun', 'no-stream']);
    expect(node.seen.sumsOpen).toBe(0);
  });

  it('changes nothing with items and ends for calls that do not run', async () => {
    const { wire, client } = annaWithNode();
    wire.raw(raw({ type: 'feed', value: { n: 1 } }));
    wire.raw(raw({ type: 'fed' }));
    await settled();
    expect(wire.heard.filter(({ type }) => type === 'done')).toEqual([]);
    expect(await client.call(echo, { text: 'still here' })).toMatchObject({ ok: true });
  });
});

describe('a call of a page', () => {
  it('carries its names, its session and its time to the node', async () => {
    const { client, wire } = annaWithNode();
    const options: CallOptions = { session: 'talk', trace: 'walk', clientId: 'once', deadlineMs: 700.5 };
    const reply = await client.call(echo, { text: 'x' }, options);
    expect(reply).toMatchObject({ value: { meta: { trace: 'walk' } } });
    const sent = wire.heard.find(({ type }) => type === 'call');
    expect(sent).toMatchObject({ options: { ...options, deadlineMs: 701 } });
  });

  it('ends at its own time where that is shorter than the capability’s', async () => {
    const { client, node, advance } = annaWithNode();
    const reply = client.call(slow, {}, { deadlineMs: 500 });
    await settled();
    await advance(500);
    expect(await reply).toMatchObject({ error: { code: 'timeout' } });
    expect(node.seen.cancelled).toBe(1);
  });

  it('with a name that could not travel is refused before it is sent', async () => {
    const { client, wire } = annaWithNode();
    const long = 'x'.repeat(limits.callNameCharsMax + 1);
    for (const options of [{ session: long }, { trace: '' }, { clientId: long }])
      expect(await client.call(echo, { text: 'x' }, options)).toMatchObject({
        error: { code: 'bad_request', reason: 'call-name' },
      });
    expect(wire.heard.filter(({ type }) => type === 'call')).toEqual([]);
  });
});
