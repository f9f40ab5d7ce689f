import { meshPeers, meshPing, type Mesh } from '../../contracts/mesh.ts';
import type { Bus } from '../../kernel/bus/bus.ts';
import type { Offer } from '../../kernel/bus/registry.ts';
import { createStops, type Startable } from '../../kernel/lifecycle.ts';
import { every, type Clock } from '../../kernel/ports/clock.ts';
import type { Transport } from '../../kernel/ports/transport.ts';
import { ok } from '../../kernel/result.ts';
import { createSignal, watch } from '../../kernel/watch.ts';
import { createNeighboursView, offerWire, type NeighboursViewDeps } from './neighbours-view.ts';
import { waysOf } from './ways.ts';

export type ServerOrigin = Mesh['servers'][number]['origin'];

export type MeshDeps = Omit<NeighboursViewDeps, 'registry'> & {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly transport: Pick<Transport, 'state' | 'onState'>;
  readonly onLinks: (listener: () => void) => () => void;
  readonly onMembers: (listener: () => void) => () => void;
  /** What this device gives now, as its presence says. */
  readonly ownOffers: () => readonly Offer[];
  /** Where the address of a server comes from. */
  readonly originOf: (url: string) => ServerOrigin;
  readonly hidesAddress: () => boolean;
};

/**
 * Only round-trip times and the last sign of life wait for this: whatever comes, goes or changes is told by its event. Links give
 * a sign of life every 5 s, so a screen that counts from it is never 10 s behind while all is well.
 */
const refreshMs = 3_000;

/** Who is there, how we are connected, what they offer: one live view, and the ping that proves a neighbour's bus answers. */
export const createMeshService = (deps: MeshDeps): Startable => {
  const { bus, clock, transport } = deps;
  const stops = createStops();
  const changed = createSignal();
  const neighboursNow = createNeighboursView({ ...deps, registry: bus.registry });

  const snapshot = (): Mesh => {
    const state = transport.state();
    const neighbours = [...neighboursNow()];
    return {
      neighbours,
      ownOffers: deps.ownOffers().map(offerWire),
      signalling: { ...state.signalling },
      servers: state.servers.map((server) => ({ ...server, origin: deps.originOf(server.url) })),
      ways: waysOf(state, neighbours, deps.hidesAddress()),
      candidates: state.candidates,
      webrtc: state.isAvailable,
      hands: state.hands ?? 'unknown',
    };
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
