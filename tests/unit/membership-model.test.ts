import { describe, expect, it } from 'vitest';
import { actor, type Actor } from '../support/actors.ts';
import { createHistory, type Deed, type History } from '../support/history.ts';
import { brokenRules } from '../support/history-rules.ts';

type Step = {
  readonly name: string;
  /** The device that writes. */
  readonly by: string;
  write(history: History, knows: readonly Deed[]): Promise<Deed>;
};

/** anna founds and trusts bora; chen is a member. Quorum: one person against anna or bora, two against chen. */
const peopleOf = async () => {
  const [anna, bora, chen, dana, phone] = await Promise.all([
    actor('anna'),
    actor('bora'),
    actor('chen'),
    actor('dana'),
    actor('phone', 'bora'),
  ]);
  return { anna, bora, chen, dana, phone };
};

const begin = async ({ anna, bora, chen }: Record<'anna' | 'bora' | 'chen', Actor>): Promise<History> => {
  const history = createHistory();
  await history.found(anna);
  await history.admit(anna, bora, { invite: 'bora' });
  await history.admit(anna, chen, { invite: 'chen' });
  await history.promote(anna, bora, 'trusted');
  return history;
};

/** The acts that histories of three are made of: who removes whom, with which cuts, and what can rest on it. */
const stepsOf = ({ anna, bora, chen, dana, phone }: Awaited<ReturnType<typeof peopleOf>>): Step[] => [
  {
    name: 'anna removes bora',
    by: anna.device,
    write: (h, knows) => h.against(anna, 'remove', bora, [anna], { knows }),
  },
  {
    name: 'anna removes bora for ever',
    by: anna.device,
    write: (h, knows) => h.against(anna, 'remove', bora, [anna], { knows, cuts: [] }),
  },
  {
    name: 'bora removes anna',
    by: bora.device,
    write: (h, knows) => h.against(bora, 'remove', anna, [bora], { knows }),
  },
  {
    name: 'chen writes what bora signed against anna',
    by: chen.device,
    write: (h, knows) => h.against(chen, 'remove', anna, [bora], { knows }),
  },
  {
    name: 'anna and bora remove chen',
    by: bora.device,
    write: (h, knows) => h.against(bora, 'remove', chen, [anna, bora], { knows, cuts: [] }),
  },
  {
    name: 'anna demotes bora',
    by: anna.device,
    write: (h, knows) => h.against(anna, 'demote', bora, [anna], { knows }),
  },
  { name: 'bora promotes chen', by: bora.device, write: (h, knows) => h.promote(bora, chen, 'trusted', { knows }) },
  {
    name: 'chen removes bora',
    by: chen.device,
    write: (h, knows) => h.against(chen, 'remove', bora, [chen, anna], { knows }),
  },
  { name: 'bora lets dana in', by: bora.device, write: (h, knows) => h.admit(bora, dana, { knows, invite: 'dana' }) },
  { name: 'dana says her name', by: dana.device, write: (h, knows) => h.rename(dana, 'Dana', { knows }) },
  { name: 'bora leaves', by: bora.device, write: (h, knows) => h.leave(bora, { knows }) },
  { name: 'bora adds a phone', by: bora.device, write: (h, knows) => h.addDevice(bora, phone, { knows }) },
  {
    name: 'the phone lets dana in',
    by: phone.device,
    write: (h, knows) => h.admit(phone, dana, { knows, invite: 'phone' }),
  },
  { name: 'bora gives up the phone', by: bora.device, write: (h, knows) => h.revoke(bora, phone, { knows, cuts: [] }) },
];

/** Of all earlier steps, which each step knew: bit j of knows[i]. */
const patterns = (length: number): boolean[][][] => {
  const pairs = (length * (length - 1)) / 2;
  return Array.from({ length: 2 ** pairs }, (_, bits) => {
    let bit = 0;
    return Array.from({ length }, (_row, i) => Array.from({ length: i }, () => ((bits >> bit++) & 1) === 1));
  });
};

const play = async (
  history: History,
  steps: readonly Step[],
  pattern: readonly (readonly boolean[])[],
): Promise<void> => {
  const base = [...history.deeds];
  const written: Deed[] = [];
  for (const [at, step] of steps.entries()) {
    const knows = [...base, ...written.filter((_deed, before) => pattern[at]?.[before])];
    written.push(await step.write(history, knows));
  }
};

/** Histories that differ only in the order in which concurrent acts are listed, or in saying that a device knew itself, are one. */
const isCanonical = (
  order: readonly number[],
  steps: readonly Step[],
  pattern: readonly (readonly boolean[])[],
): boolean =>
  order.every((step, at) => {
    const row = pattern[at] ?? [];
    const writer = steps[step]?.by;
    if (order.slice(0, at).some((other, before) => steps[other]?.by === writer && !row[before])) return false;
    return at === 0 || row[at - 1] === true || (order[at - 1] ?? 0) <= step;
  });

describe('every history of three acts between anna, bora and chen', () => {
  it('comes to what the slow reference says, to the same for every order of arrival, and keeps the rules', async () => {
    const people = await peopleOf();
    const steps = stepsOf(people);
    const wrong: string[] = [];
    let count = 0;
    for (const first of steps.keys())
      for (const second of steps.keys())
        for (const third of steps.keys())
          for (const pattern of patterns(3)) {
            const order = [first, second, third];
            if (!isCanonical(order, steps, pattern)) continue;
            const chosen = order.flatMap((at) => steps[at] ?? []);
            const history = await begin(people);
            await play(history, chosen, pattern);
            count += 1;
            const broken = brokenRules(history, [history.deeds.toReversed()]);
            if (broken.length > 0)
              wrong.push(`${chosen.map(({ name }) => name).join('; ')} ${JSON.stringify(pattern)}: ${broken.join()}`);
          }
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(count).toBeGreaterThan(5_000);
  }, 240_000);
});
