import type { LinkWay, Neighbour } from '../../contracts/mesh.ts';
import { capabilityId } from '../../kernel/bus/capability.ts';
import type { Offer, Registry } from '../../kernel/bus/registry.ts';
import type { Link } from '../../kernel/ports/links.ts';
import type { PipePath } from '../../kernel/ports/transport.ts';
import type { MemberView } from '../../log/membership.ts';

export type LinkFacts = {
  readonly link: Link;
  readonly rttMs: number | null;
  readonly lastHeardAt: number;
  readonly since: number;
  readonly path: PipePath | null;
};

export type NeighboursViewDeps = {
  readonly registry: Pick<Registry, 'remoteOffers' | 'aboutOf' | 'heardAtOf'>;
  readonly live: () => readonly LinkFacts[];
  /** The people of the neighbourhood as the log says; empty before there is one. */
  readonly members: () => readonly MemberView[];
  readonly selfDevice: () => string;
};

/**
 * Every other device of the neighbourhood as it stands now. Only members are among them: whoever waits at a door has no line
 * here, and so nobody sees the address of a stranger, nor a stranger ours.
 */
export const createNeighboursView = ({ registry, live, members, selfDevice }: NeighboursViewDeps) => {
  const lastHeardByDevice = new Map<string, number>();

  const neighbourOf = (member: MemberView, device: string): Neighbour => {
    const facts = live().find(({ link }) => link.peer.device === device);
    const about = registry.aboutOf(device);
    const isNear = facts !== undefined || about !== null;
    const offers = isNear ? registry.remoteOffers(device) : [];
    const heardAt = Math.max(facts?.lastHeardAt ?? 0, registry.heardAtOf(device) ?? 0);
    if (heardAt > 0) lastHeardByDevice.set(device, Math.floor(heardAt));
    const hasTold = about !== null || offers.length > 0;
    return {
      device,
      person: member.person,
      name: member.name,
      state: facts ? 'linked' : isNear ? 'near' : 'away',
      kind: facts?.link.kind ?? 'none',
      way: wayOf(facts),
      address: facts?.link.kind === 'webrtc' ? (facts.path?.address ?? null) : null,
      linkedSince: facts ? Math.floor(facts.since) : null,
      rttMs: facts?.rttMs ?? null,
      lastHeardAt: lastHeardByDevice.get(device) ?? null,
      hasTold,
      offers: offers.map(offerWire),
      profile: about?.profile ?? null,
      battery: about?.battery ?? null,
      loadPercent: hasTold ? Math.max(about?.loadPercent ?? 0, ...offers.map(({ loadPercent }) => loadPercent)) : null,
      build: facts?.link.peer.build ?? '',
    };
  };

  return (): readonly Neighbour[] =>
    members().flatMap((member) =>
      member.devices.filter((device) => device !== selfDevice()).map((device) => neighbourOf(member, device)),
    );
};

/** A pipe whose path is not known is called direct, which it is in any case: what it says less is whether the network is the same. */
const wayOf = (facts: LinkFacts | undefined): LinkWay => {
  if (!facts) return 'none';
  if (facts.link.kind === 'relay') return 'relay';
  if (facts.link.kind === 'memory') return 'device';
  return facts.path?.reach ?? 'direct';
};

export const offerWire = (offer: Offer): Neighbour['offers'][number] => ({
  capability: capabilityId(offer),
  params: Object.fromEntries(Object.entries(offer.params).map(([key, values]) => [key, [...values]])),
  loadPercent: offer.loadPercent,
  isFull: offer.isFull,
});
