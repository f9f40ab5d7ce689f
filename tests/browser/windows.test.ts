import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NodeConnection } from '../../src/lib/node/connect-node.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { idsOfSegment } from '../../src/lib/kernel/segment.ts';
import { openIdbStore } from '../../src/lib/stores/idb-store.ts';
import { createProfile, hasRole, openTab, type Profile, type TabWish } from '../support/window-tabs.ts';
import { echo, flood, slow, view, write } from '../support/window-world.ts';

/** Several tabs of one profile in one page: real locks, channels, workers and IndexedDB of the browser. */
let profile: Profile;
let open: { close(): void }[] = [];
beforeEach(() => {
  profile = createProfile();
});
afterEach(() => {
  for (const each of open.splice(0).reverse()) each.close();
});

const enter = (wish: TabWish = {}): ReturnType<typeof openTab> => {
  const tab = openTab(profile, wish);
  open.push(tab, { close: () => tab.workers.forEach((worker) => worker.terminate()) });
  return tab;
};
const enterTwo = async (wishOfFirst: TabWish = {}, wishOfSecond: TabWish = {}) => {
  const anna = enter(wishOfFirst);
  await hasRole(anna, 'leading');
  const bora = enter(wishOfSecond);
  await hasRole(bora, 'following');
  return { anna, bora };
};

const nodeOf = async (tab: NodeConnection): Promise<string> => {
  const reply = await tab.bus.call(echo, { text: '' });
  return reply.ok ? reply.value.output.node : reply.error.code;
};

/** The nodes whose state this tab's subscription has shown, as they came. */
const watchView = (tab: NodeConnection): string[] => {
  const nodes: string[] = [];
  void (async () => {
    for await (const { node } of tab.bus.stream(view, {})) nodes.push(node);
  })();
  return nodes;
};

describe('tabs of one profile', () => {
  it('look at the same node: the first tab runs it, the second sees it through the channel', async () => {
    const { anna, bora } = await enterTwo();
    expect([await nodeOf(anna), await nodeOf(bora)]).toEqual(['node-1', 'node-1']);
    expect(bora.workers).toHaveLength(0);
    expect([anna.trouble(), bora.trouble(), bora.otherBuild()]).toEqual([null, null, null]);
  });

  it('change the leader when the first closes: the second answers, and its subscription goes on', async () => {
    const { anna, bora } = await enterTwo();
    const shown = watchView(bora);
    await vi.waitFor(() => expect(shown).toEqual(['node-1']));
    anna.close();
    await hasRole(bora, 'leading');
    expect(await nodeOf(bora)).toBe('node-2');
    await vi.waitFor(() => expect(shown).toEqual(['node-1', 'node-2']));
  });

  it('follow at once when the browser takes a whole page away', async () => {
    const name = crypto.randomUUID();
    profile = createProfile(name);
    const frame = document.createElement('iframe');
    document.body.append(frame);
    // The development server gives constants to pages as globals; this page was not served by it.
    Object.assign(frame.contentWindow ?? {}, { __BUILD_ID__: 'dev' });
    const script = document.createElement('script');
    script.type = 'module';
    // Not `new URL(…, import.meta.url)` in one piece: the bundler would take that for a file to copy.
    const here = import.meta.url;
    script.src = new URL(`../support/window-frame.ts?profile=${name}`, here).href;
    frame.contentDocument?.head.append(script);
    await vi.waitFor(
      async () =>
        expect((await navigator.locks.query()).held?.some((lock) => lock.name === profile.lockName)).toBe(true),
      10_000,
    );
    const bora = enter();
    await hasRole(bora, 'following');
    expect(await nodeOf(bora)).toBe('node-1');
    const lost = bora.bus.call(slow, {});
    const shown = watchView(bora);
    await vi.waitFor(() => expect(shown).toEqual(['node-1']));
    frame.remove();
    await hasRole(bora, 'leading');
    await vi.waitFor(() => expect(shown).toEqual(['node-1', 'node-2']));
    bora.close();
    expect(await lost).toMatchObject({ ok: false, error: { code: 'unavailable' } });
  });

  it('take the seat from a frozen leader, whose node can write nothing any more', async () => {
    const { anna, bora } = await enterTwo({ isFrozen: true, leavesZombie: true });
    expect(await bora.bus.call(write, { seq: 1 })).toMatchObject({
      value: { output: { outcome: 'written', epoch: 1 } },
    });
    await hasRole(bora, 'leading');
    await hasRole(anna, 'following');
    expect(await bora.bus.call(write, { seq: 2 })).toMatchObject({
      value: { output: { outcome: 'written', epoch: 2 } },
    });
    // The old worker is asked by name, as a handler that was frozen in the middle of its work would go on.
    const answer = await askZombie(profile, 'node-1', 3);
    expect(answer).toEqual({ outcome: 'fenced', epoch: 1 });
    const store = unwrap(await openIdbStore({ name: profile.dbName }));
    expect((await store.segments()).flatMap(idsOfSegment)).toEqual(['node-1-1', 'node-2-2']);
    store.close();
  });

  it('tell each other why there is no node', async () => {
    const { anna, bora } = await enterTwo({ startWorkers: () => Promise.reject(new Error('the worker was blocked')) });
    await vi.waitFor(() =>
      expect([anna.trouble(), bora.trouble()]).toEqual(['the worker was blocked', 'the worker was blocked']),
    );
  });

  it('notice another build on either side, and work on', async () => {
    const { anna, bora } = await enterTwo({ build: 'build-1' }, { build: 'build-2' });
    await vi.waitFor(() => expect([anna.otherBuild(), bora.otherBuild()]).toEqual(['build-2', 'build-1']));
    expect(await nodeOf(bora)).toBe('node-1');
  });

  it('bound a fast producer by credit, also across the channel, and stop it when the reader leaves', async () => {
    const { bora } = await enterTwo();
    let read = 0;
    for await (const { n } of bora.bus.stream(flood, {})) {
      read += 1;
      expect(n).toBe(read);
      if (read === limits.streamCreditItems * 10) break;
    }
    expect(await nodeOf(bora)).toBe('node-1');
  });

  it('are not disturbed by strangers’ messages on the channel', async () => {
    const { bora } = await enterTwo();
    const stranger = new BroadcastChannel(profile.channelName);
    for (const junk of [
      null,
      1,
      'beat',
      { type: 'beat' },
      { type: 'beat', node: 7, term: 1e99, build: '' },
      { type: 'done', window: '', reply: {} },
      new Uint8Array(9),
    ]) {
      stranger.postMessage(junk);
    }
    stranger.close();
    expect(await nodeOf(bora)).toBe('node-1');
  });
});

/** Speaks to one node by name over the channel, whoever leads. */
const askZombie = ({ channelName }: Profile, node: string, seq: number): Promise<unknown> =>
  new Promise((resolve) => {
    const channel = new BroadcastChannel(channelName);
    open.push(channel);
    channel.addEventListener('message', ({ data }) => {
      if (data.type === 'done' && data.window === 'asker')
        resolve(data.reply.ok ? data.reply.value.output : data.reply.error);
    });
    channel.postMessage({
      type: 'call',
      window: 'asker',
      node,
      id: 1,
      capability: 'test.write@1.0',
      input: { seq },
      options: {},
      credit: 1,
    });
  });
