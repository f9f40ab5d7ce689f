import { contractsByName } from '../contracts/index.ts';
import type { NodeInfo } from '../contracts/node.ts';
import { createBus } from '../kernel/bus.ts';
import { createStops } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, Keyring } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { SearchRoomPort } from '../kernel/ports/search.ts';
import type { Store } from '../kernel/ports/store.ts';
import type { Transport } from '../kernel/ports/transport.ts';
import { createSignal } from '../kernel/watch.ts';
import { createCommunityMeeting } from '../mesh/community-meeting.ts';
import { createDoors } from '../mesh/doors.ts';
import { createNeighbours, type Guest } from '../mesh/neighbours.ts';
import { createRpc } from '../mesh/rpc.ts';
import { encodeFrame } from '../replica/frames.ts';
import type { FetchStatic } from '../services/library/starter.ts';
import { createPresence } from '../services/presence.ts';
import { openDevice, type Device } from './device.ts';
import { createEntry } from './entry.ts';
import { createNeighbourhoodHolder } from './neighbourhood-holder.ts';
import { createServices, isOffered } from './services.ts';
import { openSettings, type Settings } from './settings.ts';

export type NodeDeps = {
  readonly crypto: CryptoPort;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly transport: Transport;
  readonly search: SearchRoomPort;
  readonly fetchStatic: FetchStatic;
  readonly build: string;
  readonly defaultSignalUrl: string;
  readonly isStoragePersisted: () => Promise<boolean>;
};

/** The composition root: the only place that knows all rooms. Everything it starts, `stop` ends. */
export const createNode = async (deps: NodeDeps) => {
  const settings = await openSettings(deps.store);
  const device = await openDevice(deps);
  const mesh = createMesh(deps, device, settings);
  const self = createSelf(deps, device, settings, mesh);
  const services = [
    ...createServices({ ...deps, ...mesh, ...self, device: () => device }),
    mesh.presence,
    mesh.rpc,
    mesh.meeting,
  ];
  const stops = createStops();
  return {
    bus: mesh.bus,
    start: async (): Promise<void> => {
      deps.transport.setSignalUrl(settings.current().signalUrl || deps.defaultSignalUrl);
      for (const service of services) await service.start();
      stops.add(mesh.holder.onChange(mesh.meeting.refresh));
      stops.add(mesh.holder.onChange(mesh.tellNewMembers));
      await self.entry.resume();
      mesh.meeting.refresh();
    },
    stop: async (): Promise<void> => {
      stops.run();
      self.entry.stop();
      for (const service of services.toReversed()) await service.stop();
      mesh.neighbours.stop();
    },
    /** The page woke or the network came back. */
    wake: mesh.neighbours.wake,
    current: mesh.holder.current,
    links: mesh.neighbours.links,
    refusals: (): ReadonlyMap<string, number> => new Map([...mesh.refusals, ...mesh.holder.syncRefusals()]),
  };
};
export type HearthNode = Awaited<ReturnType<typeof createNode>>;

/** Links, the log behind them and the bus over them. */
const createMesh = (deps: NodeDeps, device: Device, settings: Settings) => {
  const { crypto, clock, random, store, transport, build } = deps;
  const refusals = new Map<string, number>();
  const onRefused = (reason: string): void => void refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
  const self = () => ({
    certificate: device.certificate,
    signing: device.keys.signing,
    name: settings.current().name,
    build,
  });
  const neighbours = createNeighbours({ clock, random, crypto, transport, self, onRefused });
  const { links } = neighbours;
  const holder = createNeighbourhoodHolder({ crypto, clock, random, store, links, device: () => device });
  const roleOf = (id: string) => holder.current()?.membership().roleOf(id) ?? null;
  const rpc = createRpc({
    clock,
    links,
    contractsByName,
    serve: (...request) => bus.serve(...request),
    onPresence: (manifest, link) => void presence.take(manifest, link),
    onRefused,
  });
  const bus = createBus({ clock, self: () => device.device, views: { roleOf }, remote: rpc });
  const broadcast = (manifest: Bytes): void => rpc.broadcast(manifest, (id) => roleOf(id) !== null);
  const presence = createPresence({
    bus,
    clock,
    crypto,
    signing: device.keys.signing,
    links,
    broadcast,
    isOffered,
    onRefused,
  });
  let memberCount = 0;
  /** A neighbour whose admission came here after its link has not been told what we offer. */
  const tellNewMembers = (): void => {
    const count = holder.current()?.membership().members.size ?? 0;
    if (count !== memberCount) presence.sendSoon();
    memberCount = count;
  };
  const key = () => (roleOf(device.device) ? (holder.current()?.currentKey()?.key ?? null) : null);
  const meeting = createCommunityMeeting({ crypto, clock, neighbours, key });
  const turnAway = (guest: Guest, reason: string): void => {
    guest.link.send('sync', encodeFrame({ type: 'bye', reason }));
    // The word needs a moment on the wire before the link goes.
    clock.after(1_000, () => guest.link.close('turned-away'));
  };
  const doors = createDoors({ crypto, clock, random, neighbours, turnAway });
  return { refusals, neighbours, holder, roleOf, rpc, bus, presence, tellNewMembers, meeting, doors };
};

/** Who this node is: its way into a neighbourhood, its settings, and what it says of itself. */
const createSelf = (deps: NodeDeps, device: Device, settings: Settings, mesh: ReturnType<typeof createMesh>) => {
  const { transport, clock, defaultSignalUrl } = deps;
  const { holder, roleOf } = mesh;
  const startedAt = Math.floor(clock.now());
  const changed = createSignal();
  const useSignalUrl = async (url: string): Promise<void> => {
    const wanted = url === defaultSignalUrl ? '' : url;
    if (await settings.save({ signalUrl: wanted })) transport.setSignalUrl(wanted || defaultSignalUrl);
    changed.tell();
  };
  const entry = createEntry({ ...deps, ...mesh, device: () => device, settings, useSignalUrl });

  const info = async (): Promise<NodeInfo> => {
    const { name, signalUrl, community } = settings.current();
    const membership = holder.current()?.membership();
    return {
      device: device.device,
      person: device.person,
      name: membership?.members.get(device.person)?.name ?? name,
      build: deps.build,
      community: community ? { id: community.id, name: membership?.communityName ?? '' } : null,
      membership: roleOf(device.device) ? 'member' : community ? 'pending' : 'none',
      pendingReason: entry.pendingReason(),
      signalUrl: signalUrl || defaultSignalUrl,
      defaultSignalUrl,
      storagePersisted: await deps.isStoragePersisted(),
      startedAt,
    };
  };
  const configure = async ({
    name,
    signalUrl,
  }: {
    name?: string | undefined;
    signalUrl?: string | undefined;
  }): Promise<boolean> => {
    if (
      name !== undefined &&
      name !== settings.current().name &&
      !((await settings.save({ name })) && (await entry.rename(name)))
    )
      return false;
    if (signalUrl !== undefined) await useSignalUrl(signalUrl);
    changed.tell();
    return true;
  };
  return { entry, info, configure, onInfoChange: changed.on };
};
