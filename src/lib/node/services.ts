import { contractsByName } from '../contracts/index.ts';
import type { NodeInfo } from '../contracts/node.ts';
import type { Bus } from '../kernel/bus.ts';
import type { Startable, Stop } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import { ok } from '../kernel/result.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { DocumentRoomPort } from '../kernel/ports/documents.ts';
import type { SearchRoomPort } from '../kernel/ports/search.ts';
import type { Store } from '../kernel/ports/store.ts';
import type { Transport } from '../kernel/ports/transport.ts';
import type { Doors } from '../mesh/doors.ts';
import type { Neighbours } from '../mesh/neighbours.ts';
import { createAsk } from '../services/ask.ts';
import { createChat } from '../services/chat.ts';
import { createCommunity } from '../services/community.ts';
import { createDevices } from '../services/devices.ts';
import { createDocuments } from '../services/documents/documents.ts';
import { createDocumentFold, documentClient, documentIdOf } from '../log/documents.ts';
import { countLog, inspectPage, type InspectionParts } from '../log/inspection.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import { createLibrary } from '../services/library/library.ts';
import { createLibraryShelf, starterCorpus } from '../services/library/shelf.ts';
import { createStarterLibrary, type FetchStatic } from '../services/library/starter.ts';
import { createLogService } from '../services/log.ts';
import { createMeshService } from '../services/mesh.ts';
import { createNodeService } from '../services/node.ts';
import { createTokens, type TokenActs } from '../services/tokens.ts';
import type { Device } from './device.ts';
import type { Entry } from './entry.ts';
import type { Identity } from './identity.ts';
import type { LateParts } from './late-parts.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';
import type { OwnDevices } from './own-devices.ts';
import { createPeopleOffice } from './people-office.ts';

export type ServiceParts = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly communityClock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly transport: Transport;
  readonly search: SearchRoomPort;
  readonly documents: DocumentRoomPort;
  readonly fetchStatic: FetchStatic;
  readonly bus: Bus;
  readonly device: () => Device;
  readonly holder: NeighbourhoodHolder;
  readonly neighbours: Neighbours;
  readonly doors: Doors;
  readonly entry: Entry;
  readonly own: OwnDevices;
  readonly identity: Identity;
  readonly tokens: { readonly acts: TokenActs };
  readonly parts: Pick<LateParts, 'selfTest'>;
  readonly build: string;
  /** What links and calls have refused, by reason. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly info: () => Promise<NodeInfo>;
  readonly onInfoChange: (listener: () => void) => Stop;
  readonly configure: (change: { name?: string | undefined; signalUrl?: string | undefined }) => Promise<boolean>;
};

/** Every service of a node, not started yet. Services meet on the bus only; what each needs beside it is handed to it here. */
export const createServices = (parts: ServiceParts): Startable[] => {
  const { bus, clock, holder, entry, doors, parts: late } = parts;
  const selfDevice = () => parts.device().device;
  const onPeople = onAny(holder.onChange, entry.onChange, doors.onChange);
  const documents = documentsService(parts, selfDevice);
  return [
    createNodeService({
      bus,
      clock,
      info: parts.info,
      onInfoChange: onAny(parts.onInfoChange, onPeople),
      configure: parts.configure,
      selfTest: async () => {
        const part = await late.selfTest();
        return part.ok ? ok(part.value.selfTestSteps({ ...parts, links: parts.neighbours.links })) : part;
      },
    }),
    createCommunity({
      bus,
      acts: entry.acts,
      people: createPeopleOffice(parts),
      current: holder.current,
      selfDevice,
      waiting: () => waitingAt(doors, holder),
      invites: () => entry.invites().map((invite) => ({ ...invite, expiresAt: Math.floor(invite.expiresAt) })),
      ownEmoji: doors.ownEmoji,
      onChange: onPeople,
    }),
    devicesService(parts, onPeople),
    createChat({
      bus,
      clock: parts.communityClock,
      current: holder.current,
      onChange: holder.onChange,
      selfDevice,
      fetching: holder.syncProgress,
    }),
    meshService(parts, selfDevice),
    documents,
    logService(parts, selfDevice, documents.voidById),
    createTokens({ bus, acts: parts.tokens.acts }),
    ...libraryServices(parts, selfDevice),
  ];
};

/** What presence tells of this device: capabilities that another device may route to. */
export const isOffered = (name: string): boolean => contractsByName.get(name)?.routable === true;

const meshService = (
  { bus, clock, transport, neighbours, holder }: ServiceParts,
  selfDevice: () => string,
): Startable =>
  createMeshService({
    bus,
    clock,
    transport,
    live: () =>
      neighbours.live().map((link) => ({ link, rttMs: link.rttMs(), lastHeardAt: Math.floor(link.lastHeardAt()) })),
    onLinks: onAny(neighbours.links.onUp, neighbours.links.onDown),
    members: () => [...(holder.current()?.membership().members.values() ?? [])],
    onMembers: holder.onChange,
    selfDevice,
  });

const logService = (
  { bus, clock, holder, neighbours, refusals, build }: ServiceParts,
  selfDevice: () => string,
  documentVoids: () => ReadonlyMap<string, string>,
): Startable =>
  createLogService({
    bus,
    clock,
    current: holder.current,
    page: (here, wish) => inspectPage(inspectionOf(here, documentVoids()), wish),
    counts: (here) => countLog(inspectionOf(here, documentVoids())),
    selfDevice,
    build,
    refusals: () => new Map([...refusals, ...holder.syncRefusals()]),
    links: () => neighbours.live().map((link) => ({ kind: link.kind, rttMs: link.rttMs(), build: link.peer.build })),
  });

/** What every view says of the events that have no effect. */
const inspectionOf = (here: Neighbourhood, documentVoids: ReadonlyMap<string, string>): InspectionParts => ({
  log: here.log,
  receipts: here.receipts,
  voids: new Map([...here.room().voidById, ...documentVoids, ...here.membership().voidById]),
});

const documentsService = ({ bus, clock, holder, documents }: ServiceParts, selfDevice: () => string) =>
  createDocuments({
    bus,
    clock,
    current: holder.current,
    onChange: holder.onChange,
    selfDevice,
    room: documents,
    createFold: createDocumentFold,
    clientOf: documentClient,
    documentIdOf,
  });

const libraryServices = (parts: ServiceParts, selfDevice: () => string): Startable[] => {
  const { bus, clock, crypto, store, search, fetchStatic, neighbours, holder } = parts;
  const shelf = createLibraryShelf({ store, crypto, search });
  const starter = createStarterLibrary({ shelf, crypto, clock, fetchStatic });
  const neighbourCorpora = () =>
    neighbours.links.all().map(({ peer }) => ({
      device: peer.device,
      corpora:
        bus.registry.remoteOffers(peer.device).find(({ name }) => name === 'library.search')?.params.corpus ?? [],
    }));
  const hasOwnCorpus = ({ corpora }: { corpora: readonly string[] }) => corpora.some((name) => name !== starterCorpus);
  return [
    createLibrary({ bus, shelf, starter, search, neighbourCorpora }),
    createAsk({
      bus,
      clock,
      selfDevice,
      librarians: () =>
        neighbourCorpora()
          .filter(hasOwnCorpus)
          .map(({ device }) => device),
      knownNeighbours: () => Math.max(0, (holder.current()?.membership().members.size ?? 1) - 1),
    }),
  ];
};

const devicesService = (
  { bus, entry, own, identity, neighbours }: ServiceParts,
  onPeople: (listener: () => void) => Stop,
): Startable =>
  createDevices({
    bus,
    acts: own.acts(entry),
    list: own.list,
    onChange: onAny(onPeople, own.linking.onChange, identity.onChange, neighbours.links.onUp, neighbours.links.onDown),
  });

/** Those who knock as a person of their own; further devices of ours stand at another door. */
const waitingAt = (doors: Doors, holder: NeighbourhoodHolder) =>
  doors.waiting().flatMap(({ guest, emoji, since, isForDevice }) =>
    isForDevice
      ? []
      : {
          request: guest.link.peer.device,
          person: guest.link.peer.person,
          name: guest.peer.name,
          emoji: [...emoji],
          since: Math.floor(since),
          isKnownPerson: holder.current()?.membership().members.has(guest.link.peer.person) ?? false,
        },
  );

/** One subscription to several sources of change. */
const onAny =
  (...sources: readonly ((listener: () => void) => Stop)[]) =>
  (listener: () => void): Stop => {
    const ends = sources.map((source) => source(listener));
    return () => ends.forEach((end) => end());
  };
