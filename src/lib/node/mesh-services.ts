import { meshCheck, meshTopology } from '../contracts/mesh.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import type { Offer } from '../kernel/bus/registry.ts';
import type { Startable, Stop } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Transport } from '../kernel/ports/transport.ts';
import { ok } from '../kernel/result.ts';
import type { HelloClock } from '../mesh/hello-clock.ts';
import type { Neighbours } from '../mesh/neighbours.ts';
import { createMeshService, type ServerOrigin } from '../services/mesh/mesh.ts';
import type { ToldEdge } from '../services/mesh/topology.ts';
import { createLateService } from './late-service.ts';
import type { LateParts } from './late-parts.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';

export type MeshParts = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly transport: Transport;
  readonly holder: NeighbourhoodHolder;
  readonly neighbours: Neighbours;
  readonly parts: Pick<LateParts, 'meshRooms'>;
  readonly helloClock: Pick<HelloClock, 'offsetMs'>;
  /** What the system says of this device's network. */
  readonly isOnline: () => boolean;
  readonly hidesAddress: () => boolean;
  readonly serverOrigin: (url: string) => ServerOrigin;
  /** What neighbours say of their own links. */
  readonly toldEdges: () => readonly ToldEdge[];
  readonly onToldEdges: (listener: () => void) => Stop;
};

/** The view of the mesh, which every screen has from the start, and what only the Mesh screen asks for, loaded then. */
export const createMeshServices = (
  parts: MeshParts,
  selfDevice: () => string,
  ownOffers: () => readonly Offer[],
): readonly Startable[] => {
  const { bus, neighbours, holder } = parts;
  const onLinks = (listener: () => void): Stop => {
    const stops = [neighbours.links.onUp(listener), neighbours.links.onDown(listener)];
    return () => stops.forEach((stop) => stop());
  };
  const onMembers = holder.onChange;
  const view = {
    ...parts,
    selfDevice,
    live: () =>
      neighbours.live().map((link) => ({
        link,
        rttMs: link.rttMs(),
        lastHeardAt: Math.floor(link.lastHeardAt()),
        since: link.since,
        path: link.path(),
      })),
    members: () => [...(holder.current()?.membership().members.values() ?? [])],
  };
  const onChange = (listener: () => void): Stop => {
    const stops = [onLinks(listener), onMembers(listener), parts.onToldEdges(listener)];
    return () => stops.forEach((stop) => stop());
  };
  return [
    createMeshService({ ...view, onLinks, onMembers, ownOffers, originOf: parts.serverOrigin }),
    createLateService({
      bus,
      capabilities: [meshTopology, meshCheck],
      load: async () => {
        const part = await parts.parts.meshRooms();
        if (!part.ok) return part;
        const rest = {
          onChange,
          clockOffsetMs: parts.helloClock.offsetMs,
          isMember: () => view.members().some(({ devices }) => devices.includes(selfDevice())),
        };
        return ok((at: Bus) => part.value.createMeshRooms(at, { ...view, ...rest }));
      },
    }),
  ];
};
