import {
  communityAgree,
  communityLeave,
  communityPromote,
  communityPropose,
  communitySetPolicy,
  communitySetServers,
  type Members,
  type Proposal,
} from '../contracts/community.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import type { Role } from '../kernel/bus/capability.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import type { Stop } from '../kernel/lifecycle.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { Membership } from '../log/membership.ts';

/** What members decide about each other, as the composition root makes it from log and keys. A refusal is a reason. */
export type PeopleOffice = {
  promote(person: string, role: 'trusted' | 'anchor'): Promise<Result<void, string>>;
  propose(wish: {
    act: 'demote' | 'remove';
    person: string;
    reason: string;
  }): Promise<Result<{ proposal: string; done: boolean }, string>>;
  agree(proposal: string): Promise<Result<boolean, string>>;
  leave(): Promise<Result<void, string>>;
  setPolicy(admit: Role): Promise<Result<void, string>>;
  setServers(urls: readonly string[]): Promise<Result<void, string>>;
};

/** Registers the acts about people; the returned function takes them back. */
export const registerPeople = (bus: Bus, office: PeopleOffice): Stop => {
  const stops = [
    bus.register(communityPromote, async ({ person, role }) => toReply(await office.promote(person, role), () => ({}))),
    bus.register(communityPropose, async (wish) => toReply(await office.propose(wish), (value) => value)),
    bus.register(communityAgree, async ({ proposal }) => toReply(await office.agree(proposal), (done) => ({ done }))),
    bus.register(communityLeave, async () => toReply(await office.leave(), () => ({}))),
    bus.register(communitySetServers, async ({ urls }) => toReply(await office.setServers(urls), () => ({}))),
    bus.register(communitySetPolicy, async ({ admit }) => toReply(await office.setPolicy(admit), () => ({}))),
  ];
  return () => stops.forEach((stop) => stop());
};

/** The part of the members' view that is about who decides. */
export const decisionsOf = (
  membership: Membership | null,
  selfDevice: string,
): Pick<Members, 'former' | 'proposals' | 'policy' | 'servers' | 'agreementsNeeded'> => {
  if (!membership) return { former: [], proposals: [], policy: { admit: 'member' }, servers: [], agreementsNeeded: 0 };
  const [role, self] = [membership.roleOf(selfDevice), membership.personOf(selfDevice)];
  const mayAsk = role === 'trusted' || role === 'anchor';
  return {
    former: membership.former.map(({ atMs, ...former }) => ({ ...former, at: atMs })),
    proposals: membership.proposals.map(({ proposal, act, person, by, reason, atMs, agreements, needed }): Proposal => {
      const agreedBy = agreements.map((each) => each.person);
      const mayAgree = mayAsk && self !== null && self !== person && !agreedBy.includes(self);
      return { proposal, act, person, by, reason, at: atMs, agreedBy, needed, mayAgree };
    }),
    policy: membership.policy,
    servers: [...membership.servers],
    // Nobody has the empty id: the number for somebody who is not trusted, which no other target exceeds.
    agreementsNeeded: mayAsk ? membership.quorumOf('') : 0,
  };
};

const toReply = <T, R>(result: Result<T, string>, map: (value: T) => R): Result<R, Failure> =>
  result.ok ? ok(map(result.value)) : err(peopleRefusal(result.error));

/** The code of a refused act: what the person may not do is forbidden, what is not there is not found. */
export const peopleRefusal = (reason: string): Failure => {
  if (reason === 'quota-full') return failure('quota_full', reason);
  if (reason === 'fenced' || reason === 'closed' || reason === 'damaged') return failure('unavailable', reason);
  if (reason === 'target-unknown' || reason === 'proposal-unknown') return failure('not_found', reason);
  if (['role-too-low', 'last-anchor', 'not-a-member', 'retired'].includes(reason)) return failure('forbidden', reason);
  return failure('bad_request', reason);
};
