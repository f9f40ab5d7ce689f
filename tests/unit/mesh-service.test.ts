import { describe, expect, it } from 'vitest';
import { meshPeers, type Mesh } from '../../src/lib/contracts/mesh.ts';
import type { Offer } from '../../src/lib/kernel/bus/registry.ts';
import { createSignal } from '../../src/lib/kernel/watch.ts';
import type { MemberView } from '../../src/lib/log/membership.ts';
import { createMeshService } from '../../src/lib/services/mesh/mesh.ts';
import type { LinkFacts } from '../../src/lib/services/mesh/neighbours-view.ts';
import { createTestBus } from './bus-fixture.ts';
import { settle } from './link-fixture.ts';

const id = (letter: string): string => letter.repeat(42) + 'A';
const search = (over: Partial<Offer> = {}): Offer => ({
  ...{ name: 'library.search', version: { major: 1, minor: 0 }, params: { corpus: ['pumps'] } },
  ...{ loadPercent: 0, isFull: false, schema: '' },
  ...over,
});

/** Anna's view of the mesh on a clock that stands still: whatever is seen has come by its event. */
const street = () => {
  const { bus, clock } = createTestBus();
  const [links, members, transport] = [createSignal(), createSignal(), createSignal()];
  let live: LinkFacts[] = [];
  const bora = { person: id('b'), name: 'Bora', devices: [id('B')] } as unknown as MemberView;
  let people = [bora];
  const service = createMeshService({
    bus,
    clock,
    transport: {
      state: () => ({
        signalling: { url: 'wss://a', state: 'open', since: 0 },
        servers: [
          { url: 'wss://a', state: 'open', since: 0 },
          { url: 'wss://b', state: 'lost', since: 3 },
        ],
        candidates: 'some',
        isAvailable: true,
      }),
      onState: transport.on,
    },
    live: () => live,
    onLinks: links.on,
    members: () => people,
    onMembers: members.on,
    selfDevice: () => id('N'),
    originOf: (url) => (url === 'wss://a' ? 'default' : 'neighbourhood'),
    hidesAddress: () => false,
    ownOffers: () => bus.registry.localOffers().filter(({ name }) => name === 'library.search'),
  });
  void service.start();
  const seen: Mesh[] = [];
  const control = new AbortController();
  void (async () => {
    for await (const mesh of bus.stream(meshPeers, {}, { signal: control.signal })) seen.push(mesh);
  })();
  return {
    bus,
    clock,
    links,
    members,
    service,
    leave: () => control.abort(),
    setLive: (next: LinkFacts[]) => ((live = next), links.tell()),
    setPeople: (next: MemberView[]) => ((people = next), members.tell()),
    newest: async () => (await settle(5), seen.at(-1)),
    bora: async () => (await settle(5), seen.at(-1)?.neighbours[0]),
    seen,
  };
};
const link = (device: string, over: object = {}): LinkFacts =>
  ({
    ...{ link: { peer: { device, build: 'b1' }, kind: 'webrtc' }, rttMs: 7, lastHeardAt: 5, since: 2, path: null },
    ...over,
  }) as unknown as LinkFacts;

describe("anna's view of the mesh", () => {
  it('shows by its event, and without any clock, that bora comes, tells, adds a shelf, is full, and goes', async () => {
    const anna = street();
    expect(await anna.bora()).toMatchObject({ state: 'away', hasTold: false, offers: [], loadPercent: null });
    anna.setLive([link(id('B'))]);
    expect(await anna.bora()).toMatchObject({ state: 'linked', hasTold: false, profile: null });
    anna.bus.registry.setRemote(id('B'), [search()], 0);
    expect(await anna.bora()).toMatchObject({
      hasTold: true,
      loadPercent: 0,
      offers: [{ capability: 'library.search@1.0', params: { corpus: ['pumps'] }, isFull: false }],
    });
    anna.bus.registry.setRemote(id('B'), [search({ params: { corpus: ['pumps', 'herbs'] } })], 0);
    expect((await anna.bora())?.offers[0]?.params.corpus).toEqual(['pumps', 'herbs']);
    anna.bus.registry.setRemote(id('B'), [search({ loadPercent: 100, isFull: true })], 0);
    expect(await anna.bora()).toMatchObject({ loadPercent: 100, offers: [{ isFull: true }] });
    anna.bus.registry.remove(id('B'));
    anna.setLive([]);
    expect(await anna.bora()).toMatchObject({ state: 'away', hasTold: false, offers: [], lastHeardAt: 5 });
  });

  it('knows that bora gives nothing from that he has not told yet', async () => {
    const anna = street();
    anna.setLive([link(id('B'))]);
    const about = { name: 'Bora', profile: 'spark', battery: 'low', loadPercent: 0 } as const;
    anna.bus.registry.setRemote(id('B'), [], 0, about);
    expect(await anna.bora()).toMatchObject({ hasTold: true, offers: [], profile: 'spark', battery: 'low' });
  });

  it('shows somebody new in the neighbourhood, and what anna herself gives, at once', async () => {
    const anna = street();
    await settle(5);
    anna.setPeople([{ person: id('c'), name: 'Chen', devices: [id('C'), id('N')] } as unknown as MemberView]);
    expect((await anna.newest())?.neighbours.map(({ device }) => device)).toEqual([id('C')]);
    expect((await anna.newest())?.ownOffers).toEqual([]);
    anna.bus.registry.addLocal('library.search', () => search());
    expect((await anna.newest())?.ownOffers.map(({ capability }) => capability)).toEqual(['library.search@1.0']);
  });

  it('ends with its reader, and stopping it twice is no harm', async () => {
    const anna = street();
    await settle(5);
    anna.leave();
    await settle(5);
    const count = anna.seen.length;
    anna.setLive([link(id('B'))]);
    await settle(5);
    expect(anna.seen).toHaveLength(count);
    void anna.service.stop();
    void anna.service.stop();
  });

  it('tells the way of each link, and calls the one she knows nothing more of direct and no better', async () => {
    const anna = street();
    anna.setLive([link(id('B'))]);
    expect(await anna.bora()).toMatchObject({ way: 'direct', address: null, linkedSince: 2 });
    anna.setLive([link(id('B'), { path: { reach: 'local', address: '192.168.1.7' } })]);
    expect(await anna.bora()).toMatchObject({ way: 'local', address: '192.168.1.7' });
    anna.setLive([link(id('B'), { path: { reach: 'turned', address: '203.0.113.9' } })]);
    expect(await anna.bora()).toMatchObject({ way: 'turned' });
    const relayed = { link: { peer: { device: id('B'), build: 'b1' }, kind: 'relay' } };
    anna.setLive([link(id('B'), { ...relayed, path: { reach: 'local', address: '192.168.1.7' } })]);
    expect(await anna.bora()).toMatchObject({ kind: 'relay', way: 'relay', address: null });
    anna.setLive([]);
    expect(await anna.bora()).toMatchObject({ way: 'none', linkedSince: null });
  });

  it('has bora as near while he is heard through others, and says no link of his is hers', async () => {
    const anna = street();
    const about = { name: 'Bora', profile: 'hearth', battery: 'good', loadPercent: 0 } as const;
    anna.bus.registry.setRemote(id('B'), [search()], 40, about);
    expect(await anna.bora()).toMatchObject({ state: 'near', way: 'none', lastHeardAt: 40, hasTold: true });
    expect((await anna.newest())?.ways.neighbours).toBe('open');
    anna.bus.registry.remove(id('B'));
    expect(await anna.bora()).toMatchObject({ state: 'away', lastHeardAt: 40, offers: [] });
    expect((await anna.newest())?.ways.neighbours).toBe('lost');
  });

  it('lists every server with where its address comes from, in the order in which they are tried', async () => {
    const anna = street();
    const mesh = await anna.newest();
    expect(mesh?.servers.map(({ url, origin, state }) => `${url} ${origin} ${state}`)).toEqual([
      'wss://a default open',
      'wss://b neighbourhood lost',
    ]);
    expect(mesh?.ways).toEqual({ server: 'open', neighbours: 'trying', lan: 'trying', radio: 'off', pair: 'open' });
  });

  it('never tells the address of somebody who is linked and no member', async () => {
    const anna = street();
    anna.setLive([link(id('X'), { path: { reach: 'direct', address: '203.0.113.66' } })]);
    expect(JSON.stringify(await anna.newest())).not.toContain('203.0.113.66');
  });
});
