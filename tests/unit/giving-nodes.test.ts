import { afterEach, describe, expect, it } from 'vitest';
import { askAnswer } from '../../src/lib/contracts/ask.ts';
import { blobsHave } from '../../src/lib/contracts/blobs.ts';
import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { libraryIngest, libraryRead, librarySearch } from '../../src/lib/contracts/library.ts';
import { meshPeers, meshPing } from '../../src/lib/contracts/mesh.ts';
import { nodeConfigure, nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import type { Bus } from '../../src/lib/kernel/bus/bus.ts';
import { endOf } from '../../src/lib/kernel/bus/call.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createTestNode, realClock, seededRandom } from '../support/test-neighbours.ts';
import { asAny } from './bus-fixture.ts';

const running: HearthNode[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
});

const call = async <I, O, S, U>(bus: Bus, capability: Capability<I, O, S, U>, input: I): Promise<O> => {
  const reply = await bus.call(capability, input);
  if (!reply.ok) throw new Error(`${capability.name}: ${reply.error.code} ${reply.error.reason}`);
  return reply.value.output;
};
const until = async <I, O, S>(
  bus: Bus,
  view: Capability<I, O, S>,
  input: I,
  fits: (snapshot: S) => boolean,
): Promise<S> => {
  for await (const snapshot of bus.stream(view, input)) if (fits(snapshot)) return snapshot;
  throw new Error('the view ended');
};

/** Anna and bora in one neighbourhood, each with a library of their own that the other knows of. */
const annaAndBora = async () => {
  const network = createMemoryNetwork({ clock: realClock, random: seededRandom('network') });
  const [anna, bora] = [
    await createTestNode({ name: 'anna', network }),
    await createTestNode({ name: 'bora', network }),
  ];
  running.push(anna, bora);
  await call(anna.bus, communityFound, { name: 'Anna', communityName: 'Lindenstrasse' });
  const { code } = await call(anna.bus, communityInvite, { onPaper: false });
  await call(bora.bus, communityJoin, { invite: code, name: 'Bora' });
  const { waiting } = await until(anna.bus, communityMembers, {}, (members) => members.waiting.length === 1);
  await call(anna.bus, communityAdmit, { request: waiting[0]?.request ?? '', accept: true });
  await until(bora.bus, nodeInfoCapability, {}, ({ membership }) => membership === 'member');
  const device = async ({ bus }: HearthNode) => (await until(bus, nodeInfoCapability, {}, () => true)).device;
  const devices = { anna: await device(anna), bora: await device(bora) };
  await keep(anna, 'annas-notes');
  await keep(bora, 'street-notes');
  await until(anna.bus, meshPeers, {}, (mesh) => areasAt(mesh, 'library.search').length === 1);
  await until(bora.bus, meshPeers, {}, (mesh) => areasAt(mesh, 'library.search').length === 1);
  return { anna, bora, devices };
};
const keep = (node: HearthNode, corpus: string) =>
  call(node.bus, libraryIngest, {
    corpus,
    visibility: 'community',
    fileName: 'well.md',
    bytes: new TextEncoder().encode(
      '# Well in the yard\n\nThe key of the hand pump hangs at the bakery door. Pump twenty strokes first.\n',
    ),
  });
/** What the one neighbour tells of itself for a capability. */
const areasAt = (mesh: { neighbours: readonly { offers: readonly { capability: string }[] }[] }, name: string) =>
  mesh.neighbours.flatMap(({ offers }) => offers.filter(({ capability }) => capability.startsWith(`${name}@`)));
const query = { query: 'key of the hand pump', k: 8 };
const question = {
  messages: [{ role: 'person' as const, text: 'Where is the key of the hand pump?' }],
  mode: 'quotes' as const,
};

describe('what bora gives', () => {
  it('is gone for anna the moment he switches it off, everything else stays, and his own screens notice nothing', async () => {
    const { anna, bora, devices } = await annaAndBora();
    await call(bora.bus, nodeConfigure, { gives: { library: false } });
    const seen = await until(anna.bus, meshPeers, {}, (mesh) => areasAt(mesh, 'library.search').length === 0);
    expect(areasAt(seen, 'library.read')).toEqual([]);
    expect(areasAt(seen, 'blobs.have')).toHaveLength(1);
    // Whoever does not care for presence is refused by the bus itself, also for what leads to the library by another name.
    const other = await anna.bus.call(librarySearch, query, { device: devices.bora });
    expect(other.ok).toBe(false);
    const around = await endOf(
      bora.bus.serve({ kind: 'device', device: devices.anna }, asAny(askAnswer), question, {}),
    );
    expect(around).toMatchObject({ ok: false, error: { code: 'unavailable', reason: 'not-given' } });
    expect(await anna.bus.call(meshPing, { nonce: 7 }, { device: devices.bora })).toMatchObject({ ok: true });
    expect((await call(bora.bus, librarySearch, query)).passages).toHaveLength(1);
    const info = await until(bora.bus, nodeInfoCapability, {}, () => true);
    expect(info.giving.areas).toContainEqual({ area: 'library', isOn: false, isResting: false, cost: 'normal' });
    await call(bora.bus, nodeConfigure, { gives: { library: true } });
    await until(anna.bus, meshPeers, {}, (mesh) => areasAt(mesh, 'library.search').length === 1);
  });

  it('rests while his battery is low, and anna sees why', async () => {
    const { anna, bora, devices } = await annaAndBora();
    const { passages } = await call(bora.bus, librarySearch, query);
    await call(bora.bus, nodeConfigure, { battery: { percent: 9, charging: false } });
    const resting = await until(anna.bus, meshPeers, {}, ({ neighbours }) => neighbours[0]?.battery === 'low');
    // What costs hardly anything stays: a sign of life, and a document that somebody has found before.
    expect(resting.neighbours[0]?.offers.map(({ capability }) => capability).toSorted()).toEqual([
      'library.read@1.0',
      'mesh.ping@1.0',
    ]);
    expect(await anna.bus.call(librarySearch, query, { device: devices.bora })).toMatchObject({ ok: false });
    const cid = passages[0]?.cid ?? '';
    expect(await anna.bus.call(libraryRead, { cid }, { device: devices.bora })).toMatchObject({
      value: { meta: { servedBy: devices.bora } },
    });
    await call(bora.bus, nodeConfigure, { battery: { percent: 10, charging: true } });
    const awake = await until(anna.bus, meshPeers, {}, ({ neighbours }) => neighbours[0]?.battery === 'mains');
    expect(areasAt(awake, 'blobs.have')).toHaveLength(1);
  });

  it('answers a device that leans on its neighbours, which asks its own library only when nobody else can', async () => {
    const { anna, bora, devices } = await annaAndBora();
    expect(await call(anna.bus, askAnswer, question)).toMatchObject({ servedBy: devices.anna });
    await call(anna.bus, nodeConfigure, { profile: 'spark' });
    expect(await call(anna.bus, askAnswer, question)).toMatchObject({ servedBy: devices.bora, route: 'neighbour' });
    const seen = await until(bora.bus, meshPeers, {}, ({ neighbours }) => neighbours[0]?.profile === 'spark');
    expect(seen.neighbours[0]?.loadPercent).toBe(0);
    await call(bora.bus, nodeConfigure, { gives: { library: false } });
    await until(anna.bus, meshPeers, {}, (mesh) => areasAt(mesh, 'library.search').length === 0);
    expect(await call(anna.bus, askAnswer, question)).toMatchObject({ servedBy: devices.anna, route: 'local' });
  });

  it('carries the hash of what it means by each ability', async () => {
    const { anna, devices } = await annaAndBora();
    const offer = anna.bus.registry.remoteOffers(devices.bora).find(({ name }) => name === blobsHave.name);
    expect(offer?.schema).toMatch(/^[\w-]{11}$/);
  });
});
