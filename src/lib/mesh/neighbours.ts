import type { HelloPeer, HelloSelf } from '../crypto/hello.ts';
import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Link, LinkPeer, Links } from '../kernel/ports/links.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Carrier, PipeWay, Transport } from '../kernel/ports/transport.ts';
import { createLink, linkTimings, type LiveLink } from './link.ts';
import { shakeHands } from './handshake.ts';

/** A place to meet, and what Hello mixes in there. */
export type Meeting = { readonly tag: string; readonly key: Bytes; readonly psk: Bytes };

/** Somebody who knows an invite's secret and has proven a device key: at the door, not a neighbour. */
export type Guest = { readonly link: LiveLink; readonly peer: HelloPeer; readonly transcript: Bytes };

/** A place of strangers that this device is at: one of its own invites, or the door it knocks at. A pairing ends there, too. */
export type StrangersPlace = Pick<Meeting, 'key' | 'psk'> & {
  /** The device whose door it is when this one knocks; null at a door of its own. */
  readonly inviter: string | null;
  /** Hello over a carrier that came about without the transport; null when it failed. */
  take(carrier: Carrier, isThem: (device: string) => Promise<boolean>): Promise<Guest | null>;
};

export type NeighboursDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: CryptoPort;
  readonly transport: Transport;
  readonly self: () => HelloSelf;
  readonly onRefused: (reason: string) => void;
  /** Why a proven device may not be a neighbour (it was removed, say); null when it may. */
  readonly barOf?: (device: string, person: string) => string | null;
  /** Tells a barred device why, then ends its link. */
  readonly onBarred?: (guest: Guest, reason: string) => void;
  /** Somebody, a member or not, has told their clock (ms since 1970) in Hello; the whole of Hello took so long. */
  /** May there be a link to this device? Asked for those that have none; without it up to `limits.linksMax`. */
  readonly wants?: (device: string) => boolean;
  /** False while no further neighbour is looked for. */
  readonly seeks?: () => boolean;
  readonly onClock?: (person: string, clockMs: number, roundTripMs: number) => void;
};

/**
 * The links of this node. Everybody enters through `meet...`, proves themselves by Hello, and is then either a neighbour
 * (in `links`) or a guest (told to whoever opened the meeting). One link a device: a newer one replaces the older.
 */
export const createNeighbours = (deps: NeighboursDeps) => {
  const { clock, random, crypto, transport } = deps;
  const linksByDevice = new Map<string, LiveLink>();
  const guestsByLink = new Map<string, Guest>();
  const strangersPlaces = new Set<StrangersPlace>();
  const upListeners = new Set<(link: Link) => void>();
  const guestGoneListeners = new Set<(guest: Guest) => void>();
  const downListeners = new Set<(link: Link, reason: string) => void>();
  const selfDevice = () => bytesToText(deps.self().certificate.device);

  const onDown = (link: LiveLink, reason: string): void => {
    const guest = guestsByLink.get(link.id);
    guestsByLink.delete(link.id);
    if (guest) for (const listener of guestGoneListeners) listener(guest);
    if (linksByDevice.get(link.peer.device) !== link) return;
    linksByDevice.delete(link.peer.device);
    for (const listener of downListeners) listener(link, reason);
    // What fell as soon as it stood (turned away, say) falls again: that way back has its pauses, which looking at once would end.
    if (clock.now() - link.since >= limits.shortLinkMs && reason !== 'replaced') transport.probe();
  };

  /**
   * Two devices that met at two places at once have two fresh links: both ends keep the one with the smaller id. One over a server
   * stands back behind a direct one, whichever came first.
   */
  const isTwin = (older: LiveLink, newer: LiveLink): boolean => {
    if (!older.isOpen || clock.now() - older.since >= limits.twinLinksMs) return false;
    const [isOlderRelayed, isNewerRelayed] = [older.kind === 'relay', newer.kind === 'relay'];
    return isOlderRelayed === isNewerRelayed ? older.id < newer.id : isNewerRelayed;
  };

  const admit = (link: LiveLink): void => {
    if (!link.isOpen) return;
    const older = linksByDevice.get(link.peer.device);
    guestsByLink.delete(link.id);
    if (older === link) return;
    if (older && isTwin(older, link)) return link.close('replaced');
    older?.close('replaced');
    linksByDevice.set(link.peer.device, link);
    for (const listener of upListeners) listener(link);
  };

  const greet = async (
    carrier: Carrier,
    psk: Bytes,
    isExpected: (device: string) => boolean | Promise<boolean>,
  ): Promise<Guest | null> => {
    const startedAt = clock.now();
    const shaken = await shakeHands(carrier, clock, {
      crypto,
      self: deps.self(),
      psk,
      binding: carrier.binding,
      nowMs: clock.now,
    });
    if (!shaken.ok) {
      deps.onRefused(shaken.error);
      return null;
    }
    const { peer, transcript, carrier: proven, takeOver } = shaken.value;
    const device = bytesToText(peer.certificate.device);
    if (!(await isExpected(device))) {
      deps.onRefused('hello-unexpected-device');
      carrier.close();
      return null;
    }
    const person = bytesToText(peer.certificate.root);
    deps.onClock?.(person, peer.clockMs, Math.max(0, clock.now() - startedAt));
    const id = bytesToText(transcript.slice(0, 16));
    const link = createLink({
      clock,
      carrier: proven,
      id,
      peer: { device, person, name: peer.name, build: peer.build },
      onDown,
    });
    takeOver(link);
    const bar = deps.barOf?.(device, person) ?? null;
    if (bar === null) return { link, peer, transcript };
    deps.onRefused(`hello-${bar}`);
    deps.onBarred?.({ link, peer, transcript }, bar);
    return null;
  };

  /** A neighbour who announces itself although we hold a link to it may have lost its end: ask the old link for a sign of life. */
  const wantsNeighbour = (device: string, way: PipeWay): boolean => {
    if (device === selfDevice()) return false;
    const link = linksByDevice.get(device);
    if (link?.kind === 'relay' && way === 'direct') return true;
    if (!link) return linksByDevice.size < limits.linksMax && deps.wants?.(device) !== false;
    link.probe();
    return false;
  };

  const meetCommunity = ({ tag, key, psk }: Meeting): (() => void) =>
    transport.meet({
      tag,
      key,
      selfId: selfDevice(),
      wants: wantsNeighbour,
      seeks: () => deps.seeks?.() !== false,
      onCarrier: (carrier, participant) => {
        void greet(carrier, psk, (device) => device === participant).then((guest) => guest && admit(guest.link));
      },
    });

  const meetStrangers = (
    { tag, key, psk }: Meeting,
    inviter: string | null,
    onGuest: (guest: Guest) => void,
  ): (() => void) => {
    const most = inviter === null ? limits.guestLinksMax : 1;
    const own = new Set<LiveLink>();
    const take: StrangersPlace['take'] = async (carrier, isThem) => {
      const isExpected = async (device: string): Promise<boolean> =>
        (inviter === null || device === inviter) && (await isThem(device));
      const guest = await greet(carrier, psk, isExpected);
      if (!guest) return null;
      own.add(guest.link);
      for (const link of own) if (!link.isOpen) own.delete(link);
      guestsByLink.set(guest.link.id, guest);
      onGuest(guest);
      return guest;
    };
    const place: StrangersPlace = { key, psk, inviter, take };
    strangersPlaces.add(place);
    const leave = transport.meet({
      tag,
      key,
      selfId: bytesToText(random.bytes(32)),
      wants: () => [...own].filter((link) => link.isOpen).length < most,
      onCarrier: (carrier) => void take(carrier, async () => true),
    });
    return () => {
      strangersPlaces.delete(place);
      leave();
    };
  };

  /** A carrier from a pairing: at a place of strangers as any that came about there, else as among members. */
  const greetPaired = async (
    carrier: Carrier,
    psk: Bytes,
    place: StrangersPlace | null,
    isThem: (device: string) => Promise<boolean>,
  ): Promise<LinkPeer | null> => {
    const guest = await (place ? place.take(carrier, isThem) : greet(carrier, psk, isThem));
    if (guest && !place) admit(guest.link);
    return guest?.link.peer ?? null;
  };

  const links: Links = {
    all: () => [...linksByDevice.values()],
    of: (device) => linksByDevice.get(device) ?? null,
    onUp: (listener) => {
      upListeners.add(listener);
      return () => void upListeners.delete(listener);
    },
    onDown: (listener) => {
      downListeners.add(listener);
      return () => void downListeners.delete(listener);
    },
  };
  return {
    links,
    live: (): readonly LiveLink[] => [...linksByDevice.values()],
    meetCommunity,
    /** Where strangers are met now. */
    strangersPlaces: (): readonly StrangersPlace[] => [...strangersPlaces],
    greetPaired,
    /** The inviter's side of an invite: whoever knows the secret may stand at the door. */
    meetGuests: (meeting: Meeting, onGuest: (guest: Guest) => void) => meetStrangers(meeting, null, onGuest),
    /** The newcomer's side: only the inviter's own device is believed. */
    meetInviter: (meeting: Meeting, inviter: string, onInviter: (guest: Guest) => void) =>
      meetStrangers(meeting, inviter, onInviter),
    onGuestGone: (listener: (guest: Guest) => void): (() => void) => {
      guestGoneListeners.add(listener);
      return () => void guestGoneListeners.delete(listener);
    },
    /** A guest has become a neighbour (or, for a newcomer, the inviter's link may carry the log). */
    admit,
    /** The page woke or the network changed: every link must show a sign of life now, also those of whoever stands at the door. */
    wake: (): void => {
      const guests = [...guestsByLink.values()].map(({ link }) => link);
      for (const link of [...linksByDevice.values(), ...guests]) link.probe(linkTimings.wakeProbeMs);
      transport.probe();
    },
    stop: (): void => {
      for (const link of [...linksByDevice.values(), ...[...guestsByLink.values()].map((guest) => guest.link)])
        link.close('stopped');
      transport.stop();
    },
  };
};
export type Neighbours = ReturnType<typeof createNeighbours>;
