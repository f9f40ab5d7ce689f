import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { compareEntries } from './effect.ts';
import { knows, type Act, type Acts } from './past.ts';

type Head = { readonly act: Act; readonly digest: Bytes };

/**
 * The frontier of what is known here: of each lane the longest part whose past is whole, where no other head knows it. When
 * there are more than may be named, everybody's newest goes before anybody's second, so that one person with many devices
 * cannot push the others out; members go before those who are out.
 */
export const headsOf = (
  { lanes }: Acts,
  personOf: (device: string) => string | null,
  isIn: (device: string) => boolean,
): Bytes[] => {
  const heads = [...lanes.values()].flatMap(({ acts, digests }): Head[] => {
    const settled = acts.findLastIndex(({ past }) => past !== null);
    const [act, digest] = [acts[settled], digests[settled]];
    return act && digest ? [{ act, digest }] : [];
  });
  const frontier = heads
    .filter(({ act }) => !heads.some((other) => other.act !== act && other.act.past && knows(other.act.past, act)))
    .toSorted((a, b) => compareEntries(b.act.entry, a.act.entry));
  const turnByPerson = new Map<string, number>();
  const withTurns = frontier.map((head) => {
    const person = personOf(head.act.author) ?? '';
    const turn = turnByPerson.get(person) ?? 0;
    turnByPerson.set(person, turn + 1);
    return { ...head, turn, isOut: !isIn(head.act.author) };
  });
  return withTurns
    .toSorted((a, b) => Number(a.isOut) - Number(b.isOut) || a.turn - b.turn)
    .slice(0, limits.authorityHeadsMax)
    .map(({ digest }) => digest);
};
