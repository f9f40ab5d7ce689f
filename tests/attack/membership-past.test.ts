import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { actor } from '../support/actors.ts';
import { sha, type Deed } from '../support/history.ts';
import { fold, reasonOf, street } from './membership-street.ts';

describe('what an act says it knew', () => {
  it('must be here: a head that nobody can resolve leaves it without effect', async () => {
    const { history, mallory } = await street();
    const write = (head: Bytes): Promise<Deed> =>
      history.write(mallory, 'person.profile', () => ({ auth: [head], personName: 'M' }), {});
    const own = history.digestAt(mallory.device, 0);
    const deeds = [await write(sha('some future')), await history.rename(mallory, 'later')];
    expect(deeds.map((deed) => reasonOf(history, deed))).toEqual(['auth-missing', 'auth-missing']);
    expect(own).toEqual(new Uint8Array(32));
    expect(fold(history).members.get(mallory.person)?.name).toBe('mallory');
  });

  it('is never named by others while it is not whole, so nobody is drawn into its hole', async () => {
    const { history, mallory } = await street();
    const before = fold(history).authorityHeads.map(String);
    await history.write(mallory, 'person.profile', () => ({ auth: [sha('some future')], personName: 'M' }), {});
    expect(fold(history).authorityHeads.map(String)).toEqual(before);
  });

  it('cannot be crowded out by one person with many devices', async () => {
    const { history, anna, bora, mallory } = await street();
    for (let at = 0; at < 12; at++) {
      const device = await actor(`mallory ${at}`, 'mallory');
      await history.addDevice(mallory, device, { knows: history.deeds.filter(({ author }) => author === anna.device) });
      await history.rename(device, 'M', { knows: [], hlc: 2 ** 52 + at });
    }
    const said = await history.rename(bora, 'Bora', {
      knows: history.deeds.filter(({ author }) => author === anna.device),
    });
    const heads = fold(history).authorityHeads.map(String);
    expect(said.seq).toBe(1);
    expect(heads).toContain(String(history.digestAt(bora.device, 2)));
    expect(heads.length).toBe(8);
  });
});

describe('letting in and keys', () => {
  it('an invite lets one in, from whichever device of its maker', async () => {
    const { history, bora, phone, eve } = await street();
    const friend = await actor('friend');
    const first = await history.admit(bora, eve, { invite: 'paper' });
    const second = await history.admit(phone, friend, { invite: 'paper' });
    expect([first, second].map((deed) => reasonOf(history, deed))).toEqual([null, 'invite-used']);
  });

  it('a policy of the anchors holds, and nobody else makes one', async () => {
    const { history, anna, bora, mallory, eve } = await street();
    expect(reasonOf(history, await history.policy(bora, 'member'))).toBe('role');
    await history.policy(anna, 'trusted');
    expect(reasonOf(history, await history.admit(mallory, eve))).toBe('policy');
    expect(reasonOf(history, await history.admit(bora, eve))).toBeNull();
  });

  it('a device cannot be claimed by somebody else', async () => {
    const { history, anna, mallory } = await street();
    const claimed = { ...(await actor('bora phone', 'mallory')), person: mallory.person };
    expect(reasonOf(history, await history.addDevice(anna, claimed))).toBe('device-claimed');
  });

  it('a key with another check than its epoch’s is void, and a plain member opens none', async () => {
    const { history, anna, bora, mallory } = await street();
    await history.openEpoch(anna, 'spring', 'right');
    expect(reasonOf(history, await history.openEpoch(bora, 'spring', 'wrong'))).toBe('key-check');
    expect(reasonOf(history, await history.openEpoch(bora, 'spring', 'right'))).toBeNull();
    expect(reasonOf(history, await history.openEpoch(mallory, 'mine', 'mine'))).toBe('role');
  });

  it('an epoch dated into the far future is not the current one once another was opened after it', async () => {
    const { history, anna, bora } = await street();
    await history.openEpoch(bora, 'bomb', 'bomb', { hlc: Number.MAX_SAFE_INTEGER - 1 });
    await history.openEpoch(anna, 'next', 'next');
    const { epochs } = fold(history);
    expect(epochs.map(({ by }) => by)).toEqual([bora.person, anna.person]);
  });

  it('thousands of proposals show as a handful', async () => {
    const { history, anna, bora, mallory } = await street();
    for (let at = 0; at < 2_000; at++) {
      const { bytes, about } = history.intentFor('remove', at % 2 === 0 ? mallory : bora, []);
      const knows = at % 50 === 0 ? history.deeds : [];
      await history.write(anna, 'community.propose', (auth) => ({ auth, intent: bytes, reason: '' }), about, { knows });
    }
    expect(fold(history).proposals.length).toBe(2);
  });

  it('the last anchor neither leaves nor loses the role while others stay', async () => {
    const { history, anna, bora, chen } = await street();
    const deeds = [await history.leave(anna), await history.against(bora, 'demote', anna, [bora, chen])];
    expect(deeds.map((deed) => reasonOf(history, deed))).toEqual(['last-anchor', 'last-anchor']);
    await history.promote(anna, bora, 'anchor');
    expect(reasonOf(history, await history.leave(anna))).toBeNull();
  });
});
