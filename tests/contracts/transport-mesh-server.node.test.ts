import { beforeEach, describe, expect, it } from 'vitest';
import { bytesToText, utf8 } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createMeshServer, type MeshServer } from '../../src/lib/transports/mesh-server.ts';
import { createMeshServers } from '../../src/lib/transports/mesh-servers.ts';
import { tagBytes } from '../../src/lib/transports/mesh-tags.ts';
import type { SocketConstructor } from '../../src/lib/transports/mesh-socket.ts';
import { createTally } from '../../src/lib/transports/tally.ts';
import { createHubKey, createMeshHub, socketsTo, type MeshHub } from './transport-mesh-hub.ts';
import { createSeededRandom, createVirtualClock, passVirtualTime, type VirtualClock } from './transport-world.ts';

describe('a server as a device sees it', () => {
  let clock: VirtualClock;
  let hub: MeshHub;
  let anna: MeshServer;
  let heard: string[];
  let meetings: boolean[];
  let refusals: ReturnType<typeof createTally>;
  let pass: (ms: number) => Promise<void>;
  let wait: (ms: number) => Promise<void>;
  const depsOf = (seed: number, Socket: SocketConstructor = hub.Socket) => ({
    clock,
    random: createSeededRandom(seed),
    Socket,
    pseudonym: createHubKey(new Uint8Array(32).fill(seed)),
    refused: refusals.add,
  });
  beforeEach(() => {
    clock = createVirtualClock();
    hub = createMeshHub(clock);
    refusals = createTally();
    anna = createMeshServer(depsOf(3), 'ws://hub/mesh');
    heard = [];
    meetings = [];
    ({ pass } = passVirtualTime(clock));
    ({ pass: wait } = passVirtualTime(clock, { stepMs: 500 }));
  });
  const hold = (server = anna, tag = 'place'): (() => void) =>
    server.hold(tag, {
      from: (bytes, from) => void heard.push(`${from.slice(0, 2)}: ${bytesToText(bytes)}`),
      met: (_, isFresh) => void meetings.push(isFresh),
      undelivered: (to, why) => void heard.push(`${to?.slice(0, 2) ?? 'some'} ${why}`),
    });
  const holdAndOpen = async (): Promise<() => void> => {
    const release = hold();
    await pass(100);
    expect(anna.state().state).toBe('open');
    return release;
  };

  it('is connected from the first tag that is held to the last', async () => {
    await pass(1_000);
    expect([hub.made(), anna.state()]).toMatchObject([0, { state: 'off', url: 'ws://hub/mesh' }]);
    const release = await holdAndOpen();
    const releaseGarden = hold(anna, 'garden');
    await pass(100);
    expect([hub.made(), meetings]).toEqual([1, [true, true]]);
    hub.stranger.publish('garden', 'AAAA');
    await pass(100);
    expect(heard).toEqual(['__: AAAAAA']);
    release();
    releaseGarden();
    releaseGarden();
    await pass(100);
    expect([hub.open(), anna.state().state, hub.asked('part')]).toEqual([0, 'off', 2]);
  });

  it('passes bytes on to one other device, and says who is gone and who is behind', async () => {
    const bora = createMeshServer(depsOf(5), 'ws://hub/mesh');
    await holdAndOpen();
    hold(bora);
    await pass(100);
    const toBora = bytesToText(new Uint8Array(16).fill(5));
    expect(anna.send(toBora, 'place', utf8('hello'))).toBe(true);
    await pass(100);
    expect(heard).toEqual([`Aw: ${bytesToText(utf8('hello'))}`]);
    hub.setTap(() => 'busy');
    anna.send(toBora, 'place', utf8('hello again'));
    anna.send(bytesToText(new Uint8Array(16).fill(9)), 'place', utf8('is chen here'));
    await pass(100);
    expect(heard.slice(1).toSorted()).toEqual(['BQ busy', 'CQ gone']);
    bora.stop();
  });

  it('comes back by itself after the server was away, meets again and says so', async () => {
    await holdAndOpen();
    hub.setDown(true);
    await pass(100);
    const lostAt = anna.state().since;
    expect([anna.state().state, anna.joined(), anna.meet('place')]).toEqual(['lost', null, false]);
    await wait(120_000);
    expect(anna.state()).toEqual({ url: 'ws://hub/mesh', state: 'lost', since: lostAt });
    hub.setDown(false);
    await wait(limits.signalReconnectMaxMs);
    expect([anna.state().state, meetings.slice(0, 2)]).toEqual(['open', [true, true]]);
  });

  it('knocks less and less often while nobody answers, and never less than every fifteen seconds', async () => {
    hub.setDown(true);
    hold();
    const knocks: number[] = [];
    for (let ms = 0; ms < 120_000; ms += 10) {
      const before = hub.made();
      clock.advance(10);
      if (hub.made() > before) knocks.push(ms);
    }
    const pauses = knocks.slice(1).map((at, index) => at - (knocks[index] ?? 0));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(limits.signalReconnectMinMs);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(limits.signalReconnectMaxMs + 20);
    expect(pauses.slice(5).every((pause) => pause > (pauses[0] ?? 0))).toBe(true);
  });

  it('stays while it is answered, and leaves a socket that looks open when an answer stays out', async () => {
    await holdAndOpen();
    await wait(limits.signalPingMs * 10);
    expect([hub.made(), hub.asked('meet')]).toEqual([1, 11]);
    hub.setSilent(true);
    await wait(limits.signalPingMs * 2 + 100);
    expect(anna.state().state).not.toBe('open');
    hub.setSilent(false);
    await wait(limits.connectTimeoutMs + limits.signalReconnectMaxMs);
    expect(anna.state().state).toBe('open');
  });

  it('looks at once when the page wakes: makes sure of an open socket, and does not wait to replace a lost one', async () => {
    await holdAndOpen();
    hub.setSilent(true);
    anna.probe();
    await pass(limits.signalProbeMs + 100);
    expect(anna.state().state).toBe('lost');
    hub.setSilent(false);
    anna.probe();
    await pass(100);
    expect(anna.state().state).toBe('open');
    anna.probe();
    await pass(limits.signalProbeMs * 2);
    expect(hub.made()).toBe(2);
  });

  it('gives up a server that never answers, and one whose address is none', async () => {
    let closed = 0;
    const Never = class {
      readonly bufferedAmount = 0;
      binaryType = 'blob';
      send(): void {}
      addEventListener(): void {}
      close(): void {
        closed += 1;
      }
    };
    const bora = createMeshServer(depsOf(4, Never), 'ws://hub/mesh');
    hold(bora);
    clock.advance(limits.connectTimeoutMs - 1);
    expect([bora.state().state, closed]).toEqual(['connecting', 0]);
    clock.advance(1);
    expect([bora.state().state, closed]).toEqual(['lost', 1]);
    const nowhere = createMeshServer(depsOf(4), 'nonsense');
    hold(nowhere);
    await pass(1_000);
    expect([nowhere.state().state, (refusals.counts().get('address: SyntaxError') ?? 0) > 0]).toEqual(['lost', true]);
    bora.stop();
    nowhere.stop();
  });

  it('waits a random while before it comes back to a server that said it stops', async () => {
    const crowd = Array.from({ length: 40 }, (_, at) => createMeshServer(depsOf(at + 20), 'ws://hub/mesh'));
    for (const each of crowd) hold(each);
    await pass(200);
    expect(hub.open()).toBe(40);
    hub.tell({ type: 'moving' });
    await pass(40);
    expect(hub.open()).toBeLessThan(5);
    await pass(limits.meshMovePauseMs / 2);
    expect([hub.open() > 5, hub.open() < 35]).toEqual([true, true]);
    await pass(limits.meshMovePauseMs);
    expect(hub.open()).toBe(40);
    for (const each of crowd) each.stop();
  });

  it('is one of several: the own one, all that a log names and the app’s find room, and no more than the bound', () => {
    const servers = createMeshServers(depsOf(3));
    const urls = Array.from({ length: 20 }, (_, at) => `ws://hub${at}/mesh`);
    servers.setUrls(urls.slice(0, limits.serversInLogMax + 2));
    expect(servers.states().length).toBe(limits.serversInLogMax + 2);
    servers.setUrls(urls);
    expect(servers.states().map(({ url }) => url)).toEqual(urls.slice(0, limits.meshServersMax));
    servers.stop();
  });

  it('counts frames that are none and hears nothing of them', async () => {
    await holdAndOpen();
    for (const frame of ['', '{"type":"publish"}', new ArrayBuffer(0), new ArrayBuffer(400_000), new ArrayBuffer(8)])
      hub.shout(frame);
    hub.tell({ type: 'challenge', nonce: new Uint8Array(32) });
    hub.tell({ type: 'from', from: new Uint8Array(16), tag: tagBytes('elsewhere'), bytes: utf8('hello') });
    await pass(100);
    expect(heard).toEqual([]);
    expect([...refusals.counts().values()].reduce((sum, count) => sum + count, 0)).toBe(7);
    expect([hub.made(), anna.state().state]).toEqual([1, 'open']);
  });

  it('takes one tag more than a connection may have for a bug, and none after it was stopped', async () => {
    for (let at = 0; at < limits.meshTagsPerConnectionMax; at++) hold(anna, `place ${at}`);
    expect(() => hold(anna, 'one more')).toThrow(RangeError);
    expect(() => hold(anna, 'x'.repeat(33))).toThrow(RangeError);
    anna.stop();
    anna.stop();
    hold();
    await wait(60_000);
    expect([hub.open(), anna.state().state]).toEqual([0, 'off']);
  });

  it('tries several servers at once, keeps those that stay in the list, and names the first that is open', async () => {
    const other = createMeshHub(clock, 2);
    const Either = socketsTo((url) => (url.includes('other') ? other : hub));
    const servers = createMeshServers(depsOf(7, Either));
    servers.setUrls(['ws://hub/mesh', 'ws://other/signal', 'ws://hub/mesh', '']);
    servers.hold('place', () => ({ from: () => {}, met: () => {}, undelivered: () => {} }));
    await pass(100);
    expect(servers.states().map(({ url, state }) => `${url} ${state}`)).toEqual([
      'ws://hub/mesh open',
      'ws://other/signal open',
    ]);
    hub.setDown(true);
    await pass(100);
    expect(servers.best().url).toBe('ws://other/signal');
    servers.setUrls(['ws://other/signal']);
    await pass(100);
    expect([servers.states().length, other.made(), other.open()]).toEqual([1, 1, 1]);
    const trial = servers.tryMeeting();
    await pass(100);
    expect(await trial).toBeGreaterThan(0);
    servers.setUrls([]);
    await pass(100);
    expect([servers.best(), other.open()]).toMatchObject([{ state: 'off', url: '' }, 0]);
    expect(await servers.tryMeeting()).toBe(null);
    servers.stop();
  });
});
