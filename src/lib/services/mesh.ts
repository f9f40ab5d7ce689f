import { meshPeers, meshPing, type Mesh, type Neighbour } from '../contracts/mesh.ts';
import type { Bus } from '../kernel/bus.ts';
import { capabilityId } from '../kernel/capability.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { Link } from '../kernel/ports/links.ts';
import type { Transport } from '../kernel/ports/transport.ts';
import { ok } from '../kernel/result.ts';
import { createSignal, watch } from '../kernel/watch.ts';
import type { MemberView } from '../log/membership.ts';

export type LinkFacts = { readonly link: Link; readonly rttMs: number | null; readonly lastHeardAt: number };

export type MeshDeps = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly transport: Pick<Transport, 'state' | 'onState'>;
  readonly live: () => readonly LinkFacts[];
  readonly onLinks: (listener: () => void) => () => void;
  /** The people of the neighbourhood as the log says; empty before there is one. */
  readonly members: () => readonly MemberView[];
  readonly onMembers: (listener: () => void) => () => void;
  readonly selfDevice: () => string;
};

const refreshMs = 5_000;

/** Who is there, how we are connected, what they offer: one live view, and the ping that proves a neighbour's bus answers. */
export const createMeshService = (deps: MeshDeps): Startable => {
  const { bus, clock, transport } = deps;
  const stops = createStops();
  const changed = createSignal();
  const lastHeardByDevice = new Map<string, number>();

  const neighbourOf = (member: MemberView, device: string): Neighbour => {
    const facts = deps.live().find(({ link }) => link.peer.device === device);
    if (facts) lastHeardByDevice.set(device, facts.lastHeardAt);
    const offers = facts ? bus.registry.remoteOffers(device) : [];
    return {
      device,
      person: member.person,
      name: member.name,
      state: facts ? 'linked' : 'away',
      kind: facts?.link.kind ?? 'none',
      rttMs: facts?.rttMs ?? null,
      lastHeardAt: lastHeardByDevice.get(device) ?? null,
      offers: offers.map((offer) => ({
        capability: capabilityId(offer),
        params: Object.fromEntries(Object.entries(offer.params).map(([key, values]) => [key, [...values]])),
      })),
      build: facts?.link.peer.build ?? '',
    };
  };

  const snapshot = (): Mesh => {
    const { signalling, candidates, isAvailable } = transport.state();
    const neighbours = deps
      .members()
      .flatMap((member) =>
        member.devices.filter((device) => device !== deps.selfDevice()).map((device) => neighbourOf(member, device)),
      );
    return { neighbours, signalling: { ...signalling }, candidates, webrtc: isAvailable };
  };

  return {
    start: () => {
      stops.add(transport.onState(changed.tell));
      stops.add(deps.onLinks(changed.tell));
      stops.add(deps.onMembers(changed.tell));
      stops.add(bus.registry.onChange(changed.tell));
      stops.add(every(clock, () => refreshMs, changed.tell));
      stops.add(
        bus.register(meshPeers, async function* (_input, { signal }) {
          return ok(yield* watch(snapshot, changed.on, signal));
        }),
      );
      stops.add(bus.register(meshPing, ({ nonce }) => ok({ nonce })));
    },
    stop: stops.run,
  };
};
