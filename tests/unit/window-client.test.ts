import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createStreet } from '../support/window-street.ts';
import { echo, flood, guarded, post, settled, slow, view } from '../support/window-world.ts';

let street: ReturnType<typeof createStreet>;
const enter = () => (street = createStreet());
afterEach(() => street.closeAll());

/** Reads a stream in the background and keeps what came. */
const watch = <S, R>(stream: AsyncGenerator<S, R>) => {
  const items: S[] = [];
  const reply = (async () => {
    for (;;) {
      const step = await stream.next();
      if (step.done) return step.value;
      items.push(step.value);
    }
  })();
  return { items, reply };
};

describe('a window', () => {
  it('calls the node as this device itself and gets output and meta', async () => {
    const { startNode, openWindow } = enter();
    startNode('node-a', 1);
    const { client } = openWindow('anna');
    const reply = await client.call(echo, { text: 'hello' });
    expect(reply).toMatchObject({
      ok: true,
      value: { output: { text: 'hello', node: 'node-a' }, meta: { servedBy: 'node-a', route: 'local' } },
    });
    expect(await client.call(guarded, {})).toMatchObject({ ok: true, value: { output: { caller: 'self' } } });
  });

  it('waits for a node that is still starting', async () => {
    const { startNode, openWindow } = enter();
    const { client } = openWindow('anna');
    const reply = client.call(echo, { text: 'early' });
    await settled();
    startNode('node-a', 1);
    expect(await reply).toMatchObject({ ok: true });
  });

  it('hears only its own answers where two windows use the same numbers', async () => {
    const { startNode, openWindow } = enter();
    startNode('node-a', 1);
    const [anna, bora] = [openWindow('anna').client, openWindow('bora').client];
    const [toAnna, toBora] = await Promise.all([
      anna.call(echo, { text: 'for anna' }),
      bora.call(echo, { text: 'for bora' }),
    ]);
    expect([toAnna, toBora]).toMatchObject([
      { value: { output: { text: 'for anna' } } },
      { value: { output: { text: 'for bora' } } },
    ]);
  });

  it('is told the truth about wrong input, an unknown capability and what cannot be copied', async () => {
    const { startNode, openWindow } = enter();
    startNode('node-a', 1);
    const { client } = openWindow('anna');
    expect(await client.call(echo, { text: 7 as unknown as string })).toMatchObject({
      ok: false,
      error: { code: 'schema_mismatch' },
    });
    expect(await client.call({ ...echo, name: 'test.unknown' }, { text: 'x' })).toMatchObject({
      ok: false,
      error: { code: 'not_found' },
    });
    expect(await client.call({ ...echo, version: { major: 2, minor: 0 } }, { text: 'x' })).toMatchObject({
      ok: false,
      error: { code: 'not_found' },
    });
    const uncopyable = { text: 'x', more: () => 1 };
    expect(await client.call(echo, uncopyable)).toMatchObject({ ok: false, error: { code: 'bad_request' } });
  });

  it('cancels the handler when the reader leaves the loop, and when the signal aborts', async () => {
    const { startNode, openWindow } = enter();
    const node = startNode('node-a', 1);
    const { client } = openWindow('anna');
    for await (const item of client.stream(view, {})) {
      expect(item).toEqual({ node: 'node-a', value: 0 });
      break;
    }
    await settled();
    expect(node.seen.viewsOpen).toBe(0);

    const control = new AbortController();
    const reply = client.call(slow, {}, { signal: control.signal });
    await settled();
    expect(node.seen.slowStarted).toBe(1);
    control.abort();
    expect(await reply).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    await settled();
    expect(node.seen.cancelled).toBe(1);
    expect(node.server.openWindows()).toBe(0);
  });

  it('does not even ask when its signal was aborted before', async () => {
    const { startNode, openWindow, wire } = enter();
    startNode('node-a', 1);
    const { client } = openWindow('anna');
    await settled();
    expect(await client.call(echo, { text: 'x' }, { signal: AbortSignal.abort() })).toMatchObject({
      ok: false,
      error: { code: 'cancelled' },
    });
    expect(wire.heard.filter(({ type }) => type === 'call')).toEqual([]);
  });

  it('holds a producer that never rests to the credit its reader gave', async () => {
    const { startNode, openWindow } = enter();
    const node = startNode('node-a', 1);
    const { client } = openWindow('anna');
    const stream = client.stream(flood, {});
    await stream.next();
    await settled();
    expect(node.seen.floodProduced).toBe(limits.streamCreditItems);
    for (let read = 1; read < 500; read++) expect((await stream.next()).value).toEqual({ n: read + 1 });
    await settled();
    expect(node.seen.floodProduced).toBeLessThanOrEqual(500 + limits.streamCreditItems);
    await stream.return(undefined as never);
  });
});

describe('a window whose node changes', () => {
  it('asks for its subscriptions again and shows the new node’s state, not what was left of the old', async () => {
    const { startNode, openWindow } = enter();
    const first = startNode('node-a', 1);
    const { client } = openWindow('anna');
    const { items } = watch(client.stream(view, {}));
    await settled();
    first.setValue(1);
    await settled();
    first.vanish();
    startNode('node-b', 2);
    await settled();
    startNode('node-c', 3);
    await settled();
    expect(items).toEqual([
      { node: 'node-a', value: 0 },
      { node: 'node-a', value: 1 },
      { node: 'node-b', value: 0 },
      { node: 'node-c', value: 0 },
    ]);
  });

  it('repeats an idempotent call once, and only once', async () => {
    const { startNode, openWindow } = enter();
    startNode('node-a', 1).vanish();
    const { client } = openWindow('anna');
    const a = startNode('node-b', 2);
    const once = client.call(slow, {});
    await settled();
    a.vanish();
    const b = startNode('node-c', 3);
    await settled();
    expect(b.seen.slowStarted).toBe(1);
    const twice = client.call(slow, {});
    await settled();
    b.answer();
    expect(await once).toMatchObject({ ok: true, value: { output: { node: 'node-c' } } });
    expect(await twice).toMatchObject({ ok: true });

    const unlucky = client.call(slow, {});
    await settled();
    b.vanish();
    const c = startNode('node-d', 4);
    await settled();
    c.vanish();
    startNode('node-e', 5);
    expect(await unlucky).toMatchObject({ ok: false, error: { code: 'unavailable', reason: 'leader-changed' } });
  });

  it('says unknown_outcome for a call that may have happened, and never makes it happen twice', async () => {
    const { startNode, openWindow, posts } = enter();
    const first = startNode('node-a', 1);
    const { client } = openWindow('anna');
    const reply = client.call(post, { text: 'sell my bicycle' });
    await settled();
    first.vanish();
    startNode('node-b', 2);
    expect(await reply).toMatchObject({ ok: false, error: { code: 'unknown_outcome' } });
    await settled();
    expect(posts).toEqual(['sell my bicycle']);
  });

  it('is told when a node ends on purpose and waits for the next one', async () => {
    const { startNode, openWindow } = enter();
    const first = startNode('node-a', 1);
    const { client } = openWindow('anna');
    const { items } = watch(client.stream(view, {}));
    await settled();
    first.server.stop();
    await settled();
    const reply = client.call(echo, { text: 'between' });
    await settled();
    startNode('node-b', 1);
    expect(await reply).toMatchObject({ ok: true, value: { output: { node: 'node-b' } } });
    expect(items.map(({ node }) => node)).toEqual(['node-a', 'node-b']);
  });

  it('does not go back to an old leader that wakes up and does not know that it is one no more', async () => {
    const { startNode, openWindow, wire } = enter();
    startNode('node-a', 1).vanish();
    startNode('node-b', 2);
    const { client } = openWindow('anna');
    await settled();
    wire.raw({ type: 'beat', node: 'node-a', term: 1, build: 'build-1' });
    await settled();
    expect(await client.call(echo, { text: 'x' })).toMatchObject({ ok: true, value: { output: { node: 'node-b' } } });
  });

  it('reads a node of another build like a neighbour: what does not fit the contract never reaches the screen', async () => {
    const { openWindow, wire } = enter();
    const { client } = openWindow('anna');
    wire.raw({ type: 'beat', node: 'old', term: 1, build: 'build-0' });
    await settled();
    const { items, reply } = watch(client.stream(view, {}));
    const answer = client.call(echo, { text: 'x' });
    await settled();
    const to = { window: 'anna', node: 'old' };
    wire.raw({ type: 'item', ...to, id: 1, value: { node: 'old', value: 'not a number' } });
    wire.raw({
      type: 'done',
      ...to,
      id: 2,
      reply: { ok: true, value: { output: { text: 5 }, meta: { servedBy: 'old', route: 'local', ms: 1 } } },
    });
    expect(await reply).toMatchObject({ ok: false, error: { code: 'schema_mismatch' } });
    expect(await answer).toMatchObject({ ok: false, error: { code: 'schema_mismatch' } });
    expect(items).toEqual([]);
  });
});
