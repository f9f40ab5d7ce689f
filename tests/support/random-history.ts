import { randomInt, type Random } from '../../src/lib/kernel/ports/random.ts';
import { actor, type Actor } from './actors.ts';
import { createHistory, type Deed, type History } from './history.ts';
import { seededRandom } from './test-neighbours.ts';

const pick = <T>(random: Random, items: readonly T[]): T => {
  const item = items[randomInt(random, items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
};
const some = <T>(random: Random, items: readonly T[], percent: number): T[] =>
  items.filter(() => randomInt(random, 100) < percent);

const peopleOf = (): Promise<Actor[]> =>
  Promise.all(['anna', 'bora', 'chen', 'dana', 'emil'].map((name) => actor(name)));
const phonesOf = (): Promise<Actor[]> => Promise.all(['bora', 'chen'].map((name) => actor(`${name} phone`, name)));

/** One random act. Most writers are honest about the signatures; some forget to know things, some cut back in time. */
const act = async (
  history: History,
  random: Random,
  people: readonly Actor[],
  phones: readonly Actor[],
): Promise<void> => {
  const devices = [...people, ...phones];
  const target = pick(random, people);
  const style = randomInt(random, 3);
  const knows =
    style === 0
      ? history.deeds
      : style === 1
        ? some(random, history.deeds, 80)
        : history.deeds.slice(0, 5 + randomInt(random, 4));
  const named = devices.filter(({ device }) => knows.some(({ about }) => about.device === device));
  const by = pick(random, named.length > 0 && randomInt(random, 8) > 0 ? named : devices);
  const options = { knows: [...knows], hlc: 1 + randomInt(random, 200_000) };
  const own = history.deeds.filter(({ author }) => author === by.device).at(-1)?.entry.event.header.hlc ?? 0;
  options.hlc = Math.max(options.hlc, own + 1);
  const cuts = randomInt(random, 3) === 0 ? { cuts: [] } : {};
  const choice = randomInt(random, 100);
  if (choice < 14) await history.admit(by, target, { ...options, invite: `${randomInt(random, 4)}` });
  else if (choice < 30) await history.promote(by, target, randomInt(random, 4) === 0 ? 'anchor' : 'trusted', options);
  else if (choice < 58) await history.against(by, 'remove', target, some(random, devices, 60), { ...options, ...cuts });
  else if (choice < 70) await history.against(by, 'demote', target, some(random, devices, 60), { ...options, ...cuts });
  else if (choice < 76) await history.leave(by, { ...options, ...cuts });
  else if (choice < 82) await history.addDevice(by, pick(random, phones), options);
  else if (choice < 88) {
    const phone = pick(random, phones);
    await history.revoke(by, phone, { ...options, ...cuts, ...(randomInt(random, 5) === 0 ? { root: by } : {}) });
  } else if (choice < 91) await history.policy(by, pick(random, ['member', 'trusted', 'anchor'] as const), options);
  else if (choice < 96) await history.openEpoch(by, `${randomInt(random, 3)}`, `${randomInt(random, 2)}`, options);
  else await history.rename(by, `somebody ${choice}`, options);
};

/** A history that is the same for the same seed, and its deeds in another order. `isReal` signs everything. */
export const randomHistory = async (seed: number, isReal = false): Promise<{ history: History; shuffled: Deed[] }> => {
  const [people, phones] = [await peopleOf(), await phonesOf()];
  const random = seededRandom(`history ${seed}`);
  const [anna, bora, chen, dana] = people;
  if (!anna || !bora || !chen || !dana) throw new Error('nobody lives here');
  const history = createHistory(isReal);
  await history.found(anna);
  await history.admit(anna, bora, { invite: 'first' });
  await history.admit(anna, chen, { invite: 'second' });
  await history.promote(anna, bora, 'trusted');
  if (randomInt(random, 2) === 0) await history.promote(bora, chen, 'trusted');
  if (randomInt(random, 2) === 0) await history.admit(chen, dana, { invite: 'third' });
  for (let left = 4 + randomInt(random, 9); left > 0; left--) await act(history, random, people, phones);
  const shuffled = history.deeds
    .map((deed) => ({ deed, at: randomInt(random, 2 ** 32) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ deed }): Deed => deed);
  return { history, shuffled };
};
