import { foldMembership } from '../../src/lib/log/membership.ts';
import type { Deed, History } from './history.ts';
import { createReference } from './history-reference.ts';

/** What a node shows of a history, in a form that can be compared. */
export const shownOf = (history: History, order: readonly Deed[] = history.deeds) => {
  const { voidById, members, former, epochs, authorityHeads } = foldMembership(history.logOf(order));
  return {
    reasons: history.deeds.map(({ id }) => voidById.get(id) ?? null),
    members: [...members.values()],
    former,
    epochs,
    heads: authorityHeads,
  };
};

/**
 * What must hold of every history: the slow reference agrees, the order of arrival says nothing, nothing beyond a standing cut
 * counts, nobody has a role that no effective act gave, and no act but an ending brings back what a cut took. Sentences of what
 * does not hold.
 */
export const brokenRules = (history: History, orders: readonly (readonly Deed[])[]): string[] => {
  const { deeds } = history;
  const broken: string[] = [];
  const shown = shownOf(history);
  const reference = createReference(deeds);
  const expected = reference.fold();
  const reasonById = new Map(deeds.map(({ id }, at) => [id, shown.reasons[at] ?? null]));
  const said = deeds.map(({ id }) => expected.reasons.get(id) ?? null);
  if (said.join() !== shown.reasons.join())
    broken.push(`the reference says ${said.join()}, the fold ${shown.reasons.join()}`);
  const roles = shown.members.map(({ person, role }) => `${person} ${role}`).toSorted();
  const expectedRoles = [...expected.roles].map(([person, role]) => `${person} ${role}`).toSorted();
  if (roles.join() !== expectedRoles.join()) broken.push(`roles ${roles.join()} and not ${expectedRoles.join()}`);
  const text = JSON.stringify(shown);
  for (const order of orders)
    if (JSON.stringify(shownOf(history, order)) !== text) broken.push('another order, another result');

  const standing = new Set(expected.standing);
  for (const ending of deeds.filter(({ id }) => standing.has(id)))
    for (const deed of deeds)
      if (reference.isBeyond(ending, deed) && reasonById.get(deed.id) === null)
        broken.push('an act beyond a standing cut counts');
  for (const { person, role } of shown.members) {
    const isMade = deeds.some(
      ({ id, kind, about }) => reasonById.get(id) === null && kind === 'community.promote' && about.target === person,
    );
    if (role !== 'member' && !isMade && deeds[0]?.about.owner !== person)
      broken.push('a role without a promotion that counts');
  }
  const last = deeds.at(-1);
  if (last && last.about.cuts === undefined) {
    const before = foldMembership(history.logOf(deeds.slice(0, -1))).voidById;
    for (const [id, reason] of before)
      if (['removed', 'left', 'revoked'].includes(reason) && reasonById.get(id) === null)
        broken.push('an act beyond a cut came back');
  }
  return broken;
};
