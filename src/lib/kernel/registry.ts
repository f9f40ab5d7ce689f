import { isCompatible, type Version } from './capability.ts';
import { limits } from './limits.ts';

/** What a provider says about one of its capabilities: load in percent, and params such as the corpora it can search. */
export type Offer = {
  readonly name: string;
  readonly version: Version;
  readonly params: Readonly<Record<string, readonly string[]>>;
  readonly loadPercent: number;
  readonly isFull: boolean;
};

export type Provider = {
  readonly device: string;
  readonly isLocal: boolean;
  readonly offer: Offer;
  readonly isStale: boolean;
};

/**
 * Who offers what: this node's own registrations and the neighbours' signed presence. A neighbour's offers count for
 * `limits.presenceTtlMs` after the last verified frame of any kind, and are gone at once with `remove` (bye, link lost).
 */
export const createRegistry = ({ self }: { self: () => string }) => {
  const localByName = new Map<string, () => Offer>();
  const remoteByDevice = new Map<string, { offers: readonly Offer[]; heardAt: number }>();
  const listeners = new Set<() => void>();
  const changed = () => listeners.forEach((listener) => listener());
  return {
    addLocal: (name: string, offer: () => Offer): (() => void) => {
      localByName.set(name, offer);
      changed();
      return () => {
        if (localByName.get(name) === offer) localByName.delete(name);
        changed();
      };
    },
    /** A local offer says something new (its params are read when asked): neighbours should hear of it. */
    noteLocalChange: changed,
    setRemote: (device: string, offers: readonly Offer[], nowMs: number): void => {
      remoteByDevice.set(device, { offers, heardAt: nowMs });
      changed();
    },
    touch: (device: string, nowMs: number): void => {
      const entry = remoteByDevice.get(device);
      if (entry) entry.heardAt = nowMs;
    },
    remove: (device: string): void => {
      if (remoteByDevice.delete(device)) changed();
    },
    localOffers: (): Offer[] => [...localByName.values()].map((offer) => offer()),
    remoteOffers: (device: string): readonly Offer[] => remoteByDevice.get(device)?.offers ?? [],
    providersOf: (name: string, version: Version, nowMs: number): Provider[] => {
      const found: Provider[] = [];
      const local = localByName.get(name)?.();
      if (local && isCompatible(local.version, version)) {
        found.push({ device: self(), isLocal: true, offer: local, isStale: false });
      }
      for (const [device, { offers, heardAt }] of remoteByDevice) {
        const offer = offers.find((each) => each.name === name && isCompatible(each.version, version));
        if (offer) found.push({ device, isLocal: false, offer, isStale: nowMs - heardAt > limits.presenceTtlMs });
      }
      return found;
    },
    onChange: (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};
export type Registry = ReturnType<typeof createRegistry>;
