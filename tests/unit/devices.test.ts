import { describe, expect, it } from 'vitest';
import { communityJoin, communityMembers } from '../../src/lib/contracts/community.ts';
import {
  devicesCard,
  devicesConfirm,
  devicesLink,
  devicesLinkCode,
  devicesList,
  devicesRestore,
  devicesRevoke,
  devicesTestCard,
} from '../../src/lib/contracts/devices.ts';
import { nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import {
  call,
  found,
  hears,
  knockAsDevice,
  letIn,
  link,
  newNetwork,
  now,
  refusal,
  say,
  startDevice,
  until,
} from './devices-fixture.ts';

describe("a second device of anna's", () => {
  it('is linked by a code, six emoji and a tap, and speaks as anna to bora', async () => {
    const network = newNetwork();
    const anna = await startDevice('anna', network);
    const bora = await startDevice('bora', network);
    const phone = await startDevice('phone', network);
    await found(anna, 'Anna');
    await letIn(anna, bora, 'Bora');
    const { emoji, ownEmoji } = await link(anna, phone, false);
    expect(ownEmoji).toEqual(emoji);
    const own = await now(anna, nodeInfoCapability, {});
    const linked = await now(phone, nodeInfoCapability, {});
    expect(linked).toMatchObject({ person: own.person, name: 'Anna', membership: 'member' });
    expect(linked.device).not.toBe(own.device);
    await say(phone, 'Von meinem Telefon');
    const heard = await hears(bora, 'Von meinem Telefon');
    expect(heard.messages.at(-1)).toMatchObject({ person: own.person, name: 'Anna' });
    const members = await until(bora, communityMembers, {}, ({ members: all }) => all.length === 2);
    expect(members.members.find(({ name }) => name === 'Anna')?.devices).toHaveLength(2);
  });

  it('that got no root key can neither show the card nor link nor give up a device, and says why', async () => {
    const network = newNetwork();
    const [anna, phone] = [await startDevice('anna', network), await startDevice('phone', network)];
    await found(anna, 'Anna');
    await link(anna, phone, false);
    const { device } = await now(anna, nodeInfoCapability, {});
    expect(await now(phone, devicesList, {})).toMatchObject({ hasRoot: false });
    for (const reason of [
      await refusal(phone, devicesCard, {}),
      await refusal(phone, devicesTestCard, { words: [] }),
      await refusal(phone, devicesLinkCode, {}),
      await refusal(phone, devicesRevoke, { device }),
    ])
      expect(reason).toBe('no-root');
  });

  it('that got the root key shows the same card and can itself link a third', async () => {
    const network = newNetwork();
    const anna = await startDevice('anna', network);
    const [phone, tablet] = [await startDevice('phone', network), await startDevice('tablet', network)];
    await found(anna, 'Anna');
    await link(anna, phone, true);
    expect((await call(phone, devicesCard, {})).words).toEqual((await call(anna, devicesCard, {})).words);
    await link(phone, tablet, false);
    const { person } = await now(anna, nodeInfoCapability, {});
    expect(await now(tablet, nodeInfoCapability, {})).toMatchObject({ person, membership: 'member' });
    await until(anna, devicesList, {}, ({ devices }) => devices.length === 3);
  });

  it('is not linked when anna says no, and is told so', async () => {
    const network = newNetwork();
    const [anna, phone] = [await startDevice('anna', network), await startDevice('phone', network)];
    await found(anna, 'Anna');
    const { request } = await knockAsDevice(anna, phone);
    await call(anna, devicesConfirm, { request, accept: false, withRoot: false });
    await until(phone, nodeInfoCapability, {}, ({ pendingReason }) => pendingReason === 'invite-refused');
    expect((await now(anna, devicesList, {})).devices).toHaveLength(1);
  });

  it('a link code that was used turns away whoever knocks with it later', async () => {
    const network = newNetwork();
    const anna = await startDevice('anna', network);
    const [phone, mallory] = [await startDevice('phone', network), await startDevice('mallory', network)];
    await found(anna, 'Anna');
    const { code } = await link(anna, phone, true);
    await call(mallory, devicesLink, { code });
    await until(mallory, nodeInfoCapability, {}, ({ pendingReason }) => pendingReason === 'invite-used');
    expect(await now(anna, devicesList, {})).toMatchObject({ linking: [], linkCode: null });
  });

  it('a stranger with the link code shows other emoji than the device anna holds in her hand', async () => {
    const network = newNetwork();
    const anna = await startDevice('anna', network);
    const [phone, mallory] = [await startDevice('phone', network), await startDevice('mallory', network)];
    await found(anna, 'Anna');
    const { code, ownEmoji } = await knockAsDevice(anna, phone);
    await call(mallory, devicesLink, { code });
    const { linking } = await until(anna, devicesList, {}, (devices) => devices.linking.length === 2);
    const mallorys = (await until(mallory, communityMembers, {}, (each) => each.ownEmoji.length === 6)).ownEmoji;
    expect(linking.filter(({ emoji }) => emoji.join() === ownEmoji.join())).toHaveLength(1);
    expect(mallorys).not.toEqual(ownEmoji);
  });

  it('an invite is no link code and a link code is no invite', async () => {
    const network = newNetwork();
    const [anna, bora] = [await startDevice('anna', network), await startDevice('bora', network)];
    await found(anna, 'Anna');
    const { code } = await call(anna, devicesLinkCode, {});
    expect(await refusal(bora, communityJoin, { invite: code, name: 'Bora' })).toBe('invite-for-device');
    const { code: invite } = await letIn(anna, bora, 'Bora');
    const chen = await startDevice('chen', network);
    expect(await refusal(chen, devicesLink, { code: invite })).toBe('invite-for-person');
  });
});

describe('the card', () => {
  it('is noted as shown, and as tested only when the words are right', async () => {
    const anna = await startDevice('anna', newNetwork());
    expect(await now(anna, devicesList, {})).toMatchObject({ cardShownAt: null, cardTestedAt: null, hasRoot: true });
    const { words } = await call(anna, devicesCard, {});
    const asked = (...positions: number[]) => positions.map((position) => ({ position, word: words[position] ?? '' }));
    expect(await call(anna, devicesTestCard, { words: [{ position: 2, word: 'wrong' }, ...asked(8)] })).toEqual({
      isRight: false,
    });
    expect(await call(anna, devicesTestCard, { words: [] })).toEqual({ isRight: false });
    expect((await now(anna, devicesList, {})).cardTestedAt).toBeNull();
    expect(await call(anna, devicesTestCard, { words: asked(2, 8) })).toEqual({ isRight: true });
    expect((await now(anna, devicesList, {})).cardTestedAt).not.toBeNull();
  });

  it("makes a new device of anna's after she lost hers: bora is told that she is known, and the lost one can be given up", async () => {
    const network = newNetwork();
    const [anna, bora] = [await startDevice('anna', network), await startDevice('bora', network)];
    await found(anna, 'Anna');
    await letIn(anna, bora, 'Bora');
    const { words } = await call(anna, devicesCard, {});
    const lost = await now(anna, nodeInfoCapability, {});
    await anna.stop();

    const fresh = await startDevice('fresh', network);
    const before = await now(fresh, nodeInfoCapability, {});
    expect(await call(fresh, devicesRestore, { words: words.join(' '), name: 'Anna' })).toEqual({
      person: lost.person,
    });
    await fresh.restarted();
    const restored = await now(fresh, nodeInfoCapability, {});
    expect(restored).toMatchObject({ person: lost.person, membership: 'none', name: 'Anna' });
    expect([lost.device, before.device]).not.toContain(restored.device);
    const { waiting } = await letIn(bora, fresh, 'Anna');
    expect(waiting).toMatchObject({ isKnownPerson: true, person: lost.person });
    const { members } = await now(bora, communityMembers, {});
    expect(members.filter(({ person }) => person === lost.person)).toHaveLength(1);

    await call(fresh, devicesRevoke, { device: lost.device });
    const { devices } = await until(fresh, devicesList, {}, (list) =>
      list.devices.some(({ state }) => state === 'revoked'),
    );
    expect(devices.find(({ device }) => device === lost.device)?.state).toBe('revoked');
    expect(await refusal(fresh, devicesRevoke, { device: lost.device })).toBe('device-revoked');
    expect(await refusal(fresh, devicesRevoke, { device: restored.device })).toBe('this-device');
  });

  it('names the word that is wrong, and leaves the device as it was', async () => {
    const fresh = await startDevice('fresh', newNetwork());
    const before = await now(fresh, nodeInfoCapability, {});
    const typed = 'ozone drill grub fiber curtain grace pudding thank cruise elder eight picnic';
    expect(await refusal(fresh, devicesRestore, { words: typed, name: 'Anna' })).toBe('card-word-3');
    expect(await refusal(fresh, devicesRestore, { words: typed.replace('grub', 'zoo'), name: 'Anna' })).toBe(
      'card-checksum',
    );
    expect(await now(fresh, nodeInfoCapability, {})).toMatchObject({ person: before.person, device: before.device });
  });

  it('of somebody else does not make a member of whoever has it', async () => {
    const network = newNetwork();
    const [anna, bora] = [await startDevice('anna', network), await startDevice('bora', network)];
    await found(anna, 'Anna');
    await letIn(anna, bora, 'Bora');
    expect(await refusal(bora, devicesRestore, { words: 'zoo '.repeat(11) + 'wrong', name: 'Bora' })).toBe(
      'already-member',
    );
    const chen = await startDevice('chen', network);
    await call(chen, devicesRestore, { words: 'zoo '.repeat(11) + 'wrong', name: 'Chen' });
    await chen.restarted();
    const { waiting } = await letIn(anna, chen, 'Chen');
    expect(waiting).toMatchObject({ isKnownPerson: false, name: 'Chen' });
    expect((await now(anna, communityMembers, {})).members).toHaveLength(3);
  });
});

describe('a device that was given up', () => {
  it('learns it, lets go of its links and says so', async () => {
    const network = newNetwork();
    const [anna, phone] = [await startDevice('anna', network), await startDevice('phone', network)];
    await found(anna, 'Anna');
    await link(anna, phone, false);
    const { device } = await now(phone, nodeInfoCapability, {});
    await call(anna, devicesRevoke, { device });
    await until(phone, nodeInfoCapability, {}, ({ membership }) => membership === 'removed');
    expect(phone.node().links.all()).toHaveLength(0);
  });
});
