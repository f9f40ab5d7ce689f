import { describe, expect, it } from 'vitest';
import { foldMembership } from '../../src/lib/log/membership.ts';
import { actor } from '../support/actors.ts';
import { createHistory, type History } from '../support/history.ts';

const peopleOf = async () => {
  const [anna, bora, chen, phone] = [
    await actor('anna'),
    await actor('bora'),
    await actor('chen'),
    await actor('phone', 'bora'),
  ];
  return { anna, bora, chen, phone };
};

/** anna founds and trusts bora; chen is a member. */
const begin = async (): Promise<History> => {
  const { anna, bora, chen } = await peopleOf();
  const history = createHistory();
  await history.found(anna);
  await history.admit(anna, bora);
  await history.admit(anna, chen);
  await history.promote(anna, bora, 'trusted');
  return history;
};

describe('removals', () => {
  it('leaves of two who remove each other exactly the senior, whoever wrote first', async () => {
    const { anna, bora } = await peopleOf();
    for (const boraFirst of [true, false]) {
      const history = await begin();
      const base = [...history.deeds];
      const writers = boraFirst ? [bora, anna] : [anna, bora];
      for (const writer of writers)
        await history.against(writer, 'remove', writer === anna ? bora : anna, [writer], { knows: base });
      const membership = foldMembership(history.logOf());
      expect(membership.members.has(anna.person)).toBe(true);
      expect(membership.members.has(bora.person)).toBe(false);
      expect([...membership.voidById.values()]).toEqual(['removed']);
    }
  });

  it('keeps a removed person out with a device that was added elsewhere at the same time', async () => {
    const { anna, bora, chen, phone } = await peopleOf();
    const history = await begin();
    const base = [...history.deeds];
    await history.addDevice(chen, phone, { knows: base });
    await history.against(anna, 'remove', bora, [anna], { knows: base });
    await history.rename(phone, 'Bora again');
    const membership = foldMembership(history.logOf());
    expect(membership.roleOf(phone.device)).toBeNull();
    expect(membership.barOf(phone.device, bora.person)).toBe('removed');
    expect(membership.cutOf(phone.device, 21)).toBe(0);
  });

  it('folds two thousand acts of a growing street, removals among them, in one reading', async () => {
    const { anna, bora, chen } = await peopleOf();
    const history = await begin();
    for (let at = 0; at < 490; at++) {
      const guest = await actor(`guest ${at % 40}`);
      await history.rename(bora, `Bora ${at}`);
      await history.rename(chen, `Chen ${at}`);
      await history.admit(anna, guest);
      if (at % 40 === 39) await history.against(anna, 'remove', guest, [anna, bora]);
      else await history.rename(anna, `Anna ${at}`);
    }
    const { members, voidById } = foldMembership(history.logOf());
    expect(history.deeds.length).toBe(1_964);
    expect(members.get(anna.person)?.name).toBe('Anna 489');
    expect([...new Set(voidById.values())].toSorted()).toEqual(['already', 'removed']);
  });
});
