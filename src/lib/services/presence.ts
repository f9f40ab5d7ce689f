import { capabilityId, parseCapabilityId } from '../kernel/capability.ts';
import type { Bus } from '../kernel/bus.ts';
import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList, isCborMap, type Cbor } from '../kernel/codec.ts';
import { bytesToText, concatBytes, utf8 } from '../kernel/ids.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import type { Link, Links } from '../kernel/ports/links.ts';
import type { Offer } from '../kernel/registry.ts';

/**
 * The signed manifest of what this device offers (protocol 8): CBOR [body, signature64], body = CBOR
 * [1, device32, clock ms, [[capability id, params, load percent, full]...]], signed over "HN-PRESENCE1" || body.
 * Sent every 30 s and on change; a neighbour's counts 90 s after the last verified frame.
 */
export type PresenceDeps = {
  readonly bus: Bus;
  readonly clock: Clock;
  /** The community's time (ms since 1970), for what is signed; `clock` is the device's own, measures intervals, and serves for both when absent. */
  readonly communityNow?: () => number;
  readonly crypto: CryptoPort;
  readonly signing: SigningKey;
  readonly links: Links;
  readonly broadcast: (presence: Bytes) => void;
  /** Only what others may call is told; `self` capabilities never leave the device. */
  readonly isOffered: (capability: string) => boolean;
  readonly onRefused: (reason: string) => void;
};

const changePauseMs = 200;
const label = utf8('HN-PRESENCE1');

export const createPresence = (
  deps: PresenceDeps,
): Startable & { take(presence: Bytes, link: Link): Promise<void>; sendSoon(): void } => {
  const { bus, clock, crypto, signing, links } = deps;
  const stops = createStops();
  const clockByDevice = new Map<string, number>();
  let cancelSoon: (() => void) | null = null;
  let toldOffers = '';
  let toldAt = 0;

  const ownOffers = (): Offer[] => bus.registry.localOffers().filter(({ name }) => deps.isOffered(name));

  const send = async (): Promise<void> => {
    const offers = ownOffers();
    toldOffers = JSON.stringify(offers);
    // Never backwards, also when the clock was put right: neighbours would take it for a repetition.
    toldAt = Math.max(toldAt + 1, Math.floor((deps.communityNow ?? clock.now)()));
    const body = encodeCbor([
      1,
      signing.publicKey,
      toldAt,
      offers.map((offer) => [capabilityId(offer), offer.params as unknown as Cbor, offer.loadPercent, offer.isFull]),
    ]);
    deps.broadcast(encodeCbor([body, await signing.sign(concatBytes(label, body))]));
  };
  const sendSoon = (): void => {
    cancelSoon ??= clock.after(changePauseMs, () => {
      cancelSoon = null;
      void send();
    });
  };

  const take = async (presence: Bytes, link: Link): Promise<void> => {
    const parsed = parsePresence(presence);
    if (!parsed) return deps.onRefused('presence-malformed');
    const { body, signature, device, sentAt, offers } = parsed;
    // P5: over a link a device speaks for itself only (manifests handed on by others come with "The bus").
    if (bytesToText(device) !== link.peer.device) return deps.onRefused('presence-foreign');
    if (sentAt <= (clockByDevice.get(link.peer.device) ?? -1)) return deps.onRefused('presence-replayed');
    if (!(await crypto.verify(device, concatBytes(label, body), signature)))
      return deps.onRefused('presence-signature');
    clockByDevice.set(link.peer.device, sentAt);
    if (link.isOpen) bus.registry.setRemote(link.peer.device, offers, clock.now());
  };

  return {
    take,
    /** Somebody who may hear it has not heard it yet. */
    sendSoon,
    start: () => {
      // The registry also changes when a neighbour's manifest comes; answering that with ours would never end.
      stops.add(bus.registry.onChange(() => JSON.stringify(ownOffers()) !== toldOffers && sendSoon()));
      stops.add(links.onUp(sendSoon));
      stops.add(
        links.onDown((link) => {
          clockByDevice.delete(link.peer.device);
          if (!links.of(link.peer.device)) bus.registry.remove(link.peer.device);
        }),
      );
      stops.add(
        every(
          clock,
          () => limits.presenceIntervalMs,
          () => void send(),
        ),
      );
    },
    stop: () => {
      stops.run();
      cancelSoon?.();
      cancelSoon = null;
    },
  };
};

const parsePresence = (bytes: Bytes) => {
  if (bytes.length > limits.presenceBytesMax) return null;
  const outer = decodeCbor(bytes);
  if (!outer.ok || !isCborList(outer.value) || outer.value.length !== 2) return null;
  const [body, signature] = outer.value;
  if (!isCborBytes(body) || !isCborBytes(signature, 64)) return null;
  const inner = decodeCbor(body);
  if (!inner.ok || !isCborList(inner.value) || inner.value.length !== 4) return null;
  const [version, device, sentAt, list] = inner.value;
  if (version !== 1 || !isCborBytes(device, 32) || !isCborCount(sentAt) || !isCborList(list) || list.length > 64)
    return null;
  const offers: Offer[] = [];
  for (const item of list) {
    const offer = parseOffer(item);
    if (!offer) return null;
    offers.push(offer);
  }
  return { body, signature, device, sentAt, offers };
};

const parseOffer = (item: Cbor): Offer | null => {
  if (!isCborList(item) || item.length !== 4) return null;
  const [id, params, loadPercent, isFull] = item;
  const capability = typeof id === 'string' ? parseCapabilityId(id) : null;
  if (!capability || !isCborMap(params) || !isCborCount(loadPercent) || typeof isFull !== 'boolean') return null;
  const lists: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(params)) {
    if (!isCborList(values) || values.length > limits.corporaMax) return null;
    const texts = values.filter((value): value is string => typeof value === 'string' && value.length <= 80);
    if (texts.length !== values.length) return null;
    lists[name] = texts;
  }
  return { ...capability, params: lists, loadPercent: Math.min(loadPercent, 100), isFull };
};
