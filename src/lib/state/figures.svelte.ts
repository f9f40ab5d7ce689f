import { libraryRead } from '../contracts/library.ts';
import type { Neighbour } from '../contracts/mesh.ts';
import { nodeMetrics, type FigureRow, type Metrics } from '../contracts/node.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import type { Failure } from '../kernel/errors.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import { createLive } from './live.svelte.ts';
import type { PeopleViews } from './mesh.svelte.ts';
import { pageClock } from './page-clock.ts';

export type { FigureRow, Metrics };

/**
 * gives: may be asked now; busy: it has too much to do; off: it does not give this; resting: it saves its battery; silent: it gave
 * this, but nothing was heard of it for a while; unknown: it has not told, or is away.
 */
export type CellState = 'gives' | 'busy' | 'off' | 'resting' | 'silent' | 'unknown';
export type Cell = {
  readonly area: string;
  readonly state: CellState;
  /** The shelves of its library, where it names some. */
  readonly shelves: readonly string[];
  /** The usual time of what it did last for this device; null when it has done nothing yet. */
  readonly p50Ms: number | null;
  /** Of all devices this one served this area last. */
  readonly isLast: boolean;
  /** How long nothing was heard, where that is the state. */
  readonly silentSeconds: number;
};
export type DeviceRow = {
  readonly device: string;
  readonly state: 'self' | 'linked' | 'near' | 'away';
  readonly lastHeardAt: number | null;
  /** Linked, but not heard for so long that it may be gone: 0 where it was heard just now. */
  readonly silentSeconds: number;
  readonly profile: Neighbour['profile'];
  readonly battery: Neighbour['battery'];
  readonly loadPercent: number | null;
  readonly cells: readonly Cell[];
};
export type Answers = {
  readonly areas: readonly string[];
  readonly rows: readonly DeviceRow[];
  /** Devices that have not been heard since this node started; they would fill the table with nothing. */
  readonly others: number;
};

const areaOf = (capability: string): string => capability.slice(0, Math.max(0, capability.indexOf('.')));
/** That a device answers at all is no ability of its own. */
const isShown = (area: string): boolean => area !== '' && area !== 'mesh';

/** A link gives a sign of life every five seconds, and is ended when none came for fifteen; in between, nobody knows. */
const silentMs = 10_000;

/** Who answers what, from what devices tell and from what this one has measured, at this instant; null until this device knows itself. */
export const whoAnswers = (views: PeopleViews, figures: readonly FigureRow[], now: number): Answers | null => {
  const own = views.info.value;
  const mesh = views.mesh.value;
  if (!own || !mesh) return null;
  const ownAreas = own.giving.areas.map(({ area }) => area);
  const told = mesh.neighbours.flatMap(({ offers }) => offers.map(({ capability }) => areaOf(capability)));
  const areas = [...new Set([...ownAreas, ...told])].filter(isShown).toSorted();
  const lastByArea = lastServers(figures);
  const cellsOf = (
    { device, offers, silentSeconds }: Pick<Neighbour, 'device' | 'offers'> & Pick<DeviceRow, 'silentSeconds'>,
    stateOf: (area: string) => CellState,
  ): Cell[] =>
    areas.map((area) => ({
      area,
      state: stateOf(area),
      silentSeconds,
      shelves: [...new Set(offersOf(offers, area).flatMap(({ params }) => params.corpus ?? []))],
      p50Ms: usualMs(figures, device, area),
      isLast: lastByArea.get(area) === device,
    }));

  const self: DeviceRow = {
    device: own.device,
    state: 'self',
    lastHeardAt: null,
    silentSeconds: 0,
    profile: own.giving.profile,
    battery: null,
    loadPercent: null,
    cells: cellsOf({ device: own.device, offers: mesh.ownOffers, silentSeconds: 0 }, (area) =>
      ownState(own.giving.areas, mesh.ownOffers, area),
    ),
  };
  const near = mesh.neighbours.filter(({ state, lastHeardAt }) => state !== 'away' || lastHeardAt !== null);
  const rows = near.toSorted(byNearness).map((neighbour) => {
    const row = { ...neighbour, silentSeconds: silenceOf(neighbour, now) };
    return { ...row, cells: cellsOf(row, (area) => neighbourState(row, area)) };
  });
  return { areas, rows: [self, ...rows], others: mesh.neighbours.length - near.length };
};

/** To open a document stays possible while the saver rests the search: whoever gives no more than that answers nothing. */
const isBeside = (capability: string): boolean => capability.startsWith(`${libraryRead.name}@`);
const answering = (offers: Neighbour['offers']): Neighbour['offers'] =>
  offers.filter(({ capability }) => isShown(areaOf(capability)) && !isBeside(capability));
const offersOf = (offers: Neighbour['offers'], area: string): Neighbour['offers'] =>
  offers.filter(({ capability }) => areaOf(capability) === area);

const stateOfOffers = (offers: Neighbour['offers']): CellState => {
  if (answering(offers).length === 0) return 'off';
  return offers.every(({ isFull }) => isFull) ? 'busy' : 'gives';
};

const silenceOf = ({ state, lastHeardAt }: Neighbour, now: number): number => {
  const passedMs = state === 'linked' && lastHeardAt !== null ? now - lastHeardAt : 0;
  return passedMs > silentMs ? Math.floor(passedMs / 1_000) : 0;
};

type HeardNeighbour = Neighbour & Pick<DeviceRow, 'silentSeconds'>;
const neighbourState = (
  { state, hasTold, offers, battery, silentSeconds }: HeardNeighbour,
  area: string,
): CellState => {
  if (state === 'away' || !hasTold) return 'unknown';
  const told = stateOfOffers(offersOf(offers, area));
  if (told !== 'off') return silentSeconds > 0 ? 'silent' : told;
  return battery === 'low' && answering(offers).length === 0 ? 'resting' : 'off';
};

type OwnAreas = readonly { readonly area: string; readonly isOn: boolean; readonly isResting: boolean }[];
const ownState = (areas: OwnAreas, offers: Neighbour['offers'], area: string): CellState => {
  const own = areas.find((each) => each.area === area);
  if (!own?.isOn) return 'off';
  const state = stateOfOffers(offersOf(offers, area));
  return own.isResting && state === 'off' ? 'resting' : state;
};

const byNearness = (a: Neighbour, b: Neighbour): number =>
  Number(b.state === 'linked') - Number(a.state === 'linked') ||
  a.name.localeCompare(b.name) ||
  (a.device < b.device ? -1 : 1);

const lastServers = (figures: readonly FigureRow[]): ReadonlyMap<string, string> => {
  const newest = new Map<string, FigureRow>();
  for (const row of figures) {
    if (row.direction !== 'asked' || row.lastServedAt === null || row.peer === '*') continue;
    if (row.lastServedAt >= (newest.get(areaOf(row.capability))?.lastServedAt ?? 0))
      newest.set(areaOf(row.capability), row);
  }
  return new Map([...newest].map(([area, { peer }]) => [area, peer]));
};

const usualMs = (figures: readonly FigureRow[], device: string, area: string): number | null => {
  const served = figures.filter(
    ({ direction, peer, capability, lastServedAt }) =>
      direction === 'asked' && peer === device && areaOf(capability) === area && lastServedAt !== null,
  );
  return served.toSorted((a, b) => (b.lastServedAt ?? 0) - (a.lastServedAt ?? 0))[0]?.p50Ms ?? null;
};

/** What a device did for this one (`asked`) or this one for it (`served`), the most used first. */
export const figuresOf = (
  figures: readonly FigureRow[],
  device: string,
  direction: FigureRow['direction'],
): readonly FigureRow[] =>
  figures.filter((row) => row.peer === device && row.direction === direction).toSorted((a, b) => b.calls - a.calls);

/** The figures of this node while a screen looks at them, and the time by the second; the screen stops both when it goes. */
export const createFiguresState = ({ bus }: { bus: BusClient }, clock: Clock = pageClock) => {
  const live = createLive(bus, nodeMetrics, { live: true }, clock);
  let now = $state(clock.now());
  const stopTicking = every(
    clock,
    () => 1_000,
    () => (now = clock.now()),
  );
  return {
    live,
    get now() {
      return now;
    },
    /** The text for monitoring tools, as of now. */
    text: async (): Promise<{ text: string } | { failure: Failure }> => {
      const reply = await bus.call(nodeMetrics, { live: false });
      return reply.ok ? { text: reply.value.output.text } : { failure: reply.error };
    },
    stop: () => {
      stopTicking();
      live.stop();
    },
  };
};
export type FiguresState = ReturnType<typeof createFiguresState>;
