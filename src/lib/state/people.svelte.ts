import {
  communityAgree,
  communityLeave,
  communityPromote,
  communityPropose,
  communitySetPolicy,
  type Former,
  type Member,
  type Members,
  type Proposal,
} from '../contracts/community.ts';
import type { Neighbour } from '../contracts/mesh.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import { limits } from '../kernel/limits.ts';
import { createActs } from './acts.svelte.ts';
import type { PeopleViews } from './mesh.svelte.ts';

export type { Former };
export type Role = Member['role'];
export type PersonAct = 'trust' | 'anchor' | 'demote' | 'remove';
export const reasonCharsMax = limits.reasonCharsMax;

/** A device of a person as the sheet shows it. */
export type PersonDevice = {
  readonly device: string;
  readonly state: Neighbour['state'] | 'self';
  readonly way: Neighbour['way'];
  /** Where it is reached, while a link from device to device stands. */
  readonly address: string | null;
  readonly rttMs: number | null;
  readonly lastHeardAt: number | null;
  readonly build: string;
  /** Two different histories of it were seen: nothing new of it counts. */
  readonly isFrozen: boolean;
};

/** One person with everything the sheet says about them. `acts`: what this person may do about them now. */
export type PersonView = {
  readonly person: string;
  readonly name: string;
  readonly isSelf: boolean;
  readonly role: Role;
  /** The name of who let them in; '' for a founder, or when that person is not known any more. */
  readonly invitedBy: string;
  readonly isFounder: boolean;
  readonly since: number;
  readonly devices: readonly PersonDevice[];
  readonly acts: readonly PersonAct[];
  /** How many agreements an act against them takes, this person's own among them. */
  readonly needed: number;
  /** What stands open about them. */
  readonly proposals: readonly ProposalView[];
};

/** A proposal with names instead of ids. */
export type ProposalView = Omit<Proposal, 'by' | 'agreedBy'> & {
  readonly name: string;
  readonly byName: string;
  readonly isAboutSelf: boolean;
  readonly isBySelf: boolean;
  readonly agreed: readonly { readonly person: string; readonly name: string }[];
};

const rank = { member: 0, trusted: 1, anchor: 2 } as const;

/** What the person of this device may do about another one, as far as this device knows; the log decides. */
export const actsOn = (members: Members, person: string): readonly PersonAct[] => {
  const own = members.members.find(({ isSelf }) => isSelf);
  const other = members.members.find((member) => member.person === person);
  if (!own || !other || other.isSelf) return [];
  const isOpen = (act: Proposal['act']): boolean =>
    members.proposals.some((proposal) => proposal.person === person && proposal.act === act);
  const mayAsk = members.agreementsNeeded > 0;
  const anchors = members.members.filter(({ role }) => role === 'anchor').length;
  const mayMakeAnchors = own.role === 'anchor' || (anchors === 0 && own.role === 'trusted');
  const may: Readonly<Record<PersonAct, boolean>> = {
    trust: rank[own.role] >= rank.trusted && other.role === 'member',
    anchor: mayMakeAnchors && other.role !== 'anchor',
    demote: mayAsk && other.role !== 'member' && !(other.role === 'anchor' && anchors === 1) && !isOpen('demote'),
    remove: mayAsk && !isOpen('remove'),
  };
  return (['trust', 'anchor', 'demote', 'remove'] as const).filter((act) => may[act]);
};

/** All trusted persons but the one it is about, three at most. */
const agreementsAgainst = (members: Members, person: string): number =>
  Math.min(
    limits.quorumMax,
    members.members.filter((member) => member.person !== person && member.role !== 'member').length,
  );

/** True while nobody else could do what only anchors do: then this person first names another one, or stays. */
export const isOnlyAnchor = (members: Members): boolean =>
  members.members.length > 1 && members.members.every(({ isSelf, role }) => isSelf === (role === 'anchor'));

/** Everything about one person; null when nobody of this neighbourhood has this id. */
export const personView = (person: string, views: PeopleViews): PersonView | null => {
  const members = views.members.value;
  const member = members?.members.find((candidate) => candidate.person === person);
  if (!members || !member) return null;
  const inviter = members.members.find((candidate) => candidate.person === member.invitedBy);
  return {
    person,
    name: member.name,
    isSelf: member.isSelf,
    role: member.role,
    invitedBy: inviter?.name ?? '',
    isFounder: member.invitedBy === null,
    since: member.since,
    devices: devicesOfMember(member, views),
    acts: actsOn(members, person),
    needed: agreementsAgainst(members, person),
    proposals: proposalViews(members).filter((proposal) => proposal.person === person),
  };
};

const devicesOfMember = (member: Member, views: PeopleViews): readonly PersonDevice[] =>
  member.devices.map((device) => {
    const met = views.mesh.value?.neighbours.find((neighbour) => neighbour.device === device);
    const own = views.info.value?.device === device ? views.info.value : null;
    return {
      device,
      state: own ? 'self' : (met?.state ?? 'away'),
      way: met?.way ?? 'none',
      address: met?.address ?? null,
      rttMs: met?.rttMs ?? null,
      lastHeardAt: met?.lastHeardAt ?? null,
      build: own?.build ?? met?.build ?? '',
      isFrozen: member.frozenDevices?.includes(device) ?? false,
    };
  });

/** What stands open, those first that wait for this person's word. */
export const proposalViews = (members: Members): readonly ProposalView[] => {
  const nameOf = (person: string): string => members.members.find((member) => member.person === person)?.name ?? '';
  const self = members.members.find(({ isSelf }) => isSelf)?.person;
  return members.proposals
    .map(({ by, agreedBy, ...proposal }) => ({
      ...proposal,
      name: nameOf(proposal.person),
      byName: nameOf(by),
      isAboutSelf: proposal.person === self,
      isBySelf: by === self,
      agreed: agreedBy.map((person) => ({ person, name: nameOf(person) })),
    }))
    .toSorted((a, b) => Number(b.mayAgree) - Number(a.mayAgree) || b.at - a.at);
};

/** How this device's time in the neighbourhood ended. `device`: only this device is out, its person is still in. */
export type OwnEnd = { readonly how: Former['how'] | 'device'; readonly at: number | null };

/** null while this device is in, or was never in. */
export const ownEnd = (views: PeopleViews): OwnEnd | null => {
  const own = views.info.value;
  const members = views.members.value;
  if (own?.membership !== 'removed') return null;
  if (members?.members.some(({ person }) => person === own.person)) return { how: 'device', at: null };
  return members?.former.find(({ person }) => person === own.person) ?? { how: 'removed', at: null };
};

/** Whether somebody typed this name: letters and numbers count, not capitals, blanks or which dash; a name of neither as it is. */
export const isNameTyped = (typed: string, name: string): boolean => {
  const wanted = bare(name);
  return wanted === '' ? typed.trim() === name.trim() : bare(typed) === wanted;
};
const bare = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');

type Act = PersonAct | 'agree' | 'leave' | 'policy';

/** What people may do about each other. Each act answers whether something came of it; `failureOf` says why not. */
export const createPeopleState = ({ bus }: { bus: BusClient }) => {
  const acts = createActs<Act>();
  const promote = (act: 'trust' | 'anchor', person: string) => {
    const role = act === 'trust' ? ('trusted' as const) : ('anchor' as const);
    return acts.run(act, () => bus.call(communityPromote, { person, role }));
  };
  const propose = (act: 'demote' | 'remove', person: string, reason: string) =>
    acts.run(act, () => bus.call(communityPropose, { act, person, reason: reason.trim() }));

  return {
    get busy() {
      return acts.busy;
    },
    failureOf: acts.failureOf,
    forget: acts.forget,
    /** done: it holds now; asked: others have to agree first; null: refused. */
    act: async (act: PersonAct, person: string, reason: string): Promise<'done' | 'asked' | null> => {
      if (act === 'trust' || act === 'anchor') return (await promote(act, person)) && 'done';
      const answer = await propose(act, person, reason);
      return answer && (answer.done ? 'done' : 'asked');
    },
    agree: async (proposal: string): Promise<'done' | 'noted' | null> => {
      const answer = await acts.run('agree', () => bus.call(communityAgree, { proposal }));
      return answer && (answer.done ? 'done' : 'noted');
    },
    leave: async (): Promise<boolean> => (await acts.run('leave', () => bus.call(communityLeave, {}))) !== null,
    setPolicy: async (admit: Role): Promise<boolean> =>
      (await acts.run('policy', () => bus.call(communitySetPolicy, { admit }))) !== null,
  };
};
export type PeopleState = ReturnType<typeof createPeopleState>;
