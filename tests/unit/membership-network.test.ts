import { afterEach, describe, expect, it } from 'vitest';
import { chatSend } from '../../src/lib/contracts/chat.ts';
import {
  communityAdmit,
  communityAgree,
  communityFound,
  communityInvite,
  communityJoin,
  communityLeave,
  communityMembers,
  communityPromote,
  communityPropose,
  communitySetPolicy,
} from '../../src/lib/contracts/community.ts';
import { nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import type { Bus } from '../../src/lib/kernel/bus/bus.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryDisk } from '../../src/lib/stores/memory-store.ts';
import { createMemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createTestNode, realClock, seededRandom } from '../support/test-neighbours.ts';

const running: HearthNode[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
});

const newNetwork = () => createMemoryNetwork({ clock: realClock, random: seededRandom('network') });
type Network = ReturnType<typeof newNetwork>;

const start = async (name: string, network: Network, disk = createMemoryDisk()) => {
  const node = await createTestNode({ name, network, disk });
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

const letIn = async (host: HearthNode, guest: HearthNode, name: string): Promise<void> => {
  const invite = await host.bus.call(communityInvite, { onPaper: false });
  if (!invite.ok) throw new Error(invite.error.reason);
  expect(await guest.bus.call(communityJoin, { invite: invite.value.output.code, name })).toMatchObject({ ok: true });
  const door = await until(host.bus, communityMembers, {}, ({ waiting }) => waiting.length === 1);
  const request = door.waiting[0]?.request ?? '';
  expect(await host.bus.call(communityAdmit, { request, accept: true })).toMatchObject({ ok: true });
  await until(guest.bus, nodeInfoCapability, {}, ({ membership }) => membership === 'member');
};

const street = async () => {
  const network = newNetwork();
  const [anna, bora, chen] = [await start('anna', network), await start('bora', network), await start('chen', network)];
  await anna.bus.call(communityFound, { name: 'Anna', communityName: 'Lindenstrasse' });
  await letIn(anna, bora, 'Bora');
  await letIn(anna, chen, 'Chen');
  for (const node of [anna, bora, chen])
    await until(node.bus, communityMembers, {}, ({ members }) => members.length === 3);
  const personOf = async (node: HearthNode): Promise<string> => {
    const info = await until(node.bus, nodeInfoCapability, {}, () => true);
    return info.person;
  };
  return {
    network,
    anna,
    bora,
    chen,
    persons: { bora: await personOf(bora), chen: await personOf(chen), anna: await personOf(anna) },
  };
};
const say = (node: HearthNode, text: string) =>
  node.bus.call(chatSend, {
    to: 'everyone' as const,
    text,
    clientId: bytesToText(crypto.getRandomValues(new Uint8Array(16))),
  });

describe('membership between devices', () => {
  it('bora is removed while he is away: he is refused with the reason, and reads nothing that came after', async () => {
    const { network, anna, bora, persons } = await street();
    network.partition([['anna', 'chen'], ['bora']]);
    network.cut('anna', 'bora');
    network.cut('chen', 'bora');
    const before = anna.current()?.currentKey()?.epoch;
    const asked = await anna.bus.call(communityPropose, {
      act: 'remove' as const,
      person: persons.bora,
      reason: 'test',
    });
    expect(asked).toMatchObject({ ok: true, value: { output: { done: true } } });
    expect(anna.current()?.currentKey()?.epoch).not.toBe(before);
    expect(await say(anna, 'without bora')).toMatchObject({ ok: true });
    const events = bora.current()?.log.size ?? 0;
    network.heal();
    await until(bora.bus, nodeInfoCapability, {}, () => anna.refusals().has('hello-removed') || true);
    await expect.poll(() => anna.refusals().get('hello-removed') ?? 0, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(anna.links.of((await until(bora.bus, nodeInfoCapability, {}, () => true)).device)).toBeNull();
    expect(bora.current()?.log.size).toBe(events);
    expect(bora.current()?.currentKey()?.epoch).toBe(before);
    const { former } = await until(anna.bus, communityMembers, {}, () => true);
    expect(former).toMatchObject([{ person: persons.bora, how: 'removed' }]);
  }, 40_000);

  it('bora is removed while he is linked: his links end, and he learns of it', async () => {
    const { anna, bora, persons } = await street();
    await anna.bus.call(communityPropose, { act: 'remove' as const, person: persons.bora, reason: '' });
    await expect
      .poll(() => bora.links.all().length + anna.links.all().filter(({ peer }) => peer.name === 'Bora').length, {
        timeout: 20_000,
      })
      .toBe(0);
    await expect.poll(() => bora.current()?.membership().former.length, { timeout: 20_000 }).toBe(1);
    const held = bora.current()?.log.size;
    expect(await say(anna, 'without bora')).toMatchObject({ ok: true });
    expect(bora.current()?.log.size).toBe(held);
    expect(await say(bora, 'still here?')).toMatchObject({ ok: false });
  }, 40_000);

  it('chen was away while the key was changed, comes back by the old place, and gets the new key', async () => {
    const { network, anna, chen, persons } = await street();
    const disk = chen.disk;
    await chen.stop();
    running.splice(running.indexOf(chen), 1);
    network.crash('chen');
    await anna.bus.call(communityPropose, { act: 'remove' as const, person: persons.bora, reason: '' });
    const again = await start('chen', network, disk);
    await expect
      .poll(() => again.current()?.currentKey()?.epoch, { timeout: 20_000 })
      .toBe(anna.current()?.currentKey()?.epoch);
    expect(again.current()?.meetingKeys().length).toBe(2);
  }, 40_000);

  it('three decide together: one asks, the second agrees, and what a member may not do is refused by name', async () => {
    const { anna, bora, chen, persons } = await street();
    const refused = await bora.bus.call(communityPropose, { act: 'remove' as const, person: persons.chen, reason: '' });
    expect(refused).toMatchObject({ ok: false, error: { code: 'forbidden', reason: 'role-too-low' } });
    expect(await anna.bus.call(communityLeave, {})).toMatchObject({ ok: false, error: { reason: 'last-anchor' } });
    expect(await anna.bus.call(communityPromote, { person: persons.bora, role: 'trusted' as const })).toMatchObject({
      ok: true,
    });
    expect(await anna.bus.call(communityPromote, { person: persons.bora, role: 'trusted' as const })).toMatchObject({
      error: { reason: 'already' },
    });
    await until(bora.bus, communityMembers, {}, ({ agreementsNeeded }) => agreementsNeeded === 2);
    const asked = await bora.bus.call(communityPropose, {
      act: 'remove' as const,
      person: persons.chen,
      reason: 'noise',
    });
    expect(asked).toMatchObject({ ok: true, value: { output: { done: false } } });
    const { proposals } = await until(anna.bus, communityMembers, {}, (seen) => seen.proposals[0]?.mayAgree === true);
    expect(proposals).toMatchObject([
      { act: 'remove', person: persons.chen, by: persons.bora, reason: 'noise', needed: 2 },
    ]);
    await until(chen.bus, communityMembers, {}, (seen) => seen.proposals.length === 1);
    expect(await chen.bus.call(communityAgree, { proposal: proposals[0]?.proposal ?? '' })).toMatchObject({
      ok: false,
      error: { reason: 'role-too-low' },
    });
    const agreed = await anna.bus.call(communityAgree, { proposal: proposals[0]?.proposal ?? '' });
    expect(agreed).toMatchObject({ ok: true, value: { output: { done: true } } });
    await until(bora.bus, communityMembers, {}, ({ members, former }) => members.length === 2 && former.length === 1);
    expect(await bora.bus.call(communitySetPolicy, { admit: 'trusted' as const })).toMatchObject({
      error: { code: 'forbidden', reason: 'role-too-low' },
    });
  }, 40_000);

  it('bora leaves: the others hear it, and the key is changed without him', async () => {
    const { anna, bora, persons } = await street();
    const before = anna.current()?.currentKey()?.epoch;
    expect(await bora.bus.call(communityLeave, {})).toMatchObject({ ok: true });
    const seen = await until(anna.bus, communityMembers, {}, ({ former }) => former.length === 1);
    expect(seen.former).toMatchObject([{ person: persons.bora, how: 'left' }]);
    await expect.poll(() => anna.current()?.currentKey()?.epoch !== before, { timeout: 20_000 }).toBe(true);
  }, 40_000);
});
