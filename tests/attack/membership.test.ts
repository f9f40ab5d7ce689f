import { describe, expect, it } from 'vitest';
import { textToBytes } from '../../src/lib/kernel/ids.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { foldMembership, type Membership } from '../../src/lib/log/membership.ts';
import { openLog, makePerson } from '../unit/street-fixture.ts';
import { actor, type Actor } from '../support/actors.ts';
import { fold, reasonOf, street } from './membership-street.ts';
import { sha, type Deed, type History } from '../support/history.ts';

/** What a real log, which verifies everything, makes of it. */
const folded = async (history: History): Promise<Membership> => {
  const { log } = await openLog(await makePerson('reader'), history.community());
  const incoming = history.deeds.map(({ entry }) => ({ envelope: entry.event.envelope, payload: entry.payload }));
  unwrap(await log.receive(incoming, 'somebody'));
  return foldMembership(log);
};
const removal = async (
  history: History,
  by: Actor,
  intent: Bytes,
  signatures: { device: Bytes; signature: Bytes }[],
  signers: readonly Actor[] = [],
): Promise<Deed> =>
  history.write(by, 'community.remove', (auth) => ({ auth, intent, signatures }), {
    signers: signers.map(({ device }) => device),
  });

describe('signatures of others under an act', () => {
  it('three good ones remove mallory, which all the others here fail to do', async () => {
    const { history, anna, bora, chen, mallory } = await street(true);
    await history.against(anna, 'remove', mallory, [anna, bora, chen]);
    const membership = await folded(history);
    expect([...membership.voidById.values()]).toEqual([]);
    expect(membership.former).toMatchObject([{ person: mallory.person, how: 'removed' }]);
  });

  it('forged ones do not count', async () => {
    const { history, anna, bora, chen, mallory } = await street(true);
    const { bytes } = history.intentFor('remove', mallory, []);
    const good = await history.signIntent(anna, bytes);
    const forged = [bora, chen].map(({ keys }) => ({ device: keys.signing.publicKey, signature: good.signature }));
    const deed = await removal(history, anna, bytes, [good, ...forged]);
    expect((await folded(history)).voidById.get(deed.id)).toBe('quorum');
  });

  it('those given for one person do not serve against another', async () => {
    const { history, anna, bora, chen, mallory } = await street(true);
    const { bytes } = history.intentFor('remove', mallory, []);
    const other = history.intentFor('remove', bora, []);
    const signatures = await Promise.all([anna, bora, chen].map((signer) => history.signIntent(signer, bytes)));
    const deed = await removal(history, mallory, other.bytes, signatures);
    expect((await folded(history)).voidById.get(deed.id)).toBe('quorum');
  });

  it('those given to take trust back do not remove', async () => {
    const { history, anna, bora, chen } = await street(true);
    const { bytes } = history.intentFor('demote', chen, []);
    const deed = await removal(history, anna, bytes, [
      await history.signIntent(anna, bytes),
      await history.signIntent(bora, bytes),
    ]);
    expect((await folded(history)).voidById.get(deed.id)).toBe('intent');
  });

  it('those given in another neighbourhood are worth nothing here', async () => {
    const { history, anna, bora, chen, mallory } = await street(true);
    const { bytes } = history.intentFor('remove', mallory, [], sha('another street').slice(0, 16));
    const signatures = await Promise.all([anna, bora, chen].map((signer) => history.signIntent(signer, bytes)));
    const deed = await removal(history, anna, bytes, signatures);
    expect((await folded(history)).voidById.get(deed.id)).toBe('intent');
  });

  it('are spent: taking trust back a second time needs new ones', async () => {
    const { history, anna, bora, chen, mallory } = await street(true);
    const { bytes } = history.intentFor('demote', chen, []);
    const signatures = [await history.signIntent(anna, bytes), await history.signIntent(bora, bytes)];
    const write = (by: Actor): Promise<Deed> =>
      history.write(by, 'community.demote', (auth) => ({ auth, intent: bytes, signatures }), {});
    const first = await write(anna);
    await history.promote(anna, chen, 'trusted');
    const replayed = await write(mallory);
    const membership = await folded(history);
    expect([membership.voidById.get(first.id), membership.voidById.get(replayed.id)]).toEqual([undefined, 'already']);
    expect(membership.roleOf(chen.device)).toBe('trusted');
  });

  it('of two devices of one person are one', async () => {
    const { history, bora, chen, phone, mallory } = await street();
    const deed = await history.against(bora, 'remove', mallory, [bora, phone, chen]);
    expect(reasonOf(history, deed)).toBe('quorum');
  });

  it('of the one it is aimed at do not count, nor those of plain members', async () => {
    const { history, anna, bora, chen, mallory } = await street();
    expect(reasonOf(history, await history.against(bora, 'remove', chen, [bora, chen, mallory]))).toBe('quorum');
    expect(reasonOf(history, await history.against(bora, 'remove', chen, [bora, anna]))).toBeNull();
  });

  it('of a device that was given up do not count', async () => {
    const { history, anna, bora, chen, mallory, phone } = await street();
    await history.revoke(bora, phone);
    expect(reasonOf(history, await history.against(anna, 'remove', mallory, [anna, phone, chen]))).toBe('quorum');
  });

  it('under a proposal count only for that proposal', async () => {
    const { history, anna, bora, chen, mallory } = await street(true);
    const [one, two] = [history.intentFor('remove', mallory, []), history.intentFor('remove', chen, [])];
    const propose = (intent: Bytes): Promise<Deed> =>
      history.write(anna, 'community.propose', (auth) => ({ auth, intent, reason: 'noise' }), {});
    const [first, second] = [await propose(one.bytes), await propose(two.bytes)];
    const { signature } = await history.signIntent(bora, one.bytes);
    const endorse = (proposal: Deed): Promise<Deed> =>
      history.write(
        bora,
        'community.endorse',
        (auth) => ({ auth, proposal: textToBytes(proposal.id) ?? new Uint8Array(32), signature }),
        {},
      );
    const [good, stolen] = [await endorse(first), await endorse(second)];
    const membership = await folded(history);
    expect([membership.voidById.get(good.id), membership.voidById.get(stolen.id)]).toEqual([undefined, 'signature']);
    expect(membership.proposals.map(({ agreements }) => agreements.length)).toEqual([1, 0]);
    expect(membership.proposals[0]?.needed).toBe(3);
  });

  it('of a stranger’s root do not give up a device', async () => {
    const { history, bora, mallory, phone } = await street(true);
    const deed = await history.revoke(mallory, phone, { root: mallory });
    const membership = await folded(history);
    expect(membership.voidById.get(deed.id)).toBe('signature');
    expect([membership.roleOf(phone.device), membership.roleOf(bora.device)]).toEqual(['trusted', 'trusted']);
  });
});

describe('whoever is out', () => {
  it('cannot write into the time before: what the cut does not count has no effect', async () => {
    const { history, anna, bora, chen, mallory, eve } = await street();
    const before = [...history.deeds];
    await history.against(anna, 'remove', mallory, [anna, bora, chen], { knows: before });
    const backdated = await history.admit(mallory, eve, { knows: before, hlc: 1 });
    expect(reasonOf(history, backdated)).toBe('removed');
    expect(fold(history).roleOf(eve.device)).toBeNull();
    expect([fold(history).cutOf(mallory.device, 0), fold(history).cutOf(mallory.device, 21)]).toEqual([0, 0]);
  });

  it('is not covered by cuts that name the lanes of others, and those are not cut by them', async () => {
    const { history, anna, bora, chen, mallory } = await street();
    const before = [...history.deeds];
    const cuts = [history.cutOf(bora.device, 0), history.cutOf(chen.device, 99)];
    await history.against(anna, 'remove', mallory, [anna, bora, chen], { knows: before, cuts });
    const [hers, his] = [
      await history.rename(mallory, 'M', { knows: before }),
      await history.rename(bora, 'Bora B.', { knows: before }),
    ];
    expect([reasonOf(history, hers), reasonOf(history, his)]).toEqual(['removed', null]);
    expect(fold(history).cutOf(bora.device, 0)).toBeNull();
  });

  it('takes along whom they let in meanwhile, and who was let in by those', async () => {
    const { history, anna, bora, chen, mallory, eve } = await street();
    const friend = await actor('friend');
    const before = [...history.deeds];
    const admission = await history.admit(mallory, eve, { knows: before });
    const next = await history.admit(eve, friend, { knows: [...before, admission] });
    await history.against(anna, 'remove', mallory, [anna, bora, chen], { knows: before });
    expect([reasonOf(history, admission), reasonOf(history, next)]).toEqual(['removed', 'author-not-member']);
    expect(fold(history).members.size).toBe(3);
  });

  it('promotes nobody, and neither does whoever lost their trust', async () => {
    const { history, anna, bora, chen, mallory } = await street();
    const before = [...history.deeds];
    await history.against(anna, 'demote', chen, [anna, bora], { knows: before });
    const [late, aside] = [
      await history.promote(chen, mallory, 'trusted'),
      await history.promote(chen, mallory, 'trusted', { knows: before }),
    ];
    await history.against(anna, 'remove', bora, [anna], { knows: history.deeds });
    const gone = await history.promote(bora, mallory, 'trusted');
    expect([late, aside, gone].map((deed) => reasonOf(history, deed))).toEqual(['role', 'role', 'removed']);
    expect(fold(history).roleOf(mallory.device)).toBe('member');
  });

  it('does not come back by a new admission or a new device', async () => {
    const { history, anna, bora, chen, mallory } = await street();
    await history.against(anna, 'remove', mallory, [anna, bora, chen]);
    const laptop = await actor('mallory laptop', 'mallory');
    const deeds = [await history.admit(anna, laptop), await history.addDevice(anna, laptop)];
    expect(deeds.map((deed) => reasonOf(history, deed))).toEqual(['removed', 'removed']);
    expect(fold(history).barOf(laptop.device, mallory.person)).toBe('removed');
  });

  it('cannot erase the founding: an ending whose cuts take away what it rests on falls by itself', async () => {
    const { history, anna, bora, chen, mallory } = await street();
    const before = [...history.deeds];
    const coup = await history.against(bora, 'remove', anna, [bora, chen], { knows: before, cuts: [] });
    const other = await history.leave(mallory, { knows: before });
    expect(reasonOf(history, coup)).not.toBeNull();
    expect(reasonOf(history, other)).toBeNull();
    expect(fold(history).roleOf(anna.device)).toBe('anchor');
  });
});
