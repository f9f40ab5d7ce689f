import type { HelloPeer, HelloSelf } from '../crypto/hello.ts';
import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Link, Links } from '../kernel/ports/links.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Carrier, Transport } from '../kernel/ports/transport.ts';
import { createLink, type LiveLink } from './link.ts';
import { shakeHands } from './handshake.ts';

/** A place to meet, and what Hello mixes in there. */
export type Meeting = { readonly tag: string; readonly key: Bytes; readonly psk: Bytes };

/** Somebody who knows an invite's secret and has proven a device key: at the door, not a neighbour. */
export type Guest = { readonly link: LiveLink; readonly peer: HelloPeer; readonly transcript: Bytes };

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
    transport.probe();
  };

  /** Two devices that met at two places at once have two fresh links: both ends keep the one with the smaller id. */
  const isTwin = (older: LiveLink, newer: LiveLink): boolean =>
    older.isOpen && clock.now() - older.since < limits.twinLinksMs && older.id < newer.id;

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
    isExpected: (device: string) => boolean,
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
    const { peer, transcript, takeOver } = shaken.value;
    const device = bytesToText(peer.certificate.device);
    if (!isExpected(device)) {
      deps.onRefused('hello-unexpected-device');
      carrier.close();
      return null;
    }
    const person = bytesToText(peer.certificate.root);
    deps.onClock?.(person, peer.clockMs, Math.max(0, clock.now() - startedAt));
    const id = bytesToText(transcript.slice(0, 16));
    const link = createLink({
      clock,
      carrier,
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
  const wantsNeighbour = (device: string): boolean => {
    if (device === selfDevice()) return false;
    const link = linksByDevice.get(device);
    if (!link) return linksByDevice.size < limits.linksMax;
    link.probe();
    return false;
  };

  const meetCommunity = ({ tag, key, psk }: Meeting): (() => void) =>
    transport.meet({
      tag,
      key,
      selfId: selfDevice(),
      wants: wantsNeighbour,
      onCarrier: (carrier, participant) => {
        void greet(carrier, psk, (device) => device === participant).then((guest) => guest && admit(guest.link));
      },
    });

  const meetStrangers = (
    { tag, key, psk }: Meeting,
    isExpected: (device: string) => boolean,
    most: number,
    onGuest: (guest: Guest) => void,
  ): (() => void) => {
    const own = new Set<LiveLink>();
    return transport.meet({
      tag,
      key,
      selfId: bytesToText(random.bytes(32)),
      wants: () => [...own].filter((link) => link.isOpen).length < most,
      onCarrier: (carrier) => {
        void greet(carrier, psk, isExpected).then((guest) => {
          if (!guest) return;
          own.add(guest.link);
          for (const link of own) if (!link.isOpen) own.delete(link);
          guestsByLink.set(guest.link.id, guest);
          onGuest(guest);
        });
      },
    });
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
    /** The inviter's side of an invite: whoever knows the secret may stand at the door. */
    meetGuests: (meeting: Meeting, onGuest: (guest: Guest) => void) =>
      meetStrangers(meeting, () => true, limits.guestLinksMax, onGuest),
    /** The newcomer's side: only the inviter's own device is believed. */
    meetInviter: (meeting: Meeting, inviter: string, onInviter: (guest: Guest) => void) =>
      meetStrangers(meeting, (device) => device === inviter, 1, onInviter),
    onGuestGone: (listener: (guest: Guest) => void): (() => void) => {
      guestGoneListeners.add(listener);
      return () => void guestGoneListeners.delete(listener);
    },
    /** A guest has become a neighbour (or, for a newcomer, the inviter's link may carry the log). */
    admit,
    /** The page woke or the network changed: every link must show a sign of life now. */
    wake: (): void => {
      for (const link of linksByDevice.values()) link.probe();
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
