import { isCompatible, type Version } from './capability.ts';
import { limits } from '../limits.ts';

/**
 * What a provider says about one of its capabilities: load in percent, params such as the corpora it can search, and the first
 * bytes of its schema's hash as text ('' when it does not tell).
 */
export type Offer = {
  readonly name: string;
  readonly version: Version;
  readonly params: Readonly<Record<string, readonly string[]>>;
  readonly loadPercent: number;
  readonly isFull: boolean;
  readonly schema: string;
};

/** hearth: ordinary; anchor: stays on; spark: leans on its neighbours; bridge: stands in two neighbourhoods. */
export type Profile = 'anchor' | 'hearth' | 'spark' | 'bridge';
export type BatteryClass = 'mains' | 'good' | 'low' | 'unknown';

/** What a device says of itself beside its offers. Its word only: nobody is routed to or let in for it. */
export type About = {
  readonly name: string;
  readonly profile: Profile;
  readonly battery: BatteryClass;
  /** Of the whole device, 0 to 100. */
  readonly loadPercent: number;
};

export type Provider = {
  readonly device: string;
  readonly isLocal: boolean;
  readonly offer: Offer;
  readonly isStale: boolean;
};

type Remote = { readonly offers: readonly Offer[]; readonly about: About | null; heardAt: number };

/**
 * Who offers what: this node's own registrations and the neighbours' signed presence. A neighbour's offers count for
 * `limits.presenceTtlMs` after the last verified frame of any kind, and are gone at once with `remove` (bye, link lost).
 */
export const createRegistry = ({ self }: { self: () => string }) => {
  const localByName = new Map<string, Set<() => Offer>>();
  const remoteByDevice = new Map<string, Remote>();
  const listeners = new Set<() => void>();
  const goneListeners = new Set<GoneListener>();
  let isEnded = false;
  const changed = () => listeners.forEach((listener) => listener());
  const gone = (device: string, before: readonly Offer[], after: readonly Offer[]): void => {
    const left = new Set(after.map(({ name }) => name));
    const lost = new Set(before.map(({ name }) => name).filter((name) => !left.has(name)));
    if (lost.size > 0) goneListeners.forEach((listener) => listener(device, lost));
  };
  return {
    /** One name may be offered in several majors; the returned function takes this one back. */
    addLocal: (name: string, offer: () => Offer): (() => void) => {
      const offers = localByName.get(name) ?? new Set();
      localByName.set(name, offers.add(offer));
      changed();
      return () => {
        if (!offers.delete(offer)) return;
        if (offers.size === 0) {
          localByName.delete(name);
          goneListeners.forEach((listener) => listener(self(), new Set([name])));
        }
        changed();
      };
    },
    /** A local offer says something new (its params are read when asked): neighbours should hear of it. */
    noteLocalChange: changed,
    /** What a device tells now, in place of all it told before. Claims out of range are put into it. */
    setRemote: (device: string, offers: readonly Offer[], nowMs: number, about: About | null = null): void => {
      const before = remoteByDevice.get(device)?.offers ?? [];
      const kept = offers.map((offer) => ({ ...offer, loadPercent: percentOf(offer.loadPercent) }));
      remoteByDevice.set(device, { offers: kept, about, heardAt: nowMs });
      gone(device, before, kept);
      changed();
    },
    touch: (device: string, nowMs: number): void => {
      const entry = remoteByDevice.get(device);
      if (entry) entry.heardAt = nowMs;
    },
    remove: (device: string): void => {
      const before = remoteByDevice.get(device)?.offers;
      if (!before) return;
      remoteByDevice.delete(device);
      gone(device, before, []);
      changed();
    },
    localOffers: (): Offer[] => [...localByName.values()].flatMap((offers) => [...offers].map((offer) => offer())),
    remoteOffers: (device: string): readonly Offer[] => remoteByDevice.get(device)?.offers ?? [],
    /** What a neighbour told of itself with its offers; null when it told nothing or is gone. */
    aboutOf: (device: string): About | null => remoteByDevice.get(device)?.about ?? null,
    /** When a device that tells of itself was heard last, in ms since 1970 by this device's clock; null when it is gone. */
    heardAtOf: (device: string): number | null => remoteByDevice.get(device)?.heardAt ?? null,
    providersOf: (name: string, version: Version, nowMs: number): Provider[] => {
      const fits = (offer: Offer): boolean => offer.name === name && isCompatible(offer.version, version);
      const found: Provider[] = [];
      for (const read of localByName.get(name) ?? []) {
        const offer = read();
        if (fits(offer)) found.push({ device: self(), isLocal: true, offer, isStale: false });
      }
      for (const [device, { offers, heardAt }] of remoteByDevice) {
        const offer = offers.find(fits);
        if (offer) found.push({ device, isLocal: false, offer, isStale: nowMs - heardAt > limits.presenceTtlMs });
      }
      return found;
    },
    /** The node stops: nobody who is lost comes back to it. */
    end: (): void => {
      isEnded = true;
      changed();
    },
    isEnded: (): boolean => isEnded,
    onChange: (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** Told at once which device stopped offering which names: its presence lacks them, or it left. */
    onGone: (listener: GoneListener): (() => void) => {
      goneListeners.add(listener);
      return () => void goneListeners.delete(listener);
    },
  };
};
export type Registry = ReturnType<typeof createRegistry>;
type GoneListener = (device: string, names: ReadonlySet<string>) => void;

/** A load that is no number is taken for the worst one. */
const percentOf = (claimed: number): number =>
  Number.isFinite(claimed) ? Math.min(100, Math.max(0, Math.round(claimed))) : 100;
