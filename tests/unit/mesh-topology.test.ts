import { describe, expect, it } from 'vitest';
import { meshTopology, type Topology } from '../../src/lib/contracts/mesh.ts';
import { createSignal } from '../../src/lib/kernel/watch.ts';
import type { MemberView } from '../../src/lib/log/membership.ts';
import type { LinkFacts } from '../../src/lib/services/mesh/neighbours-view.ts';
import { createTopologyService, type ToldEdge } from '../../src/lib/services/mesh/topology.ts';
import { createTestBus } from './bus-fixture.ts';
import { settle } from './link-fixture.ts';

const id = (letter: string): string => letter.repeat(42) + 'A';
const member = (person: string, name: string, ...devices: string[]): MemberView =>
  ({ person: id(person), name, devices: devices.map(id) }) as unknown as MemberView;
const link = (letter: string): LinkFacts =>
  ({
    ...{ link: { peer: { device: id(letter), build: '' }, kind: 'webrtc' }, rttMs: 1, lastHeardAt: 1, since: 1 },
    path: null,
  }) as unknown as LinkFacts;
const edge = (from: string, to: string): ToldEdge => ({ from: id(from), to: id(to) });

/** Anna (N) is linked with bora (B); chen (C) and dilek (D) are members as well. */
const street = () => {
  const { bus, clock } = createTestBus();
  const changed = createSignal();
  let told: ToldEdge[] = [];
  let live = [link('B')];
  let people = [
    member('n', 'Anna', 'N'),
    member('b', 'Bora', 'B'),
    member('c', 'Chen', 'C'),
    member('d', 'Dilek', 'D'),
  ];
  const service = createTopologyService({
    ...{ bus, clock, live: () => live, members: () => people, selfDevice: () => id('N') },
    toldEdges: () => told,
    onChange: changed.on,
  });
  void service.start();
  const seen: Topology[] = [];
  void (async () => {
    for await (const topology of bus.stream(meshTopology, {})) seen.push(topology);
  })();
  const nameOf = (device: string): string => people.find(({ devices }) => devices.includes(device))?.name ?? '?';
  return {
    tell: (next: ToldEdge[]) => ((told = next), changed.tell()),
    setLive: (next: LinkFacts[]) => ((live = next), changed.tell()),
    setPeople: (next: MemberView[]) => ((people = next), changed.tell()),
    newest: async () => (await settle(5), seen.at(-1)),
    edges: async () => {
      await settle(5);
      return seen.at(-1)?.edges.map(({ from, to, told: by }) => `${nameOf(from)}-${nameOf(to)} ${by}`);
    },
  };
};

describe('the picture of the neighbourhood', () => {
  it('has every device of a member, this one first, and the link that this device sees itself', async () => {
    const anna = street();
    const topology = await anna.newest();
    expect(topology?.nodes.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'Anna self',
      'Bora linked',
      'Chen away',
      'Dilek away',
    ]);
    expect(await anna.edges()).toEqual(['Anna-Bora self']);
    anna.setLive([]);
    expect(await anna.edges()).toEqual([]);
  });

  it('says of a link between two others whether both tell of it or one does, and has it once', async () => {
    const anna = street();
    anna.tell([edge('B', 'C')]);
    expect(await anna.edges()).toEqual(['Anna-Bora self', 'Bora-Chen one']);
    anna.tell([edge('B', 'C'), edge('C', 'B'), edge('C', 'B')]);
    expect(await anna.edges()).toEqual(['Anna-Bora self', 'Bora-Chen both']);
  });

  it('believes nobody about the links of this device, and draws no link to a stranger or of a device with itself', async () => {
    const anna = street();
    anna.tell([edge('C', 'N'), edge('N', 'D'), edge('C', 'X'), edge('X', 'D'), edge('D', 'D')]);
    expect(await anna.edges()).toEqual(['Anna-Bora self']);
    expect((await anna.newest())?.nodes).toHaveLength(4);
  });

  it('stays bounded when a neighbourhood is large, and counts what it leaves out', async () => {
    const anna = street();
    const letters = Array.from({ length: 600 }, (_, i) => String(i).padStart(3, '0').padStart(42, 'x') + 'A');
    const crowd = letters.map((device) => ({ person: device, name: 'M', devices: [device] }) as unknown as MemberView);
    anna.setPeople([member('n', 'Anna', 'N'), ...crowd]);
    anna.tell(letters.slice(0, 80).flatMap((from) => letters.slice(0, 80).map((to) => ({ from, to }))));
    const topology = await anna.newest();
    expect(topology?.nodes).toHaveLength(512);
    expect(topology?.edges).toHaveLength((80 * 79) / 2);
    expect(topology?.left).toBe(601 - 512);
  });
});
