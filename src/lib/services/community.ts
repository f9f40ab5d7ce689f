import {
  communityAdmit,
  communityCancelJoin,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
  type Members,
} from '../contracts/community.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import { failure } from '../kernel/errors.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { err, ok } from '../kernel/result.ts';
import { watch } from '../kernel/watch.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import { decisionsOf, registerPeople, type PeopleOffice } from './community-people.ts';

/** The acts of entering and letting in, as the composition root makes them from log, doors and store. */
export type CommunityActs = {
  found(input: { name: string; communityName: string }): Promise<ActOutcome>;
  join(input: { invite: string; name: string }): Promise<ActOutcome>;
  cancelJoin(): Promise<void>;
  invite(onPaper: boolean): Promise<{ code: string; expiresAt: number } | { refused: string }>;
  letIn(device: string): Promise<string | null>;
  turnAway(device: string): boolean;
};
export type ActOutcome = { readonly community: string } | { readonly refused: string };

export type CommunityDeps = {
  readonly bus: Bus;
  readonly acts: CommunityActs;
  readonly people: PeopleOffice;
  readonly current: () => Neighbourhood | null;
  readonly selfDevice: () => string;
  readonly waiting: () => Members['waiting'];
  readonly invites: () => Members['invites'];
  readonly ownEmoji: () => readonly string[];
  readonly onChange: (listener: () => void) => () => void;
};

/** Entering a neighbourhood, inviting, letting in, and who is there. */
export const createCommunity = (deps: CommunityDeps): Startable => {
  const { bus, acts, current } = deps;
  const stops = createStops();

  const snapshot = (): Members => {
    const membership = current()?.membership() ?? null;
    const members = membership ? [...membership.members.values()] : [];
    const self = membership?.personOf(deps.selfDevice()) ?? null;
    const frozenOf = (person: string) => membership?.devicesOf(person).filter(({ state }) => state === 'frozen') ?? [];
    return {
      ...decisionsOf(membership, deps.selfDevice()),
      members: members
        .map(({ devices, ...member }) => ({
          ...member,
          devices: [...devices],
          frozenDevices: frozenOf(member.person).map(({ device }) => device),
          isSelf: member.person === self,
        }))
        .toSorted((a, b) => Number(b.isSelf) - Number(a.isSelf) || a.name.localeCompare(b.name)),
      waiting: deps.waiting(),
      invites: deps.invites(),
      ownEmoji: [...deps.ownEmoji()],
    };
  };

  const toReply = (outcome: ActOutcome) => ('refused' in outcome ? err(refusal(outcome.refused)) : ok(outcome));

  return {
    start: () => {
      stops.add(bus.register(communityFound, async (input) => toReply(await acts.found(input))));
      stops.add(bus.register(communityJoin, async (input) => toReply(await acts.join(input))));
      stops.add(
        bus.register(communityCancelJoin, async () => {
          await acts.cancelJoin();
          return ok({});
        }),
      );
      stops.add(
        bus.register(communityInvite, async ({ onPaper }) => {
          const made = await acts.invite(onPaper);
          return 'refused' in made ? err(refusal(made.refused)) : ok(made);
        }),
      );
      stops.add(
        bus.register(communityAdmit, async ({ request, accept }) => {
          if (!accept) return acts.turnAway(request) ? ok({}) : err(failure('not_found', 'not-waiting'));
          const refused = await acts.letIn(request);
          return refused === null ? ok({}) : err(refusal(refused));
        }),
      );
      stops.add(registerPeople(bus, deps.people));
      stops.add(
        bus.register(communityMembers, async function* (_input, { signal }) {
          return ok(yield* watch(snapshot, deps.onChange, signal));
        }),
      );
    },
    stop: stops.run,
  };
};

const refusal = (reason: string) => {
  if (reason === 'quota-full') return failure('quota_full', reason);
  if (reason === 'fenced' || reason === 'closed') return failure('unavailable', reason);
  if (reason === 'invite-expired') return failure('expired', reason);
  if (reason === 'not-waiting') return failure('not_found', reason);
  if (reason === 'already-member' || reason === 'not-a-member') return failure('forbidden', reason);
  return failure('bad_request', reason);
};
