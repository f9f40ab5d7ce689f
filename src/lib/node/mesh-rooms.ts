import type { Bus } from '../kernel/bus/bus.ts';
import type { Startable } from '../kernel/lifecycle.ts';
import { createCheckService, type CheckDeps } from '../services/mesh/check.ts';
import { createTopologyService, type TopologyDeps } from '../services/mesh/topology.ts';

export type MeshRoomDeps = Omit<TopologyDeps, 'bus'> & Omit<CheckDeps, 'bus' | 'linked' | 'near'>;

/** Who is linked with whom, and what hinders: looked at by whoever opens the Mesh screen, and loaded then. */
export const createMeshRooms = (bus: Bus, deps: MeshRoomDeps): readonly Startable[] => {
  const devices = (): readonly string[] =>
    deps.members().flatMap(({ devices: own }) => own.filter((device) => device !== deps.selfDevice()));
  return [
    createTopologyService({ ...deps, bus }),
    createCheckService({
      ...deps,
      bus,
      linked: () => {
        const linked = new Set(deps.live().map(({ link }) => link.peer.device));
        return devices().filter((device) => linked.has(device));
      },
      near: () => devices().filter((device) => bus.registry.aboutOf(device) !== null),
    }),
  ];
};
