import { limits } from '../kernel/limits.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Link, Links } from '../kernel/ports/links.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';
import type { SpreadTree } from '../kernel/ports/spread.ts';
import type { EventLog, Stored } from '../log/event-log.ts';
import { authorityLane } from '../log/event.ts';
import type { Share } from '../log/newcomers.ts';
import { deviceOfReceipt } from '../log/receipts.ts';
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
  /** Whose budget a device's live pushes draw on; without it each device has a whole one. */
  readonly shareOf?: (author: string) => Share;
  readonly onReceipt: (receipt: Bytes, from: string) => void;
  /** True when a link stands to every device of the fold: what others wrote then reaches everybody without our telling. */
  readonly isLinkedToAll: () => boolean;
  /** Receipts to tell a neighbour when a link comes up. */
  readonly knownReceipts: () => readonly Bytes[];
  /** A neighbour has shown events this device has signed and does not hold: its disk was rolled back, or its key is elsewhere too. */
  readonly onOwnAhead?: (kind: OwnAhead) => void;
  /** How news spreads where not everybody is linked with everybody; without it everybody is taken to be. */
  readonly tree?: SpreadTree;
};

/** `held` of the `known` events are here; the rest is being fetched. */
export type SyncProgress = { readonly held: number; readonly known: number };

const lazyTellMs = 250;

/**
 * Keeps this node's log equal to its neighbours': one session a link, live push, lazy heads, anti-entropy. In a small neighbourhood
 * own events go to everybody and what came from others is told of soon; in a larger one both go along the author's tree.
 */
export const createSync = (
  deps: SyncDeps,
): Startable & {
  /** Hands a receipt to the links it matters to now; to the others it is told by and by when it is our own (`isOwn`). */
  sendReceipt(receipt: Bytes, matters: (link: Link) => boolean, isOwn: boolean): void;
  /** A receipt of another device was news: it goes on along that device's tree, with the next signs of life. */
  passReceipt(receipt: Bytes, device: string, from: string): void;
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
  /** Links that were told in the present round of `tellOne`. */
  const hadTurn = new Set<string>();
  let ownReceipt: Bytes | null = null;
  let hasOwnNews = false;
  let hasRebuilt = false;
  let cancelLazy: (() => void) | null = null;
  const tree = deps.tree ?? noTree;

  const ownWatch = createOwnWatch({ clock, log, isLink: (id) => sessionsByLink.has(id), onAhead: deps.onOwnAhead });

  const attach = (link: Link): void => {
    const session = createSyncSession(link, {
      crypto,
      clock,
      log,
      mayLane: (lane) => lane === authorityLane || deps.isMember(link.peer.device),
      shareOf: deps.shareOf ?? wholeShare,
      onRefused: (reason) => void refusedByReason.set(reason, (refusedByReason.get(reason) ?? 0) + 1),
      onReceipt: (receipt) => deps.onReceipt(receipt, link.id),
      onHeads: (heads, isAll) => ownWatch.onHeads(link.id, heads, isAll),
      onIdle: () => ownWatch.onIdle(link.id),
      tree,
    });
    sessionsByLink.set(link.id, session);
    ownWatch.onUp(link.id);
    untoldLinks.add(link.id);
    tellReceipts(false);
  };

  /** Receipts say who holds how much of whom, so they go to members only: to a newcomer as soon as the fold knows them. */
  const tellReceipts = (withHeads: boolean): void => {
    for (const linkId of untoldLinks) {
      const session = sessionsByLink.get(linkId);
      if (!session || !deps.isMember(session.link.peer.device)) continue;
      untoldLinks.delete(linkId);
      session.tellProofs();
      // Its admission has come after its link, and opens the month lanes to it.
      if (withHeads) session.tellHeads(false);
      for (const receipt of deps.knownReceipts()) session.sendReceipt(receipt);
    }
  };

  const onStored = ({ entries, source, isRebuilt }: Stored): void => {
    const isOwn = source === null;
    ownWatch.onStored(entries, source);
    hasRebuilt ||= isRebuilt;
    // An admission may open month lanes to a neighbour who saw the authority lane only, so heads are told again.
    const isPassedOn = tree.isNeeded();
    for (const [linkId, session] of sessionsByLink) {
      if (isPassedOn && linkId !== source) session.pass(entries);
      else if (isOwn) session.push(entries);
    }
    if (source !== null && entries.some(({ payload }) => !payload)) lackingFrom.add(source);
    hasOwnNews ||= isOwn;
    if (cancelLazy) return;
    cancelLazy = clock.after(lazyTellMs + randomInt(random, lazyTellMs), () => {
      cancelLazy = null;
      const isTold = tree.isNeeded();
      const mustTell = hasRebuilt || (!isTold && (hasOwnNews || !deps.isLinkedToAll()));
      if (mustTell) for (const session of sessionsByLink.values()) session.tellHeads(hasRebuilt);
      hasOwnNews = false;
      hasRebuilt = false;
      // A payload that came while its event was parked was dropped: nothing waiting counts as held.
      for (const linkId of lackingFrom) sessionsByLink.get(linkId)?.askMissing();
      lackingFrom.clear();
      tellReceipts(isTold);
    });
  };

  /** By chance, but nobody a second time before everybody had a turn: with ten links chance alone forgot one for twenty minutes. */
  const nextInTurn = (): SyncSession | undefined => {
    if ([...sessionsByLink.keys()].every((id) => hadTurn.has(id))) hadTurn.clear();
    const waiting = [...sessionsByLink].filter(([id]) => !hadTurn.has(id));
    const [id, session] = waiting[randomInt(random, Math.max(1, waiting.length))] ?? [];
    if (id !== undefined) hadTurn.add(id);
    return session;
  };

  /** Where receipts go along trees one may be lost for good with its link, and no newer one may come: all that this neighbour may lack. */
  const tellByAndBy = (session: SyncSession): void => {
    for (const receipt of deps.knownReceipts()) {
      const device = deviceOfReceipt(receipt);
      if (device !== null && device !== log.own && device !== session.link.peer.device)
        session.noteReceipt(device, receipt);
    }
  };

  const tellOne = (): void => {
    const session = nextInTurn();
    session?.tellHeads(true);
    if (!session || untoldLinks.has(session.link.id)) return;
    if (tree.isNeeded()) tellByAndBy(session);
    if (!ownReceipt) return;
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
    hadTurn.delete(link.id);
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
        } else if (isOwn) {
          behindLinks.add(linkId);
          if (tree.isNeeded() && tree.isEager(receiptsOf(log.own), session.link)) session.noteReceipt(log.own, receipt);
        }
      }
    },
    passReceipt: (receipt, device, from) => {
      for (const [linkId, session] of sessionsByLink) {
        if (linkId === from || untoldLinks.has(linkId)) continue;
        if (tree.isEager(receiptsOf(device), session.link)) session.noteReceipt(device, receipt);
      }
    },
    refusals: () => refusedByReason,
    progress: () => {
      const asked = [...sessionsByLink.values()].flatMap((session) => session.asked() ?? []);
      return asked.length > 0 ? progressOf(log, asked) : null;
    },
  };
};

const noTree: SpreadTree = { isNeeded: () => false, isEager: () => true, heard: () => {}, missed: () => {} };
/** Receipts travel with signs of life and so by other ways than events, along a tree of their own. */
export const receiptsOf = (device: string): string => `r${device}`;

const wholeShare = (author: string): Share => ({ holder: author, part: 1 });

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
