import { foldMembership, type Membership } from '../../src/lib/log/membership.ts';
import { actor } from '../support/actors.ts';
import { createHistory, type Deed, type History } from '../support/history.ts';

/** anna founds; bora and chen are trusted, mallory is a member: two must sign against a trusted person, three against mallory. */
export const street = async (isReal = false) => {
  const [anna, bora, chen, mallory, eve] = await Promise.all(
    ['anna', 'bora', 'chen', 'mallory', 'eve'].map((name) => actor(name)),
  );
  const phone = await actor('bora phone', 'bora');
  if (!anna || !bora || !chen || !mallory || !eve) throw new Error('nobody lives here');
  const history = createHistory(isReal);
  await history.found(anna);
  for (const guest of [bora, chen, mallory]) await history.admit(anna, guest);
  await history.promote(anna, bora, 'trusted');
  await history.promote(anna, chen, 'trusted');
  await history.addDevice(bora, phone);
  return { history, anna, bora, chen, mallory, eve, phone };
};
export const fold = (history: History): Membership => foldMembership(history.logOf());
export const reasonOf = (history: History, deed: Deed): string | null => fold(history).voidById.get(deed.id) ?? null;
