import { afterEach, describe, expect, it } from 'vitest';
import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { meshCheck, meshPeers, meshTopology } from '../../src/lib/contracts/mesh.ts';
import { nodeConfigure, nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import type { Bus } from '../../src/lib/kernel/bus/bus.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createTestNode, realClock, seededRandom } from '../support/test-neighbours.ts';

const running: HearthNode[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
});

/** A network that remembers in which order each transport was told what to hide and where to meet. */
const watchedNetwork = () => {
  const network = createMemoryNetwork({ clock: realClock, random: seededRandom('network') });
  const told: string[] = [];
  const transport: MemoryNetwork['transport'] = (name) => {
    const inner = network.transport(name);
    return {
      ...inner,
      setPrivacy: (privacy) => {
        told.push(`${name} ${privacy.hidesAddress ? 'hides' : 'shows'}`);
        inner.setPrivacy(privacy);
      },
      meet: (place) => {
        told.push(`${name} meets`);
        return inner.meet(place);
      },
    };
  };
  return { network: { ...network, transport }, told };
};

const start = async (name: string, network: MemoryNetwork, extra: object = {}) => {
  const node = await createTestNode({ name, network, ...extra });
  running.push(node);
  return node;
};
const until = async <I, O, S>(
  bus: Bus,
  capability: Capability<I, O, S>,
  input: I,
  fits: (snapshot: S) => boolean,
): Promise<S> => {
  for await (const snapshot of bus.stream(capability, input)) if (fits(snapshot)) return snapshot;
  throw new Error('the view ended');
};

const annaAndBora = async () => {
  const { network } = watchedNetwork();
  const [anna, bora] = [await start('anna', network), await start('bora', network)];
  await anna.bus.call(communityFound, { name: 'Anna', communityName: 'Lindenstrasse' });
  const invite = await anna.bus.call(communityInvite, { onPaper: false });
  if (!invite.ok) throw new Error(invite.error.reason);
  await bora.bus.call(communityJoin, { invite: invite.value.output.code, name: 'Bora' });
  const { waiting } = await until(anna.bus, communityMembers, {}, (members) => members.waiting.length > 0);
  await anna.bus.call(communityAdmit, { request: waiting[0]?.request ?? '', accept: true });
  for (const { bus } of [anna, bora])
    await until(bus, meshPeers, {}, ({ neighbours }) => neighbours[0]?.state === 'linked');
  return { anna, bora };
};

describe('hiding the address', () => {
  it('holds at once, is kept, and the next start knows it before it meets anybody', async () => {
    const { network, told } = watchedNetwork();
    const anna = await start('anna', network);
    await anna.bus.call(communityFound, { name: 'Anna', communityName: 'Lindenstrasse' });
    const reply = await anna.bus.call(nodeConfigure, { hidesAddress: true });
    expect(reply.ok).toBe(true);
    expect(told).toContain('anna hides');
    expect((await until(anna.bus, nodeInfoCapability, {}, () => true)).hidesAddress).toBe(true);
    await anna.stop();
    told.length = 0;
    const again = await start('anna', network, { disk: anna.disk });
    await until(again.bus, nodeInfoCapability, {}, ({ membership }) => membership === 'member');
    expect(told[0]).toBe('anna hides');
    expect(told).not.toContain('anna shows');
    expect(told).toContain('anna meets');
    await again.bus.call(nodeConfigure, { hidesAddress: false });
    expect(told).toContain('anna shows');
  });
});

describe('two nodes', () => {
  it('see each other in the picture, and the check of either ends with an answer of the other', async () => {
    const { anna, bora } = await annaAndBora();
    const seen = await until(anna.bus, meshTopology, {}, ({ edges }) => edges.length > 0);
    expect(seen.nodes.map(({ name, state }) => `${name} ${state}`)).toEqual(['Anna self', 'Bora linked']);
    expect(seen.edges).toMatchObject([{ kind: 'memory', told: 'self' }]);
    for (const { bus } of [anna, bora]) {
      const check = await until(bus, meshCheck, {}, ({ outcome }) => outcome !== 'running');
      expect(check.steps.map(({ name, state, reason }) => `${name} ${state} ${reason}`)).toEqual(
        check.steps.map(({ name }) => `${name} ok `),
      );
      expect(check.outcome).toBe('linked');
    }
  });

  it('show that one of them has gone, without being asked anew', async () => {
    const { anna, bora } = await annaAndBora();
    await bora.stop();
    const mesh = await until(anna.bus, meshPeers, {}, ({ neighbours }) => neighbours[0]?.state !== 'linked');
    expect(mesh.neighbours[0]).toMatchObject({ name: 'Bora', kind: 'none', way: 'none', linkedSince: null });
    expect((await until(anna.bus, meshTopology, {}, ({ edges }) => edges.length === 0)).edges).toEqual([]);
  });
});
