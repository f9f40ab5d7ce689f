import type { NodeInfo } from '../contracts/node.ts';
import { createStops } from '../kernel/lifecycle.ts';
import { createSignal } from '../kernel/watch.ts';
import { createBarredWord } from './barred-word.ts';
import { createBlobServices } from './blob-services.ts';
import { createMesh } from './create-mesh.ts';
import { openDevice, type Device } from './device.ts';
import { createEntry } from './entry.ts';
import { openIdentity } from './identity.ts';
import { openRetirement } from './identity-retire.ts';
import { lateParts } from './late-parts.ts';
import type { NodeDeps } from './node-deps.ts';
import { createOwnDevices, type OwnDevices } from './own-devices.ts';
import { createServices } from './services.ts';
import { openSettings, type Settings } from './settings.ts';

/** The composition root: the only place that knows all rooms. Everything it starts, `stop` ends. */
export const createNode = async (deps: NodeDeps) => {
  const settings = await openSettings(deps.store);
  const device = await openDevice(deps);
  const changes = {
    ...deps,
    parts: deps.parts ?? lateParts,
    device: () => device,
    restart: deps.restart ?? (() => {}),
  };
  const identity = await openIdentity(changes);
  const retirement = await openRetirement(changes);
  const mesh = createMesh(deps, device, settings, {
    keyOfReturn: () => own.comingBack.key(),
    onOwnAhead: (kind) => own.noteOwnAhead(kind),
  });
  const own: OwnDevices = createOwnDevices({
    ...changes,
    ...mesh,
    settings,
    identity,
    retirement,
    erase: deps.erase ?? (async () => 'not-here'),
  });
  const self = createSelf(deps, device, settings, { ...mesh, ...own });
  const services = [
    ...createServices({ ...changes, ...mesh, ...self, own, identity }),
    ...createBlobServices({
      ...deps,
      ...mesh,
      links: mesh.neighbours.links,
      isMember: (id) => mesh.roleOf(id) !== null,
    }),
    mesh.presence,
    mesh.rpc,
    mesh.meeting,
    own.comingBack,
  ];
  const stops = createStops();
  return {
    bus: mesh.bus,
    start: async (): Promise<void> => {
      deps.transport.setSignalUrl(settings.current().signalUrl || deps.defaultSignalUrl);
      await mesh.tokens.load();
      for (const service of services) await service.start();
      stops.add(mesh.holder.onChange(mesh.meeting.refresh));
      stops.add(mesh.holder.onChange(mesh.tellNewMembers));
      await self.entry.resume();
      mesh.meeting.refresh();
    },
    stop: async (): Promise<void> => {
      stops.run();
      self.entry.stop();
      own.stop();
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

/** Who this node is: its way into a neighbourhood, its settings, and what it says of itself. */
const createSelf = (
  deps: NodeDeps,
  device: Device,
  settings: Settings,
  mesh: ReturnType<typeof createMesh> & OwnDevices,
) => {
  const { transport, clock, defaultSignalUrl } = deps;
  const { holder, roleOf } = mesh;
  const startedAt = Math.floor(clock.now());
  const changed = createSignal();
  mesh.helloClock.onChange(changed.tell);
  const barred = createBarredWord({ clock, links: mesh.neighbours.links });
  barred.onChange(changed.tell);
  const useSignalUrl = async (url: string): Promise<void> => {
    const wanted = url === defaultSignalUrl ? '' : url;
    if (await settings.save({ signalUrl: wanted })) transport.setSignalUrl(wanted || defaultSignalUrl);
    changed.tell();
  };
  const entry = createEntry({ ...deps, ...mesh, device: () => device, settings, useSignalUrl });

  /**
   * Out although the log names it: removed, given up or gone. Knowing the log without being named in it (restored from a file,
   * or a stranger after giving up its key) is no membership and no waiting either: what is missing is an invite or a link code.
   */
  const membershipState = (): NodeInfo['membership'] => {
    const { community } = settings.current();
    const here = holder.current();
    if (roleOf(device.device)) return barred.isSaid() ? 'removed' : 'member';
    if (!community) return 'none';
    if (community.invite || mesh.comingBack.isUnderWay()) return 'pending';
    if (here?.membership().personOf(device.device) != null) return 'removed';
    return here && here.log.size > 0 && here.log.damages().length === 0 ? 'none' : 'pending';
  };
  const info = async (): Promise<NodeInfo> => {
    const { name, signalUrl, community } = settings.current();
    const membership = holder.current()?.membership();
    return {
      device: device.device,
      person: device.person,
      name: membership?.members.get(device.person)?.name ?? name,
      build: deps.build,
      community: community ? { id: community.id, name: membership?.communityName ?? '' } : null,
      membership: membershipState(),
      pendingReason: entry.pendingReason(),
      signalUrl: signalUrl || defaultSignalUrl,
      defaultSignalUrl,
      storagePersisted: await deps.isStoragePersisted(),
      startedAt,
      clockOffsetMs: mesh.helloClock.offsetMs(),
      crypto: deps.cryptoKind ?? 'webcrypto',
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
