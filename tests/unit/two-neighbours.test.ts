import { afterEach, describe, expect, it } from 'vitest';
import { askAnswer } from '../../src/lib/contracts/ask.ts';
import { chatHistory, chatSend } from '../../src/lib/contracts/chat.ts';
import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { libraryIngest, libraryRead } from '../../src/lib/contracts/library.ts';
import { meshPeers } from '../../src/lib/contracts/mesh.ts';
import { nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import type { Bus } from '../../src/lib/kernel/bus/bus.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import { bytesToText, textToBytes } from '../../src/lib/kernel/ids.ts';
import { communityKeyCheck, sealCommunityKey } from '../../src/lib/crypto/community-key.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { makePerson, platformCrypto } from './street-fixture.ts';
import { createTestNode, realClock, seededRandom } from '../support/test-neighbours.ts';

const running: HearthNode[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
});

const start = async (name: string, network: MemoryNetwork, extra: object = {}) => {
  const node = await createTestNode({ name, network, ...extra });
  running.push(node);
  return node;
};

/** The first snapshot of a live view that fits. */
const until = async <I, O, S>(
  bus: Bus,
  capability: Capability<I, O, S>,
  input: I,
  fits: (snapshot: S) => boolean,
): Promise<S> => {
  for await (const snapshot of bus.stream(capability, input)) if (fits(snapshot)) return snapshot;
  throw new Error('the view ended');
};
const clientId = () => bytesToText(crypto.getRandomValues(new Uint8Array(16)));
const newNetwork = () => createMemoryNetwork({ clock: realClock, random: seededRandom('network') });

const annaAndBora = async (extra: object = {}) => {
  const network = newNetwork();
  const anna = await start('anna', network, extra);
  const bora = await start('bora', network, extra);
  const founded = await anna.bus.call(communityFound, { name: 'Anna', communityName: 'Lindenstrasse' });
  expect(founded).toMatchObject({ ok: true });
  const invite = await anna.bus.call(communityInvite, { onPaper: false });
  if (!invite.ok) throw new Error(invite.error.reason);
  const joined = await bora.bus.call(communityJoin, { invite: invite.value.output.code, name: 'Bora' });
  expect(joined).toMatchObject({ ok: true });
  const door = await until(anna.bus, communityMembers, {}, ({ waiting }) => waiting.length === 1);
  const own = await until(bora.bus, communityMembers, {}, ({ ownEmoji }) => ownEmoji.length === 6);
  expect(own.ownEmoji).toEqual(door.waiting[0]?.emoji);
  const admitted = await anna.bus.call(communityAdmit, { request: door.waiting[0]?.request ?? '', accept: true });
  expect(admitted).toMatchObject({ ok: true });
  await until(bora.bus, nodeInfoCapability, {}, ({ membership }) => membership === 'member');
  return { network, anna, bora, code: invite.value.output.code };
};

describe('two neighbours', () => {
  it('anna founds a neighbourhood, bora knocks with her invite, anna lets him in and both see each other', async () => {
    const { anna, bora } = await annaAndBora();
    const seenByAnna = await until(anna.bus, meshPeers, {}, ({ neighbours }) =>
      neighbours.some(({ state }) => state === 'linked'),
    );
    const seenByBora = await until(bora.bus, meshPeers, {}, ({ neighbours }) =>
      neighbours.some(({ state }) => state === 'linked'),
    );
    expect(seenByAnna.neighbours.map(({ name }) => name)).toEqual(['Bora']);
    expect(seenByBora.neighbours.map(({ name }) => name)).toEqual(['Anna']);
  });

  it('what bora says reaches anna, and his tick counts her signed receipt', async () => {
    const { anna, bora } = await annaAndBora();
    expect(
      await bora.bus.call(chatSend, { to: 'everyone' as const, text: 'Hallo!', clientId: clientId() }),
    ).toMatchObject({ ok: true });
    const heard = await until(
      anna.bus,
      chatHistory,
      { thread: 'everyone' as const, limit: 10 },
      ({ messages }) => messages.length === 1,
    );
    expect(heard.messages[0]).toMatchObject({ text: 'Hallo!', name: 'Bora', isOwn: false });
    const ticked = await until(
      bora.bus,
      chatHistory,
      { thread: 'everyone' as const, limit: 10 },
      ({ messages }) => messages[0]?.state === 'handedOn',
    );
    expect(ticked.messages[0]).toMatchObject({ heldBy: 1, heldOf: 1 });
  });

  it('anna asks what only bora has written down: the answer is quoted from his device and says so', async () => {
    const { anna, bora } = await annaAndBora();
    const bytes = new TextEncoder().encode(
      '# Well in the yard\n\nThe old hand pump stands behind the bakery. The key hangs at the bakery door. Pump twenty strokes before you fill a bottle.\n',
    );
    const added = await bora.bus.call(libraryIngest, {
      corpus: 'street-notes',
      visibility: 'community',
      fileName: 'well.md',
      bytes,
    });
    expect(added).toMatchObject({ ok: true, value: { output: { duplicate: false } } });
    await until(anna.bus, meshPeers, {}, ({ neighbours }) =>
      neighbours.some(({ offers }) =>
        offers.some(
          ({ capability, params }) =>
            capability.startsWith('library.search') && params.corpus?.includes('street-notes'),
        ),
      ),
    );
    const reply = await anna.bus.call(askAnswer, {
      messages: [{ role: 'person', text: 'Where is the key of the hand pump?' }],
      mode: 'quotes',
    });
    if (!reply.ok) throw new Error(reply.error.reason);
    const answer = reply.value.output;
    expect(answer).toMatchObject({ outcome: 'quotes', route: 'neighbour' });
    expect(answer.citations.map(({ quote }) => quote).join(' ')).toContain('bakery');
    const cid = answer.passages[0]?.cid ?? '';
    expect(await anna.bus.call(libraryRead, { cid }, { device: answer.servedBy })).toMatchObject({
      ok: true,
      value: { meta: { route: 'neighbour' } },
    });
  });

  it('bora cannot draw anna to a meeting place of his own: only somebody trusted opens an epoch, and a wrong key is not believed', async () => {
    const { anna, bora } = await annaAndBora();
    const here = bora.current();
    const there = anna.current();
    const before = there?.currentKey();
    const own = await makePerson('anna');
    if (!here || !there || !before) throw new Error('there is no neighbourhood');
    const sealedKey = await sealCommunityKey(
      platformCrypto,
      new Uint8Array(32).fill(7),
      own.keys.agreement.publicKey,
      here.log.community,
    );
    if (!sealedKey) throw new Error('not sealed');
    const device = own.keys.signing.publicKey;
    await here.log.append('community.key', {
      auth: [...here.membership().authorityHeads],
      epoch: new Uint8Array(16).fill(9),
      check: await communityKeyCheck(platformCrypto, new Uint8Array(32).fill(7)),
      sealed: [{ device, sealedKey }],
    });
    const again = {
      auth: [...here.membership().authorityHeads],
      certificate: own.certificate.bytes,
      personName: 'Anna',
      inviteHash: new Uint8Array(32),
      epoch: textToBytes(before.epoch) ?? new Uint8Array(16),
      sealedKey,
    };
    await here.log.append('community.admit', again);
    await until(
      anna.bus,
      communityMembers,
      {},
      () => there.log.size === here.log.size && there.log.missingPayloads(1).length === 0,
    );
    await there.openKeys();
    expect(there.currentKey()).toEqual(before);
    expect([...there.membership().voidById.values()]).toEqual(['role']);
  });
});
