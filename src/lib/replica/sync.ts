import { limits } from '../kernel/limits.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Link, Links } from '../kernel/ports/links.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';
import type { EventLog, Stored } from '../log/event-log.ts';
import { authorityLane } from '../log/event.ts';
import { createOwnWatch, type OwnAhead } from './own-watch.ts';
import { createSyncSession, type SyncSession } from './sync-session.ts';

export type SyncDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: EventLog;
  readonly links: Links;
  /** False for a device that holds the community's key and is not (yet) in our fold: it gets the authority lane only. */
  readonly isMember: (device: string) => boolean;
  readonly onReceipt: (receipt: Bytes, from: string) => void;
  /** True when a link stands to every device of the fold: what others wrote then reaches everybody without our telling. */
  readonly isLinkedToAll: () => boolean;
  /** Receipts to tell a neighbour when a link comes up. */
  readonly knownReceipts: () => readonly Bytes[];
  /** A neighbour has shown events this device has signed and does not hold: its disk was rolled back, or its key is elsewhere too. */
  readonly onOwnAhead?: (kind: OwnAhead) => void;
};

/** `held` of the `known` events are here; the rest is being fetched. */
export type SyncProgress = { readonly held: number; readonly known: number };

const lazyTellMs = 250;

/** Keeps this node's log equal to its neighbours': one session a link, live push, lazy heads, anti-entropy. */
export const createSync = (
  deps: SyncDeps,
): Startable & {
  /** Hands a receipt to the links it matters to now; to the others it is told by and by when it is our own (`isOwn`). */
  sendReceipt(receipt: Bytes, matters: (link: Link) => boolean, isOwn: boolean): void;
  /** Tells and believes nothing on this link any more, though it stands a moment longer. */
  forget(link: Link): void;
  refusals(): ReadonlyMap<string, number>;
  /** Counts what admitted devices wrote outside of the authority lane, as far as neighbours say that they hold it. */
  progress(): SyncProgress | null;
} => {
  const { crypto, clock, random, log, links } = deps;
  const sessionsByLink = new Map<string, SyncSession>();
  const refusedByReason = new Map<string, number>();
  const stops = createStops();
  /** Links over which events came whose payloads have not followed yet. */
  const lackingFrom = new Set<string>();
  /** Links whose device has not been told the receipts we know. */
  const untoldLinks = new Set<string>();
  /** Links that have not been told our own newest receipt, because it says nothing of what their device wrote. */
  const behindLinks = new Set<string>();
  let ownReceipt: Bytes | null = null;
  let hasOwnNews = false;
  let hasRebuilt = false;
  let cancelLazy: (() => void) | null = null;

  const ownWatch = createOwnWatch({ clock, log, isLink: (id) => sessionsByLink.has(id), onAhead: deps.onOwnAhead });

  const attach = (link: Link): void => {
    const session = createSyncSession(link, {
      crypto,
      clock,
      log,
      mayLane: (lane) => lane === authorityLane || deps.isMember(link.peer.device),
      onRefused: (reason) => void refusedByReason.set(reason, (refusedByReason.get(reason) ?? 0) + 1),
      onReceipt: (receipt) => deps.onReceipt(receipt, link.id),
      onHeads: (heads, isAll) => ownWatch.onHeads(link.id, heads, isAll),
      onIdle: () => ownWatch.onIdle(link.id),
    });
    sessionsByLink.set(link.id, session);
    ownWatch.onUp(link.id);
    untoldLinks.add(link.id);
    tellReceipts();
  };

  /** Receipts say who holds how much of whom, so they go to members only: to a newcomer as soon as the fold knows them. */
  const tellReceipts = (): void => {
    for (const linkId of untoldLinks) {
      const session = sessionsByLink.get(linkId);
      if (!session || !deps.isMember(session.link.peer.device)) continue;
      untoldLinks.delete(linkId);
      session.tellProofs();
      for (const receipt of deps.knownReceipts()) session.sendReceipt(receipt);
    }
  };

  const onStored = ({ entries, source, isRebuilt }: Stored): void => {
    const isOwn = source === null;
    ownWatch.onStored(entries, source);
    hasRebuilt ||= isRebuilt;
    // An admission may open month lanes to a neighbour who saw the authority lane only, so heads are told again.
    for (const [linkId, session] of sessionsByLink) if (isOwn && linkId !== source) session.push(entries);
    if (source !== null && entries.some(({ payload }) => !payload)) lackingFrom.add(source);
    hasOwnNews ||= isOwn;
    if (cancelLazy) return;
    cancelLazy = clock.after(lazyTellMs + randomInt(random, lazyTellMs), () => {
      cancelLazy = null;
      const mustTell = hasOwnNews || hasRebuilt || !deps.isLinkedToAll();
      if (mustTell) for (const session of sessionsByLink.values()) session.tellHeads(hasRebuilt);
      hasOwnNews = false;
      hasRebuilt = false;
      // A payload that came while its event was parked was dropped: nothing waiting counts as held.
      for (const linkId of lackingFrom) sessionsByLink.get(linkId)?.askMissing();
      lackingFrom.clear();
      tellReceipts();
    });
  };

  const tellOne = (): void => {
    const sessions = [...sessionsByLink.values()];
    const session = sessions[randomInt(random, Math.max(1, sessions.length))];
    session?.tellHeads(true);
    if (!session || !ownReceipt || untoldLinks.has(session.link.id)) return;
    // Told again also where it was sent before: a full link refuses frames, and no newer receipt may come.
    behindLinks.delete(session.link.id);
    session.sendReceipt(ownReceipt);
  };

  const forget = (link: Link): void => {
    sessionsByLink.get(link.id)?.close();
    sessionsByLink.delete(link.id);
    ownWatch.onDown(link.id);
    untoldLinks.delete(link.id);
    behindLinks.delete(link.id);
  };

  return {
    forget,
    start: () => {
      stops.add(log.onStored(onStored));
      // To everybody at once: whoever sent us a twin knows of no fork, and who sent the proof is not told it.
      stops.add(
        log.onProof((proof) => {
          ownWatch.onProof(proof);
          for (const session of sessionsByLink.values()) session.tellProof(proof);
        }),
      );
      stops.add(
        log.onResigned(({ id }, source) => {
          const entry = log.byId(id);
          for (const [linkId, session] of sessionsByLink) if (entry && linkId !== source) session.resend(entry);
        }),
      );
      stops.add(links.onUp(attach));
      stops.add(links.onDown(forget));
      for (const link of links.all()) attach(link);
      stops.add(every(clock, () => limits.antiEntropyMs + randomInt(random, limits.antiEntropyMs / 4), tellOne));
    },
    stop: () => {
      stops.run();
      ownWatch.close();
      cancelLazy?.();
      cancelLazy = null;
      for (const session of sessionsByLink.values()) session.close();
      sessionsByLink.clear();
      untoldLinks.clear();
      behindLinks.clear();
    },
    sendReceipt: (receipt, matters, isOwn) => {
      if (isOwn) ownReceipt = receipt;
      for (const [linkId, session] of sessionsByLink) {
        if (untoldLinks.has(linkId)) continue;
        if (matters(session.link)) {
          session.sendReceipt(receipt);
          if (isOwn) behindLinks.delete(linkId);
        } else if (isOwn) behindLinks.add(linkId);
      }
    },
    refusals: () => refusedByReason,
    progress: () => {
      const asked = [...sessionsByLink.values()].flatMap((session) => session.asked() ?? []);
      return asked.length > 0 ? progressOf(log, asked) : null;
    },
  };
};

const progressOf = (log: EventLog, asked: readonly ReadonlyMap<string, number>[]): SyncProgress | null => {
  const knownByPlace = new Map<string, number>();
  for (const [place, next] of asked.flatMap((theirs) => [...theirs]))
    knownByPlace.set(place, Math.max(next, knownByPlace.get(place) ?? 0));
  let held = 0;
  let known = 0;
  for (const [place, next] of knownByPlace) {
    const [author = '', lane = ''] = place.split(' ');
    if (Number(lane) === authorityLane || !log.isAdmitted(author)) continue;
    const ours = log.next(author, Number(lane));
    held += ours;
    known += Math.max(ours, next);
  }
  return held < known ? { held, known } : null;
};
