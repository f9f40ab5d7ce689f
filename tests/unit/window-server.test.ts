import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createWindowClient } from '../../src/lib/node/window-client.ts';
import { parseWindowMessage, type WindowMessage } from '../../src/lib/node/window-message.ts';
import { serveWindows } from '../../src/lib/node/window-server.ts';
import {
  createHandClock,
  createTestNode,
  createWire,
  echo,
  settled,
  testContracts,
  view,
} from '../support/window-world.ts';

const createWorld = () => {
  const { clock, advance } = createHandClock();
  const wire = createWire();
  const node = createTestNode('node-a', clock);
  const server = serveWindows({
    bus: node.bus,
    contractsByName: testContracts,
    clock,
    node: 'node-a',
    term: 1,
    build: 'build-1',
  });
  const port = wire.open();
  server.add(port);
  const openWindow = (name: string) => {
    const client = createWindowClient({ clock, window: name, build: 'build-1' });
    const port = wire.open();
    client.use(port);
    return { client, port };
  };
  const callView = (window: string, id: number, credit = 1) =>
    wire.raw({ type: 'call', window, node: 'node-a', id, capability: 'test.view@1.0', input: {}, options: {}, credit });
  const dones = () => wire.heard.filter((message) => message.type === 'done');
  return { advance, wire, node, server, openWindow, callView, dones };
};

describe('the node, asked by windows', () => {
  it('cancels what a window had open when it says bye', async () => {
    const { node, server, openWindow } = createWorld();
    const { client } = openWindow('anna');
    await client.stream(view, {}).next();
    expect(node.seen.viewsOpen).toBe(1);
    client.close();
    await settled();
    expect([node.seen.viewsOpen, server.openWindows()]).toEqual([0, 0]);
  });

  it('keeps a window that beats for as long as it likes, and gives up one that fell silent', async () => {
    const { node, advance, openWindow } = createWorld();
    const [anna, bora] = [openWindow('anna'), openWindow('bora')];
    await Promise.all([anna.client.stream(view, {}).next(), bora.client.stream(view, {}).next()]);
    bora.port.cut();
    await advance(limits.windowGoneMs * 2);
    expect(node.seen.viewsOpen).toBe(1);
    anna.client.close();
  });

  it('tells a window that it gave up, so that it asks again when it was only asleep', async () => {
    const { node, server, advance, wire, openWindow } = createWorld();
    const { client } = openWindow('anna');
    const stream = client.stream(view, {});
    await stream.next();
    wire.raw({ type: 'gone', window: 'anna', node: 'node-a' });
    const next = await stream.next();
    expect(next.value).toEqual({ node: 'node-a', value: 0 });
    await advance(limits.windowBeatMs);
    expect(server.openWindows()).toBe(1);
    client.close();
    await settled();
    expect(node.seen.viewsOpen).toBe(0);
  });

  it('ignores what is not a message, a call for another node and a number used twice', async () => {
    const { wire, node, callView, dones } = createWorld();
    for (const junk of [
      null,
      7,
      'call',
      [],
      { type: 'call' },
      { type: 'credit', window: 'anna', node: 'node-a', id: 1, items: 1e9 },
    ])
      wire.raw(junk);
    wire.raw({
      type: 'call',
      window: 'anna',
      node: 'node-z',
      id: 1,
      capability: 'test.echo@1.0',
      input: { text: '' },
      options: {},
      credit: 1,
    });
    wire.raw({ type: 'cancel', window: 'nobody', node: 'node-a', id: 1 });
    callView('anna', 1);
    callView('anna', 1);
    await settled();
    expect(node.seen.viewsOpen).toBe(1);
    expect(dones()).toEqual([]);
  });

  it('bounds the calls of one window, and says so', async () => {
    const { callView, node, dones } = createWorld();
    for (let id = 0; id < limits.windowCallsMax + 3; id++) callView('anna', id);
    await settled();
    // The capability's own bound refuses some of those that the window's bound let through.
    expect(dones().filter((message) => reasonOf(message) === 'too-many-calls')).toHaveLength(3);
    expect(node.seen.viewsOpen).toBe(view.maxConcurrent);
  });

  it('bounds the windows, and lets another one in when one has left', async () => {
    const { callView, wire, dones } = createWorld();
    for (let window = 0; window < limits.windowsMax + 2; window++) callView(`window-${window}`, 1);
    await settled();
    expect(dones().map(reasonOf)).toEqual(['too-many-windows', 'too-many-windows']);
    wire.raw({ type: 'bye', window: 'window-0' });
    await settled();
    callView('window-late', 1);
    await settled();
    expect(dones()).toHaveLength(2);
  });

  it('stops with everything cancelled, and says that it ended', async () => {
    const { server, node, wire, callView } = createWorld();
    callView('anna', 1);
    await settled();
    server.stop();
    await settled();
    expect(node.seen.viewsOpen).toBe(0);
    expect(wire.heard.at(-1)).toEqual({ type: 'end', node: 'node-a' });
    callView('anna', 2);
    await settled();
    expect(node.seen.viewsOpen).toBe(0);
  });
});

describe('window messages', () => {
  const types = [
    'hello',
    'call',
    'cancel',
    'credit',
    'feed',
    'fed',
    'want',
    'alive',
    'bye',
    'beat',
    'item',
    'done',
    'gone',
    'end',
    'leading',
  ];

  it('are parsed without ever throwing, whatever arrives, and the node goes on serving', async () => {
    const { wire, openWindow } = createWorld();
    const field = fc.oneof(
      fc.constantFrom('node-a', 'anna', 'test.echo@1.0', ...types),
      fc.integer(),
      fc.constant(null),
      fc.object({ maxDepth: 2 }),
    );
    const message = fc.record(
      {
        type: fc.constantFrom(...types),
        window: field,
        node: field,
        id: field,
        capability: field,
        input: field,
        options: field,
        credit: field,
        items: field,
        reply: field,
      },
      { requiredKeys: ['type'] },
    );
    fc.assert(
      fc.property(fc.oneof(message, fc.anything({ withBigInt: true, withDate: true, withMap: true })), (value) => {
        expect(() => parseWindowMessage(value)).not.toThrow();
        if (typeof value === 'object' && value !== null && 'type' in value) wire.raw(value);
      }),
      { numRuns: 2_000 },
    );
    await settled();
    const { client } = openWindow('bora');
    expect(await client.call(echo, { text: 'still here' })).toMatchObject({ ok: true });
    client.close();
  });

  it('come out as they went in when they are ours, and without fields nobody knows', () => {
    const message = { type: 'hello', window: 'anna', build: 'b' };
    expect(parseWindowMessage({ ...message, extra: 1 })).toEqual(message);
    const failed = {
      type: 'done',
      window: 'anna',
      node: 'n',
      id: 1,
      reply: { ok: false, error: { code: 'no_such_code', reason: '' } },
    };
    expect(parseWindowMessage(failed)).toBeNull();
  });
});

const reasonOf = (message: WindowMessage): string =>
  message.type === 'done' && !message.reply.ok ? message.reply.error.reason : '';
