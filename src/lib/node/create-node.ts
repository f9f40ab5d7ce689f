import { contractsByName } from '../contracts/index.ts';
import type { NodeInfo } from '../contracts/node.ts';
import { createBus } from '../kernel/bus.ts';
import { createStops } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort, Keyring } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { SearchRoomPort } from '../kernel/ports/search.ts';
import type { Store } from '../kernel/ports/store.ts';
import type { Transport } from '../kernel/ports/transport.ts';
import { createSignal } from '../kernel/watch.ts';
import { createCommunityMeeting } from '../mesh/community-meeting.ts';
import { createDoors, type AtTheDoor } from '../mesh/doors.ts';
import { createNeighbours } from '../mesh/neighbours.ts';
import { createRpc } from '../mesh/rpc.ts';
import { encodeFrame } from '../replica/frames.ts';
import { createAsk } from '../services/ask.ts';
import { createChat } from '../services/chat.ts';
import { createCommunity } from '../services/community.ts';
import { createLibraryShelf, starterCorpus } from '../services/library/shelf.ts';
import { createLibrary } from '../services/library/library.ts';
import { createMeshService } from '../services/mesh.ts';
import { createNodeService } from '../services/node.ts';
import { createPresence } from '../services/presence.ts';
import { createStarterLibrary, type FetchStatic } from '../services/library/starter.ts';
import { openDevice } from './device.ts';
import { createEntry } from './entry.ts';
import { createNeighbourhoodHolder } from './neighbourhood-holder.ts';
import { selfTestSteps } from './self-test.ts';
import { openSettings } from './settings.ts';

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
  const { crypto, clock, random, store, transport, build } = deps;
  const startedAt = Math.floor(clock.now());
  const refusedByReason = new Map<string, number>();
  const onRefused = (reason: string): void => void refusedByReason.set(reason, (refusedByReason.get(reason) ?? 0) + 1);
  const infoChanged = createSignal();
  const stops = createStops();

  const settings = await openSettings(store);
  const opened = await openDevice(deps);
  const device = () => opened;
  const selfDevice = () => opened.device;
  const helloSelf = () => ({ certificate: opened.certificate, signing: opened.keys.signing, name: settings.current().name, build });
  const neighbours = createNeighbours({ clock, random, crypto, transport, self: helloSelf, onRefused });
  const { links } = neighbours;
  const holder = createNeighbourhoodHolder({ crypto, clock, random, store, links, device });
  const membership = () => holder.current()?.membership() ?? null;
  const roleOf = (id: string) => membership()?.roleOf(id) ?? null;

  const rpc = createRpc({
    clock,
    links,
    contractsByName,
    serve: (...request) => bus.serve(...request),
    onPresence: (manifest, link) => void presence.take(manifest, link),
    onRefused,
  });
  const bus = createBus({ clock, self: selfDevice, views: { roleOf }, remote: rpc });
  const presence = createPresence({
    bus,
    clock,
    crypto,
    signing: opened.keys.signing,
    links,
    broadcast: rpc.broadcast,
    isOffered: (name) => contractsByName.get(name)?.routable === true,
    onRefused,
  });

  const turnAway = (guest: AtTheDoor['guest'], reason: string): void => {
    guest.link.send('sync', encodeFrame({ type: 'bye', reason }));
    // The word needs a moment on the wire before the link goes.
    clock.after(1_000, () => guest.link.close('turned-away'));
  };
  const doors = createDoors({ crypto, clock, random, neighbours, turnAway });
  const useSignalUrl = async (url: string): Promise<void> => {
    const wanted = url === deps.defaultSignalUrl ? '' : url;
    if (await settings.save({ signalUrl: wanted })) transport.setSignalUrl(wanted || deps.defaultSignalUrl);
    infoChanged.tell();
  };
  const entry = createEntry({ crypto, clock, random, store, device, holder, neighbours, doors, settings, useSignalUrl });
  const meeting = createCommunityMeeting({ crypto, clock, neighbours, key: () => (roleOf(selfDevice()) ? (holder.current()?.currentKey()?.key ?? null) : null) });

  const shelf = createLibraryShelf({ store, crypto, search: deps.search });
  const starter = createStarterLibrary({ shelf, crypto, clock, fetchStatic: deps.fetchStatic });
  const neighbourCorpora = () =>
    links.all().map(({ peer }) => ({
      device: peer.device,
      corpora: bus.registry.remoteOffers(peer.device).find(({ name }) => name === 'library.search')?.params.corpus ?? [],
    }));
  const onPeople = (listener: () => void) => {
    const ends = [holder.onChange(listener), entry.onChange(listener), doors.onChange(listener)];
    return () => ends.forEach((end) => end());
  };
  const onLinks = (listener: () => void) => {
    const ends = [links.onUp(listener), links.onDown(listener)];
    return () => ends.forEach((end) => end());
  };

  const info = async (): Promise<NodeInfo> => {
    const { name, signalUrl, community } = settings.current();
    const isMember = roleOf(selfDevice()) !== null;
    const own = membership()?.members.get(opened.person)?.name;
    return {
      device: opened.device,
      person: opened.person,
      name: own ?? name,
      build,
      community: community ? { id: community.id, name: membership()?.communityName ?? '' } : null,
      membership: isMember ? 'member' : community ? 'pending' : 'none',
      pendingReason: entry.pendingReason(),
      signalUrl: signalUrl || deps.defaultSignalUrl,
      defaultSignalUrl: deps.defaultSignalUrl,
      storagePersisted: await deps.isStoragePersisted(),
      startedAt,
    };
  };
  const configure = async ({ name, signalUrl }: { name?: string | undefined; signalUrl?: string | undefined }): Promise<boolean> => {
    if (name !== undefined && name !== settings.current().name && !((await settings.save({ name })) && (await entry.rename(name)))) return false;
    if (signalUrl !== undefined) await useSignalUrl(signalUrl);
    infoChanged.tell();
    return true;
  };

  const services = [
    createNodeService({
      bus,
      clock,
      info,
      onInfoChange: (listener) => {
        const ends = [infoChanged.on(listener), onPeople(listener)];
        return () => ends.forEach((end) => end());
      },
      configure,
      selfTest: selfTestSteps({ ...deps, device, holder, links, bus }),
    }),
    createCommunity({
      bus,
      acts: entry.acts,
      current: holder.current,
      selfDevice,
      waiting: () => doors.waiting().map(({ guest, emoji, since }) => ({ request: guest.link.peer.device, person: guest.link.peer.person, name: guest.peer.name, emoji: [...emoji], since: Math.floor(since) })),
      invites: () => entry.invites().map((invite) => ({ ...invite, expiresAt: Math.floor(invite.expiresAt) })),
      ownEmoji: doors.ownEmoji,
      onChange: onPeople,
    }),
    createChat({ bus, current: holder.current, onChange: holder.onChange, selfDevice }),
    createMeshService({
      bus,
      clock,
      transport,
      live: () => neighbours.live().map((link) => ({ link, rttMs: link.rttMs(), lastHeardAt: Math.floor(link.lastHeardAt()) })),
      onLinks,
      members: () => [...(membership()?.members.values() ?? [])],
      onMembers: holder.onChange,
      selfDevice,
    }),
    createLibrary({ bus, shelf, starter, search: deps.search, neighbourCorpora }),
    createAsk({
      bus,
      clock,
      selfDevice,
      librarians: () => neighbourCorpora().filter(({ corpora }) => corpora.some((name) => name !== starterCorpus)).map(({ device: id }) => id),
      knownNeighbours: () => Math.max(0, (membership()?.members.size ?? 1) - 1),
    }),
    presence,
    rpc,
    meeting,
  ];

  return {
    bus,
    start: async (): Promise<void> => {
      transport.setSignalUrl(settings.current().signalUrl || deps.defaultSignalUrl);
      for (const service of services) await service.start();
      stops.add(holder.onChange(meeting.refresh));
      await entry.resume();
      meeting.refresh();
    },
    stop: async (): Promise<void> => {
      stops.run();
      entry.stop();
      for (const service of services.toReversed()) await service.stop();
      neighbours.stop();
    },
    /** The page woke or the network came back. */
    wake: neighbours.wake,
    current: holder.current,
    links,
    refusals: (): ReadonlyMap<string, number> => new Map([...refusedByReason, ...holder.syncRefusals()]),
  };
};
export type HearthNode = Awaited<ReturnType<typeof createNode>>;
