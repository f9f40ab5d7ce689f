import { meshTopology, type Topology } from '../../contracts/mesh.ts';
import type { Bus } from '../../kernel/bus/bus.ts';
import { createStops, type Startable } from '../../kernel/lifecycle.ts';
import { limits } from '../../kernel/limits.ts';
import { ok } from '../../kernel/result.ts';
import { createSignal, watch } from '../../kernel/watch.ts';
import type { MemberView } from '../../log/membership.ts';
import { every, type Clock } from '../../kernel/ports/clock.ts';
import { createNeighboursView, type NeighboursViewDeps } from './neighbours-view.ts';

/** A link between two devices, as the first of them says by its signed presence. */
export type ToldEdge = { readonly from: string; readonly to: string };

export type TopologyDeps = Omit<NeighboursViewDeps, 'registry'> & {
  readonly bus: Bus;
  readonly clock: Clock;
  /** What the neighbours say of their own links; nothing where they say nothing. */
  readonly toldEdges: () => readonly ToldEdge[];
  readonly onChange: (listener: () => void) => () => void;
};

/** What others say of their links comes with their presence, now and then; nobody looks for less than this. */
const refreshMs = 2_000;

/**
 * The neighbourhood as a graph. A link of this device is what this device sees; a link between two others is what they say, and
 * says so. Ends that are no members are left out, whoever names them.
 */
export const createTopologyService = (deps: TopologyDeps): Startable => {
  const { bus, clock } = deps;
  const stops = createStops();
  const changed = createSignal();
  const neighboursNow = createNeighboursView({ ...deps, registry: bus.registry });
  const snapshot = (): Topology => drawTopology(deps, neighboursNow());
  return {
    start: () => {
      stops.add(deps.onChange(changed.tell));
      stops.add(bus.registry.onChange(changed.tell));
      stops.add(every(clock, () => refreshMs, changed.tell));
      stops.add(
        bus.register(meshTopology, async function* (_input, { signal }) {
          return ok(yield* watch(snapshot, changed.on, signal));
        }),
      );
    },
    stop: stops.run,
  };
};

type Node = Topology['nodes'][number];
type Edge = Topology['edges'][number];
const nearness: { readonly [state in Node['state']]: number } = { self: 0, linked: 1, near: 2, away: 3 };

/** Nodes and links, the nearest first, at most `limits.topologyNodesMax` and `limits.topologyEdgesMax`; the rest is counted. */
export const drawTopology = (
  { selfDevice, members, toldEdges }: Pick<TopologyDeps, 'selfDevice' | 'members' | 'toldEdges'>,
  neighbours: readonly (Node & { readonly kind: Edge['kind'] | 'none' })[],
): Topology => {
  const self = selfDevice();
  const all = [...selfNode(self, members()), ...neighbours.map(nodeOf)].toSorted(
    (a, b) => nearness[a.state] - nearness[b.state] || (a.device < b.device ? -1 : 1),
  );
  const nodes = all.slice(0, limits.topologyNodesMax);
  const known = new Set(nodes.map(({ device }) => device));
  const edgesByPair = new Map<string, Edge>();
  for (const { device, kind } of neighbours)
    if (kind !== 'none') edgesByPair.set(pairOf(self, device), { from: self, to: device, kind, told: 'self' });
  const toldBy = new Map<string, string>();
  for (const { from, to } of toldEdges()) {
    if (from === to || from === self || to === self || !known.has(from) || !known.has(to)) continue;
    const pair = pairOf(from, to);
    const before = toldBy.get(pair);
    if (before === undefined) edgesByPair.set(pair, { from, to, kind: 'unknown', told: 'one' });
    else if (before !== from) edgesByPair.set(pair, { from: before, to: from, kind: 'unknown', told: 'both' });
    toldBy.set(pair, before ?? from);
  }
  const edges = [...edgesByPair.values()].filter(({ from, to }) => known.has(from) && known.has(to));
  return {
    nodes,
    edges: edges.slice(0, limits.topologyEdgesMax),
    left: all.length - nodes.length + Math.max(0, edges.length - limits.topologyEdgesMax),
  };
};

const nodeOf = ({ device, person, name, state }: Node): Node => ({ device, person, name, state });

const selfNode = (self: string, members: readonly MemberView[]): Node[] => {
  const own = members.find(({ devices }) => devices.includes(self));
  return own ? [{ device: self, person: own.person, name: own.name, state: 'self' }] : [];
};

const pairOf = (one: string, other: string): string => (one < other ? `${one} ${other}` : `${other} ${one}`);
