import type { Bus } from '../kernel/bus/bus.ts';
import type { Startable } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { DocumentRoomPort } from '../kernel/ports/documents.ts';
import { createDocumentFold, documentClient, documentIdOf } from '../log/documents.ts';
import { countLog, inspectPage, type InspectionParts } from '../log/inspection.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import type { Neighbours } from '../mesh/neighbours.ts';
import { createDocuments } from '../services/documents/documents.ts';
import { createLogService } from '../services/log.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';

export type ReadingRoomDeps = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly holder: NeighbourhoodHolder;
  readonly neighbours: Neighbours;
  readonly documents: DocumentRoomPort;
  readonly selfDevice: () => string;
  readonly build: string;
  /** What links and calls have refused, by reason. */
  readonly refusals: ReadonlyMap<string, number>;
};

/** The street's plans and the log as its own reader sees it: opened by whoever looks at them, and loaded then. */
export const createReadingRooms = (deps: ReadingRoomDeps): readonly Startable[] => {
  const { bus, clock, holder, neighbours, selfDevice, build, refusals } = deps;
  const documents = createDocuments({
    bus,
    clock,
    current: holder.current,
    onChange: holder.onChange,
    selfDevice,
    room: deps.documents,
    createFold: createDocumentFold,
    clientOf: documentClient,
    documentIdOf,
  });
  const log = createLogService({
    bus,
    clock,
    current: holder.current,
    page: (here, wish) => inspectPage(inspectionOf(here, documents.voidById()), wish),
    counts: (here) => countLog(inspectionOf(here, documents.voidById())),
    selfDevice,
    build,
    refusals: () => new Map([...refusals, ...holder.syncRefusals()]),
    links: () => neighbours.live().map((link) => ({ kind: link.kind, rttMs: link.rttMs(), build: link.peer.build })),
  });
  return [documents, log];
};

/** What every view says of the events that have no effect. */
const inspectionOf = (here: Neighbourhood, documentVoids: ReadonlyMap<string, string>): InspectionParts => ({
  log: here.log,
  receipts: here.receipts,
  voids: new Map([...here.room().voidById, ...documentVoids, ...here.membership().voidById]),
});
