import { blobsHave } from '../contracts/blobs.ts';
import type { NodeChange, NodeInfo } from '../contracts/node.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { createRun, createStops } from '../kernel/lifecycle.ts';
import { createSignal } from '../kernel/watch.ts';
import { createBarredWord } from './barred-word.ts';
import { createMesh } from './create-mesh.ts';
import { openDevice, type Device } from './device.ts';
import { createEntry } from './entry.ts';
import { openIdentity } from './identity.ts';
import { openRetirement } from './identity-retire.ts';
import { createKnownServers } from './known-servers.ts';
import { createLateBlobs } from './late-blobs.ts';
import { createLateMail } from './late-mail.ts';
import { createLatePairing } from './late-pairing.ts';
import { lateParts, type LateParts } from './late-parts.ts';
import { loadOnce } from './load-part.ts';
import type { NodeDeps } from './node-deps.ts';
import { createOwnDevices, type OwnDevices } from './own-devices.ts';
import { createServices, isGiven } from './services.ts';
import { openSettings, type Settings } from './settings.ts';

/** The composition root: the only place that knows all rooms. Everything it starts, `stop` ends. */
export const createNode = async (deps: NodeDeps) => {
  const settings = await openSettings(deps.store);
  const device = await openDevice(deps);
  const changes = {
    ...deps,
    blobs: loadOnce(deps.blobs),
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
  const mail = createMail(changes, mesh);
  const services = [
    ...createServices({ ...changes, ...mesh, ...self, own, identity, mail }),
    createLateBlobs({
      ...changes,
      ...mesh,
      links: mesh.neighbours.links,
      isMember: (id) => mesh.roleOf(id) !== null,
      isGiving: () => isGiven(blobsHave.name, mesh.giving),
    }),
    mail,
    createLatePairing({
      ...changes,
      ...mesh,
      selfDevice: () => device.device,
      keys: mesh.meetingKeys,
      hidesAddress: () => settings.current().hidesAddress,
    }),
    mesh.presence,
    mesh.rpc,
    mesh.overlay,
    mesh.meeting,
    own.comingBack,
  ];
  const stops = createStops();
  const run = createRun({
    start: async (): Promise<void> => {
      self.servers.start();
      deps.transport.setPrivacy({ hidesAddress: settings.current().hidesAddress });
      await mesh.tokens.load();
      for (const service of services) await service.start();
      stops.add(mesh.holder.onChange(mesh.meeting.refresh));
      // What is given is a part of what is offered: the neighbours hear of it as of any other change.
      stops.add(mesh.giving.onChange(mesh.bus.registry.noteLocalChange));
      stops.add(mesh.holder.onChange(mesh.tellNewMembers));
      await self.entry.resume();
      mesh.meeting.refresh();
    },
    stop: async (): Promise<void> => {
      stops.run();
      self.servers.stop();
      self.entry.stop();
      own.stop();
      mesh.bus.registry.end();
      for (const service of services.toReversed()) await service.stop();
      mesh.neighbours.stop();
    },
  });
  return {
    bus: mesh.bus,
    ...run,
    /** The page woke or the network came back. */
    wake: mesh.neighbours.wake,
    current: mesh.holder.current,
    links: mesh.neighbours.links,
    /** What relays keep for whoever is away. */
    mail: { isKept: mail.isKept, letters: mail.letters, onChange: mail.onChange },
    refusals: (): ReadonlyMap<string, number> => new Map([...mesh.refusals, ...mesh.holder.syncRefusals()]),
  };
};
export type HearthNode = Awaited<ReturnType<typeof createNode>>;

const createMail = (
  deps: Omit<NodeDeps, 'blobs'> & { readonly parts: LateParts; readonly device: () => Device },
  mesh: ReturnType<typeof createMesh>,
) =>
  createLateMail({
    ...deps,
    ...mesh,
    links: mesh.neighbours.links,
    mailboxes: deps.transport.mailboxes,
    keys: () => deps.device().keys,
    clock: mesh.communityClock,
  });

/** Who this node is: its way into a neighbourhood, its settings, and what it says of itself. */
const createSelf = (
  deps: NodeDeps,
  device: Device,
  settings: Settings,
  mesh: ReturnType<typeof createMesh> & OwnDevices,
) => {
  const { transport, clock, defaultSignalUrl } = deps;
  const { holder, roleOf, giving } = mesh;
  const startedAt = Math.floor(clock.now());
  const changed = createSignal();
  mesh.helloClock.onChange(changed.tell);
  giving.onChange(changed.tell);
  const barred = createBarredWord({ clock, links: mesh.neighbours.links });
  barred.onChange(changed.tell);
  const servers = createKnownServers({
    ...deps,
    holder,
    ownUrl: () => settings.current().signalUrl,
    defaultUrl: defaultSignalUrl,
    mayTell: () => (roleOf(device.device) ?? 'member') !== 'member',
    tell: async (urls) => {
      const part = await (deps.parts ?? lateParts).peopleRoom();
      return part.ok ? part.value.createPeopleOffice({ ...deps, device: () => device, holder }).setServers(urls) : part;
    },
  });
  const useSignalUrl = async (url: string): Promise<void> => {
    const wanted = url === defaultSignalUrl ? '' : url;
    if (await settings.save({ signalUrl: wanted })) servers.settle();
    changed.tell();
  };
  /** Kept first: an address that was to be hidden is not shown again by the next start. */
  const hideAddress = async (hidesAddress: boolean): Promise<boolean> => {
    if (!(await settings.save({ hidesAddress }))) return false;
    transport.setPrivacy({ hidesAddress });
    return true;
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
      hidesAddress: settings.current().hidesAddress,
      defaultSignalUrl,
      storagePersisted: await deps.isStoragePersisted(),
      startedAt,
      clockOffsetMs: mesh.helloClock.offsetMs(),
      crypto: deps.cryptoKind ?? 'webcrypto',
      giving: giving.view(),
    };
  };
  const configure = async ({ name, signalUrl, hidesAddress, ...rest }: NodeChange): Promise<Failure | null> => {
    const { name: before } = settings.current();
    if (name !== undefined && name !== before && !((await settings.save({ name })) && (await entry.rename(name))))
      return failure('quota_full', 'not-stored');
    if (signalUrl !== undefined) await useSignalUrl(signalUrl);
    if (hidesAddress !== undefined && !(await hideAddress(hidesAddress))) return failure('quota_full', 'not-stored');
    const refused = await giving.configure(rest);
    changed.tell();
    return refused;
  };
  return {
    entry,
    info,
    configure,
    onInfoChange: changed.on,
    isOnline: deps.isOnline ?? (() => true),
    hidesAddress: () => settings.current().hidesAddress,
    servers,
    serverOrigin: servers.originOf,
    toldEdges: mesh.overlay.toldEdges,
    onToldEdges: mesh.overlay.onChange,
  };
};
