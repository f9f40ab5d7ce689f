import type { Role } from '../../src/lib/kernel/bus/capability.ts';
import type { Deed } from './history.ts';

type Set_ = readonly Deed[];

const rank: Record<Role, number> = { member: 1, trusted: 2, anchor: 3 };
export const atLeast = (role: Role | null, needed: Role): boolean => role !== null && rank[role] >= rank[needed];
const inViewOrder = (a: Deed, b: Deed): number =>
  a.entry.event.header.hlc - b.entry.event.header.hlc ||
  (a.author < b.author ? -1 : a.author > b.author ? 1 : a.seq - b.seq);

/** What a set of effective deeds says of persons and devices, for the slow reference. */
export const createSays = (knew: (deed: Deed, other: Deed) => boolean) => {
  const admits = (e: Set_, person: string): Set_ =>
    e.filter(
      ({ kind, about }) => (kind === 'community.admit' || kind === 'community.genesis') && about.owner === person,
    );
  const personOf = (e: Set_, device: string): string | null =>
    e
      .filter(
        ({ kind, about }) =>
          ['community.genesis', 'community.admit', 'device.add'].includes(kind) && about.device === device,
      )
      .toSorted(inViewOrder)[0]?.about.owner ?? null;
  const exitOf = (e: Set_, person: string): string | null => {
    if (e.some(({ kind, about }) => kind === 'community.remove' && about.target === person)) return 'removed';
    return e.some(({ kind, about }) => kind === 'community.leave' && about.target === person) ? 'left' : null;
  };
  const isRevoked = (e: Set_, device: string): boolean =>
    e.some(({ kind, about }) => kind === 'device.revoke' && about.device === device);
  const roleOf = (e: Set_, person: string): Role | null => {
    if (admits(e, person).length === 0 || exitOf(e, person)) return null;
    const losses = e.filter(({ kind, about }) => kind === 'community.demote' && about.target === person);
    const grants = e.filter(
      ({ kind, about }) =>
        (kind === 'community.promote' && about.target === person) ||
        (kind === 'community.genesis' && about.owner === person),
    );
    const roles = grants
      .filter((grant) => losses.every((loss) => knew(grant, loss)))
      .map(({ kind, about }): Role => (kind === 'community.genesis' ? 'anchor' : (about.role ?? 'member')));
    return roles.reduce<Role>((best, role) => (atLeast(role, best) ? role : best), 'member');
  };
  const everybody = (e: Set_): string[] => [
    ...new Set(
      e.flatMap(({ kind, about }) =>
        kind === 'community.admit' || kind === 'community.genesis' ? (about.owner ?? []) : [],
      ),
    ),
  ];
  const withRole = (e: Set_, needed: Role): string[] =>
    everybody(e).filter((person) => atLeast(roleOf(e, person), needed));
  const quorum = (e: Set_, target: string): number =>
    Math.max(1, Math.min(3, withRole(e, 'trusted').filter((person) => person !== target).length));
  const policy = (e: Set_): Role => {
    const decisions = e.filter(({ kind }) => kind === 'community.policy');
    const last = decisions.filter((each) => !decisions.some((other) => knew(other, each)));
    return last.reduce<Role>(
      (most, { about }) => (atLeast(about.role ?? 'member', most) ? (about.role ?? 'member') : most),
      'member',
    );
  };
  const isLastAnchor = (e: Set_, person: string): boolean =>
    roleOf(e, person) === 'anchor' && withRole(e, 'anchor').length === 1 && withRole(e, 'member').length > 1;
  const depthOf = (e: Set_, person: string): number =>
    Math.min(
      ...admits(e, person).map((deed) => {
        if (deed.kind === 'community.genesis') return 0;
        const before = e.filter((other) => knew(deed, other));
        return 1 + depthOf(before, personOf(before, deed.author) ?? '');
      }),
    );
  return { personOf, exitOf, isRevoked, roleOf, everybody, withRole, quorum, policy, isLastAnchor, depthOf };
};
