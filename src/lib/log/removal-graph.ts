import { compareRanks } from './authority-index.ts';
import { authorityLane } from './event.ts';
import { knows, type SettledAct } from './past.ts';
import type { Ending } from './authority-case.ts';
import { placeOf } from './removal-judge.ts';

/**
 * Whether an ending takes another one's ground away: neither knew of the other, its target stands behind the other one (as a
 * signer, or as its writer), and what the target did there is not among what still counts. What people decide about
 * themselves and their devices is never taken away.
 */
export const strikes = (ending: Ending, other: Ending): boolean => {
  if (ending.act.id === other.act.id || other.kind === 'leave' || other.kind === 'revoke') return false;
  if (knows(other.act.past, ending.act) || knows(ending.act.past, other.act)) return false;
  return standsBehind(ending, other) && !counts(ending, other.act, other.writer);
};

const standsBehind = ({ kind, person, device }: Ending, other: Ending): boolean => {
  if (device !== null) return other.signingDevices.has(device) || other.act.author === device;
  return other.signers.has(person) || (kind !== 'demote' && other.writer === person);
};

/** Whether an act of its target is among those it lets count by name. Cuts that name a device of somebody else say nothing. */
const counts = (ending: Ending, { author, seq }: SettledAct, writer: string): boolean =>
  isOf(ending, author, writer) && (ending.counts.get(placeOf(author, authorityLane)) ?? 0) > seq;

const isOf = ({ device, person }: Ending, author: string, writer: string): boolean =>
  device === null ? writer === person : author === device;

/** Whether an authority act lies beyond the cuts of an ending. A demotion ends only what did not know of it, and only where it names a count. */
export const isBeyond = (ending: Ending, act: SettledAct, writer: string): boolean => {
  if (act.id === ending.act.id || !isOf(ending, act.author, writer)) return false;
  const count = ending.counts.get(placeOf(act.author, authorityLane));
  if (ending.kind === 'demote') return count !== undefined && act.seq >= count && !knows(act.past, ending.act);
  return act.seq >= (count ?? 0);
};

/**
 * Which of these stand: what nobody undecided or standing strikes stands, what a standing one strikes falls; of two that
 * strike each other only the senior's blow counts, and a longer circle is broken by its most senior. The result does not
 * depend on their order.
 */
export const standingAmong = (endings: readonly Ending[]): readonly Ending[] => {
  const blows = endings.map((struck) =>
    endings.filter((by) => strikes(by, struck) && !(strikes(struck, by) && compareEndings(struck, by) < 0)),
  );
  const undecided = new Set(endings.keys());
  const standing = new Set<Ending>();
  while (undecided.size > 0) {
    const open = new Set([...undecided].map((at) => endings[at]));
    const isFree = (at: number): boolean => !blows[at]?.some((by) => open.has(by) || standing.has(by));
    const free = [...undecided].filter(isFree);
    const chosen = free.length > 0 ? free : [mostSenior([...undecided], endings)];
    for (const at of chosen) {
      const ending = endings[at];
      if (ending) standing.add(ending);
      undecided.delete(at);
    }
    for (const at of [...undecided]) if (blows[at]?.some((by) => standing.has(by))) undecided.delete(at);
  }
  return endings.filter((ending) => standing.has(ending));
};

/** The more senior first; of the same signer's the smaller id. */
export const compareEndings = (a: Ending, b: Ending): number =>
  compareRanks(a.rank, b.rank) || (a.act.id < b.act.id ? -1 : a.act.id > b.act.id ? 1 : 0);

const mostSenior = (places: readonly number[], endings: readonly Ending[]): number =>
  places.reduce((best, at) => {
    const [a, b] = [endings[at], endings[best]];
    return a && b && compareEndings(a, b) < 0 ? at : best;
  });
