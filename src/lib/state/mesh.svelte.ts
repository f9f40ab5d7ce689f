import { communityAdmit, communityInvite, type Member, type Members, type Waiting } from '../contracts/community.ts';
import { meshTopology, type Mesh, type Neighbour, type Topology } from '../contracts/mesh.ts';
import type { NodeInfo } from '../contracts/node.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import { parseCapabilityId } from '../kernel/bus/capability.ts';
import type { Failure } from '../kernel/errors.ts';
import { createLive, type Live } from './live.svelte.ts';

export type { Mesh, Topology, Waiting };

/** The three live views that say who is who; the app's state has them. */
export type PeopleViews = {
  readonly info: { readonly value: NodeInfo | null };
  readonly mesh: { readonly value: Mesh | null };
  readonly members: { readonly value: Members | null };
};

/** A person on screen: one card, with the state of the one of their devices that is nearest. */
export type PersonCard = {
  readonly person: string;
  readonly name: string;
  readonly isSelf: boolean;
  readonly role: Member['role'];
  readonly state: Neighbour['state'] | 'self';
  readonly way: Neighbour['way'];
  readonly rttMs: number | null;
  readonly lastHeardAt: number | null;
  /** What all their devices that are near offer together. */
  readonly offers: Offers;
  /** One of their devices showed two different histories. */
  readonly hasFrozen: boolean;
};

/** What a device offers, in the terms of the screens. */
export type Offers = { readonly answers: boolean; readonly corpora: readonly string[] };

/** Whose device this is; null when neither the mesh nor the members know it. */
export const personOfDevice = (
  device: string,
  views: PeopleViews,
): { person: string; name: string; isSelf: boolean } | null => {
  const own = views.info.value;
  if (own?.device === device) return { person: own.person, name: own.name, isSelf: true };
  const member = views.members.value?.members.find(({ devices }) => devices.includes(device));
  if (member) return { person: member.person, name: member.name, isSelf: member.isSelf };
  const neighbour = views.mesh.value?.neighbours.find((candidate) => candidate.device === device);
  return neighbour ? { person: neighbour.person, name: neighbour.name, isSelf: false } : null;
};

/** How many neighbours' devices are linked now. */
export const linkedCount = (views: PeopleViews): number =>
  views.mesh.value?.neighbours.filter(({ state }) => state === 'linked').length ?? 0;

/** Everybody of the neighbourhood once: this person first, then the linked, then those heard through others, then the rest by how lately they were heard. */
export const personCards = (views: PeopleViews): readonly PersonCard[] => {
  const own = views.info.value;
  if (!own) return [];
  const members = views.members.value?.members ?? [];
  const gone = new Set([own.person, ...(views.members.value?.former.map(({ person }) => person) ?? [])]);
  const neighbours = views.mesh.value?.neighbours.filter(({ person }) => !gone.has(person)) ?? [];
  const byPerson = Map.groupBy(neighbours, ({ person }) => person);
  const met = [...byPerson.values()].flatMap((devices) => neighbourCard(devices, members));
  const unmet = members
    .filter((member) => !member.isSelf && !byPerson.has(member.person))
    .map((member) => ({
      ...awayCard,
      ...memberPart(member.person, members),
      person: member.person,
      name: member.name,
    }));
  return [selfCard(own, members), ...[...met, ...unmet].toSorted(byNearness)];
};

const nearness = { self: 0, linked: 1, near: 2, away: 3 } as const;
const byNearness = (a: PersonCard, b: PersonCard): number =>
  nearness[a.state] - nearness[b.state] ||
  (a.state === 'linked' ? 0 : (b.lastHeardAt ?? 0) - (a.lastHeardAt ?? 0)) ||
  a.name.localeCompare(b.name) ||
  (a.person < b.person ? -1 : 1);

const memberPart = (person: string, members: readonly Member[]) => {
  const member = members.find((candidate) => candidate.person === person);
  return { role: member?.role ?? ('member' as const), hasFrozen: (member?.frozenDevices?.length ?? 0) > 0 };
};

const noOffers: Offers = { answers: false, corpora: [] };
const awayCard = {
  isSelf: false,
  state: 'away',
  way: 'none',
  rttMs: null,
  lastHeardAt: null,
  offers: noOffers,
} as const;

const selfCard = (own: NodeInfo, members: readonly Member[]): PersonCard => ({
  ...awayCard,
  ...memberPart(own.person, members),
  person: own.person,
  name: own.name,
  isSelf: true,
  state: 'self',
});

/** The nearest device speaks for its person: a linked one with the quickest way, else the one heard last. */
const neighbourCard = (devices: readonly Neighbour[], members: readonly Member[]): readonly PersonCard[] => {
  const linked = devices.filter(({ state }) => state === 'linked');
  const near = devices.filter(({ state }) => state !== 'away');
  const [nearest] = (linked.length > 0 ? linked : devices).toSorted(
    (a, b) =>
      nearness[a.state] - nearness[b.state] ||
      (a.rttMs ?? Infinity) - (b.rttMs ?? Infinity) ||
      (b.lastHeardAt ?? 0) - (a.lastHeardAt ?? 0),
  );
  if (!nearest) return [];
  const { person, name, state, way, rttMs, lastHeardAt } = nearest;
  const offers = readOffers((near.length > 0 ? near : devices).flatMap((device) => device.offers));
  return [{ isSelf: false, person, name, state, way, rttMs, lastHeardAt, offers, ...memberPart(person, members) }];
};

/** Offers of capabilities that no screen speaks about are left out, not guessed at. */
const readOffers = (offers: Neighbour['offers']): Offers => {
  const corpora = new Set<string>();
  let answers = false;
  for (const { capability, params } of offers) {
    const name = parseCapabilityId(capability)?.name;
    if (name !== 'library.search' && name !== 'ask.answer') continue;
    answers = true;
    for (const corpus of params.corpus ?? []) corpora.add(corpus);
  }
  return { answers, corpora: [...corpora].toSorted() };
};

/** Who is linked with whom, followed until `stop`. */
export const createTopology = (bus: BusClient): Live<Topology> => createLive(bus, meshTopology, {});

export type Invite =
  | { readonly state: 'none' | 'making' }
  | { readonly state: 'ready'; readonly code: string; readonly expiresAt: number; readonly onPaper: boolean }
  | { readonly state: 'failed'; readonly failure: Failure };

/** What a member does at the Mesh screen: make codes, and open the door. */
export const createMeshState = ({ bus }: { bus: BusClient }) => {
  let invite = $state.raw<Invite>({ state: 'none' });
  let busy = $state.raw<ReadonlySet<string>>(new Set());

  const makeInvite = async (onPaper: boolean): Promise<void> => {
    invite = { state: 'making' };
    const reply = await bus.call(communityInvite, { onPaper });
    invite = reply.ok ? { state: 'ready', ...reply.value.output, onPaper } : { state: 'failed', failure: reply.error };
  };

  /** null when it was done; the person at the door leaves the list by the members' stream. */
  const admit = async (request: string, accept: boolean): Promise<Failure | null> => {
    busy = new Set([...busy, request]);
    const reply = await bus.call(communityAdmit, { request, accept });
    busy = new Set([...busy].filter((other) => other !== request));
    return reply.ok ? null : reply.error;
  };

  return {
    get invite() {
      return invite;
    },
    isBusy: (request: string) => busy.has(request),
    makeInvite,
    admit,
  };
};
export type MeshState = ReturnType<typeof createMeshState>;
