import { askAnswer } from '../contracts/ask.ts';
import { documentsCreate, documentsEdit, documentsList, documentsOpen } from '../contracts/documents.ts';
import { contractsByName } from '../contracts/index.ts';
import { libraryCorpora, libraryIngest, libraryRead, libraryRemove, librarySearch } from '../contracts/library.ts';
import { logBundle, logEntries, logOverview } from '../contracts/log.ts';
import type { NodeChange, NodeInfo } from '../contracts/node.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import type { Failure } from '../kernel/errors.ts';
import type { Startable, Stop } from '../kernel/lifecycle.ts';
import type { Blobs } from '../kernel/ports/blobs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import { ok } from '../kernel/result.ts';
import { onAny } from '../kernel/watch.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { DocumentRoomPort } from '../kernel/ports/documents.ts';
import type { SearchRoomPort } from '../kernel/ports/search.ts';
import type { Store } from '../kernel/ports/store.ts';
import type { Transport } from '../kernel/ports/transport.ts';
import type { MailOffice } from '../mail/mail-office.ts';
import type { Doors } from '../mesh/doors.ts';
import type { Neighbours } from '../mesh/neighbours.ts';
import { createChat } from '../services/chat.ts';
import { createFiguresService } from '../services/figures/figures.ts';
import type { Giving } from '../services/giving.ts';
import type { FetchStatic } from '../services/library/starter.ts';
import { createNodeService } from '../services/node.ts';
import type { Device } from './device.ts';
import type { Entry } from './entry.ts';
import type { Identity } from './identity.ts';
import type { LateParts } from './late-parts.ts';
import { createLateService } from './late-service.ts';
import type { LoadPart } from './load-part.ts';
import { createMeshServices, type MeshParts } from './mesh-services.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';
import type { OwnDevices } from './own-devices.ts';

export type ServiceParts = MeshParts & {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly communityClock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly transport: Transport;
  readonly blobs: LoadPart<Blobs>;
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
  readonly tokens: { service(bus: Bus): Startable };
  readonly giving: Giving;
  readonly mail: Pick<MailOffice, 'isKept' | 'onChange'>;
  readonly parts: Pick<
    LateParts,
    'selfTest' | 'figuresView' | 'readingRooms' | 'libraryRoom' | 'peopleRoom' | 'meshRooms'
  >;
  readonly build: string;
  /** What links and calls have refused, by reason. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly info: () => Promise<NodeInfo>;
  readonly onInfoChange: (listener: () => void) => Stop;
  readonly configure: (change: NodeChange) => Promise<Failure | null>;
};

/** Every service of a node, not started yet. Services meet on the bus only; what each needs beside it is handed to it here. */
export const createServices = (parts: ServiceParts): Startable[] => {
  const { bus, clock, holder, entry, doors, parts: late } = parts;
  const selfDevice = () => parts.device().device;
  const onPeople = onAny(holder.onChange, entry.onChange, doors.onChange);
  return [
    createNodeService({
      bus,
      clock,
      info: parts.info,
      onInfoChange: onAny(parts.onInfoChange, onPeople),
      configure: parts.configure,
      selfTest: async () => {
        const [part, blobs] = [await late.selfTest(), await parts.blobs()];
        if (!part.ok) return part;
        if (!blobs.ok) return blobs;
        return ok(part.value.selfTestSteps({ ...parts, blobs: blobs.value, links: parts.neighbours.links }));
      },
    }),
    peopleRoom(parts),
    createChat({
      bus,
      clock: parts.communityClock,
      current: holder.current,
      onChange: onAny(holder.onChange, parts.mail.onChange),
      selfDevice,
      fetching: holder.syncProgress,
      isKeptForAway: parts.mail.isKept,
    }),
    ...createMeshServices(parts, selfDevice, () =>
      bus.registry.localOffers().filter(({ name }) => isGiven(name, parts.giving)),
    ),
    figuresService(parts, selfDevice),
    readingRooms(parts, selfDevice),
    parts.tokens.service(bus),
    libraryRoom(parts, selfDevice),
  ];
};

/** Capabilities that another device may route to. */
export const isOffered = (name: string): boolean => contractsByName.get(name)?.routable === true;

/** What presence tells now: offered, and not switched off or at rest. */
export const isGiven = (name: string, giving: Pick<Giving, 'mayServe'>): boolean => {
  const capability = contractsByName.get(name);
  return capability?.routable === true && giving.mayServe(capability) === null;
};

const figuresService = (parts: ServiceParts, selfDevice: () => string): Startable => {
  const { bus, clock, build, neighbours, refusals, parts: late } = parts;
  const startedAt = clock.now();
  const surroundings = () => ({ build, startedAt, refusals, linkedNeighbours: neighbours.live().length });
  return createFiguresService({
    bus,
    loadView: async () => {
      const part = await late.figuresView();
      return part.ok ? ok(part.value.createFiguresView({ bus, clock, selfDevice, surroundings })) : part;
    },
  });
};

const readingRooms = (parts: ServiceParts, selfDevice: () => string): Startable =>
  createLateService({
    bus: parts.bus,
    capabilities: [documentsList, documentsCreate, documentsOpen, documentsEdit, logOverview, logEntries, logBundle],
    load: async () => {
      const part = await parts.parts.readingRooms();
      return part.ok ? ok((bus: Bus) => part.value.createReadingRooms({ ...parts, bus, selfDevice })) : part;
    },
  });

/** Behind the start: filling the shelf, and what is asked of it, must not hold up the log and the links. */
const libraryRoom = (parts: ServiceParts, selfDevice: () => string): Startable =>
  createLateService({
    bus: parts.bus,
    capabilities: [libraryRead, libraryIngest, libraryRemove, libraryCorpora, librarySearch, askAnswer],
    isWantedSoon: true,
    load: async () => {
      const part = await parts.parts.libraryRoom();
      return part.ok ? ok((bus: Bus) => part.value.createLibraryRoom({ ...parts, bus, selfDevice })) : part;
    },
  });

const peopleRoom = (parts: ServiceParts): Startable =>
  createLateService({
    bus: parts.bus,
    capabilities: [...contractsByName.values()].filter(({ name }) => /^(community|devices)\./.test(name)),
    load: async () => {
      const part = await parts.parts.peopleRoom();
      return part.ok ? ok((bus: Bus) => part.value.createPeopleRoom({ ...parts, bus })) : part;
    },
  });
