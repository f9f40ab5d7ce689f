import { limits } from '../kernel/limits.ts';
import type { Membership, MemberView } from './membership.ts';

/** Whose budget an author draws on, and which part of a whole one it is. */
export type Share = { readonly holder: string; readonly part: number };

/**
 * A person has one budget for all their devices. In a neighbourhood that is past its first days and larger than a few houses,
 * newcomers have a tenth of one, together with everybody let in below the same longer-standing member: who lets in a crowd
 * gains nothing by it. Asked anew each time; it paces what is taken live and decides nothing about what is stored.
 */
export const shareOf = (
  { members, personOf }: Pick<Membership, 'members' | 'personOf'>,
  device: string,
  nowMs: number,
): Share => {
  const person = personOf(device) ?? device;
  const isNew = (member: MemberView): boolean => member.invitedBy !== null && nowMs - member.since < limits.newcomerMs;
  const isYoung = [...members.values()].every(({ since }) => nowMs - since < limits.newcomerMs);
  let member = members.get(person);
  if (isYoung || members.size <= limits.newcomerPeopleMin || !member || !isNew(member))
    return { holder: person, part: 1 };
  const passed = new Set<string>();
  let inviter = person;
  while (member && isNew(member) && !passed.has(member.person)) {
    passed.add(member.person);
    inviter = member.invitedBy ?? person;
    member = members.get(inviter);
  }
  return { holder: `let in by ${inviter}`, part: limits.newcomerPart };
};
