import { afterEach, describe, expect, it } from 'vitest';
import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { meshPeers } from '../../src/lib/contracts/mesh.ts';
import { nodeConfigure, nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import { meshPair, meshPairWith, type Pairing } from '../../src/lib/contracts/pairing.ts';
import type { BusClient } from '../../src/lib/kernel/bus/bus-client.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createMemoryPairing } from '../support/memory-pairing.ts';
import { createTestNode, realClock, seededRandom } from '../support/test-neighbours.ts';

const running: HearthNode[] = [];
const leaving: AbortController[] = [];
afterEach(async () => {
  for (const leave of leaving.splice(0)) leave.abort();
  for (const node of running.splice(0)) await node.stop();
});

const newRoom = () => ({
  network: createMemoryNetwork({ clock: realClock, random: seededRandom('network') }),
  phones: createMemoryPairing({ clock: realClock, random: seededRandom('phones') }),
});
type Room = ReturnType<typeof newRoom>;

const start = async (name: string, { network, phones }: Room, addresses?: []): Promise<HearthNode> => {
  const node = await createTestNode({ name, network, pairing: phones.port(addresses) });
  running.push(node);
  return node;
};

const until = async <I, O, S>(bus: BusClient, capability: Capability<I, O, S>, input: I, fits: (s: S) => boolean) => {
  for await (const snapshot of bus.stream(capability, input)) if (fits(snapshot)) return snapshot;
  throw new Error('the view ended');
};

/** The pairing screen of one phone: its view, read all the time. */
const openScreen = ({ bus }: HearthNode) => {
  const leave = new AbortController();
  leaving.push(leave);
  let view: Pairing | null = null;
  const read = async (): Promise<void> => {
    for await (const next of bus.stream(meshPair, {}, { signal: leave.signal })) view = next;
  };
  void read();
  return {
    leave: () => leave.abort(),
    until: (fits: (view: Pairing) => boolean) =>
      expect.poll(() => view !== null && fits(view), { timeout: 10_000 }).toBe(true),
    view: (): Pairing => {
      if (!view) throw new Error('nothing shown yet');
      return view;
    },
    code: async (): Promise<string> => {
      await expect.poll(() => view?.picture ?? '', { timeout: 10_000 }).not.toBe('');
      return view?.picture ?? '';
    },
    scan: async (code: string): Promise<string> => {
      const reply = await bus.call(meshPairWith, { code });
      return reply.ok ? 'taken' : reply.error.reason;
    },
  };
};

const found = async (node: HearthNode, name: string): Promise<void> => {
  const founded = await node.bus.call(communityFound, { name, communityName: `${name}strasse` });
  if (!founded.ok) throw new Error(founded.error.reason);
};
const inviteOf = async ({ bus }: HearthNode): Promise<string> => {
  const invite = await bus.call(communityInvite, { onPaper: false });
  if (!invite.ok) throw new Error(invite.error.reason);
  return invite.value.output.code;
};
const silence = (network: MemoryNetwork): void => network.setFaults({ isSignallingDown: true });
const linkedNames = async (node: HearthNode): Promise<string[]> => {
  const { neighbours } = await until(node.bus, meshPeers, {}, ({ neighbours: all }) =>
    all.some(({ state }) => state === 'linked'),
  );
  return neighbours.map(({ name }) => name);
};

/** Bora comes to Anna's door by two codes, with no server from the first moment on, and she lets him in. */
const boraComesByCodes = async (room: Room) => {
  silence(room.network);
  const [anna, bora] = [await start('anna', room), await start('bora', room)];
  await found(anna, 'Anna');
  const joined = await bora.bus.call(communityJoin, { invite: await inviteOf(anna), name: 'Bora' });
  expect(joined).toMatchObject({ ok: true });
  const [annas, boras] = [openScreen(anna), openScreen(bora)];
  expect(await annas.scan(await boras.code())).toBe('taken');
  expect(await boras.scan(await annas.code())).toBe('taken');
  return { anna, bora, annas, boras };
};

describe('two phones without any server', () => {
  it('bora comes to anna with an invite and two codes, stands at her door, and is let in after both saw the same six pictures', async () => {
    const room = newRoom();
    const { anna, bora, annas, boras } = await boraComesByCodes(room);
    await annas.until(({ step, name }) => step === 'door' && name === 'Bora');
    await boras.until(({ step, role }) => step === 'door' && role === 'guest');
    const door = await until(anna.bus, communityMembers, {}, ({ waiting }) => waiting.length === 1);
    const own = await until(bora.bus, communityMembers, {}, ({ ownEmoji }) => ownEmoji.length === 6);
    expect(own.ownEmoji).toEqual(door.waiting[0]?.emoji);
    await anna.bus.call(communityAdmit, { request: door.waiting[0]?.request ?? '', accept: true });
    await until(bora.bus, nodeInfoCapability, {}, ({ membership }) => membership === 'member');
    expect(await linkedNames(anna)).toEqual(['Bora']);
  });

  it('as members they are linked at once, whoever scans first, and a link stays when the screens are left', async () => {
    const room = newRoom();
    const { anna, bora } = await boraComesByCodes(room);
    const door = await until(anna.bus, communityMembers, {}, ({ waiting }) => waiting.length === 1);
    await anna.bus.call(communityAdmit, { request: door.waiting[0]?.request ?? '', accept: true });
    await until(bora.bus, nodeInfoCapability, {}, ({ membership }) => membership === 'member');
    for (const link of anna.links.all()) link.close('the wire was cut');
    await until(anna.bus, meshPeers, {}, ({ neighbours }) => neighbours.every(({ state }) => state !== 'linked'));
    const [annas, boras] = [openScreen(anna), openScreen(bora)];
    const [annasCode, borasCode] = [await annas.code(), await boras.code()];
    expect(await boras.scan(annasCode)).toBe('taken');
    await boras.until(({ step }) => step === 'connecting');
    expect(await annas.scan(borasCode)).toBe('taken');
    await annas.until(({ step, role, name }) => step === 'linked' && role === 'member' && name === 'Bora');
    await boras.until(({ step }) => step === 'linked');
    annas.leave();
    boras.leave();
    expect(await linkedNames(bora)).toEqual(['Anna']);
  });

  it('somebody who is in no neighbourhood and has no invite is told so in place of a code', async () => {
    const chen = await start('chen', newRoom());
    const screen = openScreen(chen);
    await screen.until(({ step, reason }) => step === 'failed' && reason === 'pairing-no-place');
  });

  it('a node that can make no such pipe says so, and one whose person hides the address shows no code', async () => {
    const room = newRoom();
    const lone = await createTestNode({ name: 'dora', network: room.network });
    running.push(lone);
    const reply = await lone.bus.call(meshPairWith, { code: 'HN1:' });
    expect(reply).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    const anna = await start('anna', room);
    await found(anna, 'Anna');
    await anna.bus.call(nodeConfigure, { hidesAddress: true });
    const screen = openScreen(anna);
    await screen.until(({ step, reason }) => step === 'failed' && reason === 'pairing-hidden');
  });

  it('two phones that both found no address are told so before they wait for nothing', async () => {
    const room = newRoom();
    silence(room.network);
    const [anna, bora] = [await start('anna', room, []), await start('bora', room, [])];
    await found(anna, 'Anna');
    await bora.bus.call(communityJoin, { invite: await inviteOf(anna), name: 'Bora' });
    const [annas, boras] = [openScreen(anna), openScreen(bora)];
    expect(await annas.scan(await boras.code())).toBe('pairing-no-address');
    expect(annas.view().step).toBe('showing');
  });

  it('a new pairing ends the one before: two codes at once would only be mixed up', async () => {
    const room = newRoom();
    const anna = await start('anna', room);
    await found(anna, 'Anna');
    const first = openScreen(anna);
    const code = await first.code();
    const second = openScreen(anna);
    expect(await second.code()).not.toBe(code);
    await first.until(({ step, reason }) => step === 'failed' && reason === 'pairing-over');
  });
});
