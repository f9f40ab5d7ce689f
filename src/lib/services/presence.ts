import type { Bus } from '../kernel/bus/bus.ts';
import { bytesToText } from '../kernel/ids.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import type { Link, Links } from '../kernel/ports/links.ts';
import type { About, Offer } from '../kernel/bus/registry.ts';
import { readManifest, signManifest } from './presence-manifest.ts';

export type PresenceDeps = {
  readonly bus: Bus;
  readonly clock: Clock;
  /** The community's time (ms since 1970), for what is signed; `clock` is the device's own, measures intervals, and serves for both when absent. */
  readonly communityNow?: () => number;
  readonly crypto: CryptoPort;
  readonly signing: SigningKey;
  readonly links: Links;
  readonly broadcast: (presence: Bytes) => void;
  /** How those hear of this device who are not linked with it: by others, and the more there are the more seldom (ms). */
  readonly spread?: {
    readonly tell: (presence: Bytes) => void;
    readonly everyMs: () => number;
    readonly isParted: (device: string) => boolean;
  };
  /** Of whom anything is believed that came by others. */
  readonly isMember?: (device: string) => boolean;
  /** What this device says of itself beside its offers and its load. */
  readonly about: () => Omit<About, 'loadPercent'>;
  /** Only what others may call now is told: what is `self` or not given never leaves the device. */
  readonly isOffered: (capability: string) => boolean;
  /** What may be believed of others: abilities this build knows, and knows as ones to be had from a neighbour. */
  readonly isKnown: (capability: string) => boolean;
  /** When the link to a device was heard last, by any frame; null where there is none. */
  readonly lastHeardAt: (device: string) => number | null;
  /** This device saves its battery, and so repeats itself rarely. */
  readonly isSaving: () => boolean;
  readonly onRefused: (reason: string) => void;
};

const changePauseMs = 200;
const unheard: Passed = { verdict: 'refused', device: '' };
/** What came of a manifest that somebody else passed on, and whose it is. */
export type Passed = { readonly verdict: 'news' | 'known' | 'refused'; readonly device: string };
type Heard = { sentAt: number; minuteAt: number; count: number };

/**
 * Tells the neighbours what this device offers (presence-manifest.ts), every 30 s and a moment after each change, and believes
 * each neighbour what it says of itself: for as long as its link is heard, at most 90 s after the last frame.
 */
export const createPresence = (
  deps: PresenceDeps,
): Startable & {
  take(presence: Bytes, link: Link): Promise<void>;
  /** The manifest of a device this one may have no link to, passed on by a neighbour. */
  takePassed(presence: Bytes): Promise<Passed>;
  sendSoon(): void;
} => {
  const { bus, clock, crypto, links } = deps;
  const stops = createStops();
  const ownDevice = bytesToText(deps.signing.publicKey);
  const heardByDevice = new Map<string, Heard>();
  /** The newest manifests that came by others: when each was sent, and when it came. */
  const passedByDevice = new Map<string, { readonly sentAt: number; readonly heardAt: number }>();
  let spreadAt = Number.NEGATIVE_INFINITY;
  let isStarted = false;
  let cancelSoon: (() => void) | null = null;
  let told = '';
  let toldAt = 0;

  const own = (): { readonly about: About; readonly offers: readonly Offer[] } => {
    const offers = bus.registry.localOffers().filter(({ name }) => deps.isOffered(name));
    const loadPercent = Math.max(0, ...offers.map((offer) => offer.loadPercent));
    return { about: { ...deps.about(), loadPercent }, offers };
  };

  const send = async (): Promise<void> => {
    const now = own();
    told = JSON.stringify(now);
    // Never backwards, also when the clock was put right: neighbours would take it for a repetition.
    toldAt = Math.max(toldAt + 1, Math.floor((deps.communityNow ?? clock.now)()));
    const manifest = await signManifest(deps.signing, { ...now, sentAt: toldAt });
    if (!isStarted) return;
    deps.broadcast(manifest);
    if (!deps.spread || clock.now() - spreadAt < deps.spread.everyMs()) return;
    spreadAt = clock.now();
    deps.spread.tell(manifest);
  };
  const sendSoon = (): void => {
    if (!isStarted) return;
    cancelSoon ??= clock.after(changePauseMs, () => {
      cancelSoon = null;
      void send();
    });
  };

  /** Each manifest costs a check of a signature; so many of one neighbour are looked at in a minute. */
  const isTooOften = (device: string): boolean => {
    const heard = heardByDevice.get(device) ?? { sentAt: -1, minuteAt: clock.now(), count: 0 };
    heardByDevice.set(device, heard);
    if (Math.abs(clock.now() - heard.minuteAt) >= 60_000) Object.assign(heard, { minuteAt: clock.now(), count: 0 });
    heard.count += 1;
    return heard.count > limits.presencePerMinuteMax;
  };
  const isOld = (device: string, sentAt: number): boolean => sentAt <= (heardByDevice.get(device)?.sentAt ?? -1);

  const take = async (presence: Bytes, link: Link): Promise<void> => {
    const { device } = link.peer;
    if (isTooOften(device)) return deps.onRefused('presence-too-often');
    const manifest = readManifest(presence);
    if (!manifest) return deps.onRefused('presence-malformed');
    // P5: over a link a device speaks for itself only.
    if (manifest.device !== device) return deps.onRefused('presence-foreign');
    if (isOld(device, manifest.sentAt)) return deps.onRefused('presence-replayed');
    if (!(await crypto.verify(manifest.key, manifest.signed, manifest.signature)))
      return deps.onRefused('presence-signature');
    if (!link.isOpen) return;
    // While this one was checked a newer one may have come.
    if (isOld(device, manifest.sentAt)) return deps.onRefused('presence-replayed');
    const heard = heardByDevice.get(device);
    if (heard) heard.sentAt = manifest.sentAt;
    const offers = manifest.offers.filter(({ name }) => deps.isKnown(name));
    bus.registry.setRemote(device, offers, clock.now(), manifest.about);
  };

  const takePassed = async (presence: Bytes): Promise<Passed> => {
    const refuse = (reason: string): Passed => {
      deps.onRefused(reason);
      return unheard;
    };
    const manifest = readManifest(presence);
    if (!manifest) return refuse('presence-malformed');
    const { device, sentAt } = manifest;
    if (deps.isMember?.(device) !== true) return refuse('presence-stranger');
    const isKnown = (): boolean => sentAt <= (passedByDevice.get(device)?.sentAt ?? -1) || device === ownDevice;
    if (isKnown()) return { verdict: 'known', device };
    if (!(await crypto.verify(manifest.key, manifest.signed, manifest.signature))) return refuse('presence-signature');
    if (isKnown()) return { verdict: 'known', device };
    passedByDevice.set(device, { sentAt, heardAt: clock.now() });
    // A neighbour's own word over its link is newer than what goes round.
    if (!links.of(device)) {
      const offers = manifest.offers.filter(({ name }) => deps.isKnown(name));
      bus.registry.setRemote(device, offers, clock.now(), manifest.about);
    }
    return { verdict: 'news', device };
  };

  const leave = (device: string): void => {
    if (links.of(device)) return;
    heardByDevice.delete(device);
    // Given up for want of need: it is still there, and what it offers goes round.
    if (deps.spread?.isParted(device))
      return void passedByDevice.set(device, {
        sentAt: passedByDevice.get(device)?.sentAt ?? -1,
        heardAt: clock.now(),
      });
    passedByDevice.delete(device);
    bus.registry.remove(device);
  };

  /** What goes round of a device counts for three of its turns. */
  const lookAtPassed = (): void => {
    const ttlMs = 3 * (deps.spread?.everyMs() ?? 0);
    for (const [device, { heardAt }] of passedByDevice) {
      if (links.of(device)) continue;
      if (Math.abs(clock.now() - heardAt) <= ttlMs && deps.isMember?.(device) === true)
        bus.registry.touch(device, clock.now());
      else {
        passedByDevice.delete(device);
        bus.registry.remove(device);
      }
    }
  };

  /** Every frame of a link keeps its device's offers fresh; who was not heard for 90 s offers nothing more. */
  const look = (): void => {
    for (const device of heardByDevice.keys()) {
      const heardAt = deps.lastHeardAt(device);
      if (heardAt === null) leave(device);
      else if (clock.now() - heardAt > limits.presenceTtlMs) bus.registry.remove(device);
      else bus.registry.touch(device, heardAt);
    }
    lookAtPassed();
  };

  return {
    take,
    takePassed,
    /** Somebody who may hear it has not heard it yet. */
    sendSoon,
    start: () => {
      if (isStarted) return;
      isStarted = true;
      // The registry also changes when a neighbour's manifest comes; answering that with ours would never end.
      stops.add(bus.registry.onChange(() => JSON.stringify(own()) !== told && sendSoon()));
      stops.add(links.onUp(sendSoon));
      stops.add(links.onDown((link) => leave(link.peer.device)));
      stops.add(every(clock, () => limits.presenceLookMs, look));
      const intervalMs = () => (deps.isSaving() ? limits.presenceSavingIntervalMs : limits.presenceIntervalMs);
      stops.add(every(clock, intervalMs, () => void send()));
    },
    stop: () => {
      isStarted = false;
      stops.run();
      cancelSoon?.();
      cancelSoon = null;
    },
  };
};
