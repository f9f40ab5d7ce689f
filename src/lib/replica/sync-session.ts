import { bytesToText, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Link } from '../kernel/ports/links.ts';
import type { SpreadTree } from '../kernel/ports/spread.ts';
import { parseEvent, type Event } from '../log/event.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Incoming } from '../log/intake.ts';
import type { Entry, Head } from '../log/lanes.ts';
import type { Share } from '../log/newcomers.ts';
import { answerFrames, payloadFrames, type Span } from './answer.ts';
import { createAsking } from './asking.ts';
import { rootName } from './canonical.ts';
import { encodeFrame, isForMail, parseFrame, type SyncFrame } from './frames.ts';
import { guardUpdate, type GuardedStruct } from './guard.ts';
import { createLinkQueue } from './link-queue.ts';
import { createLivePace } from './live-pace.ts';
import { createLivePush } from './live-push.ts';
import { createToldProofs } from './told-proofs.ts';
import { previewOf } from './preview.ts';

export type SessionDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly log: EventLog;
  /** Which lanes this neighbour may see and give: somebody who is not yet in the fold gets the authority lane only. */
  readonly mayLane: (lane: number) => boolean;
  /** Whose budget a device's live pushes draw on. */
  readonly shareOf: (author: string) => Share;
  readonly onRefused: (reason: string) => void;
  readonly onReceipt: (receipt: Bytes) => void;
  /** The neighbour has told heads; `isAll` with the last frame of them. */
  readonly onHeads: (heads: readonly Head[], isAll: boolean) => void;
  /** What the neighbour claimed to hold has been asked for, and has come or has not. */
  readonly onIdle: () => void;
  /** How news spreads where not everybody is linked with everybody. */
  readonly tree: SpreadTree;
};

const headsPerFrame = 512;

/**
 * Sync with one neighbour over one link: tell heads and fork proofs, ask for lanes one at a time, answer what is asked, push
 * what is new. Frames are worked off in the order they came.
 */
export const createSyncSession = (link: Link, deps: SessionDeps) => {
  const { log, clock, crypto, mayLane, tree } = deps;
  /** Months of which the newest events were sent ahead: once a link is enough. */
  const previewedLanes = new Set<number>();
  const pace = createLivePace(clock, { wantLane: (lane) => asking.want(lane), shareOf: deps.shareOf });
  let hasHeads = false;

  const send = (frame: SyncFrame): boolean => link.send('sync', encodeFrame(frame));
  const askPayloads = (): void => {
    const ids = log.missingPayloads(limits.wantIdsMax).flatMap((id) => textToBytes(id) ?? []);
    if (ids.length > 0) send({ type: 'want', ids });
  };
  const proofs = createToldProofs({ ...deps, send: (proof) => void send({ type: 'proof', proof }) });
  const asking = createAsking({
    log,
    clock,
    mayLane,
    send: (lane, clocks) => void send({ type: 'ask', lane, clocks }),
    onIdle: () => {
      askPayloads();
      deps.onIdle();
    },
  });

  const live = createLivePush(link, { clock, log, tree, mayLane, asking, isReady: () => hasHeads });

  const sendHeads = (heads: readonly Head[]): void => {
    const shown = heads.filter(({ lane }) => mayLane(lane));
    for (let at = 0; at === 0 || at < shown.length; at += headsPerFrame) {
      const part = shown.slice(at, at + headsPerFrame);
      const frame = part.map(({ author, lane, next, digest }) => ({
        author: textToBytes(author) ?? new Uint8Array(0),
        lane,
        next,
        digest,
      }));
      send({ type: 'heads', heads: frame });
    }
  };

  const onHeads = (frame: Extract<SyncFrame, { type: 'heads' }>): void => {
    const heads = frame.heads.map((head) => ({ ...head, author: bytesToText(head.author) }));
    if (hasHeads) noteMissed(heads);
    hasHeads = true;
    asking.onHeads(heads);
    deps.onHeads(heads, heads.length < headsPerFrame);
  };

  /** Old news, told with a sign of life, that no tree has brought here. */
  const noteMissed = (heads: readonly Head[]): void => {
    if (!tree.isNeeded()) return;
    for (const { author, lane, next } of heads)
      if (next > log.next(author, lane) && log.isAdmitted(author)) tree.missed(author, link);
  };

  const sendSpans = async (
    lane: number,
    spans: readonly Span[],
    isGiven?: (entry: Entry) => boolean,
  ): Promise<boolean> => {
    for (const frame of answerFrames(log, lane, spans, isGiven)) {
      await link.drained('sync');
      if (!link.send('sync', frame)) return false;
    }
    return true;
  };

  /** Devices that lost their place in the document go in frames of their own, and only to who speaks of authors, not of clients. */
  const answer = async ({ lane, clocks }: Extract<SyncFrame, { type: 'ask' }>): Promise<void> => {
    if (!mayLane(lane)) return deps.onRefused('lane-forbidden');
    const spans: Span[] = [];
    const collided: Span[] = [];
    for (const { author, next } of log.heads().filter((head) => head.lane === lane)) {
      const client = log.clientOf(author, lane);
      const isCollided = log.isCollided(author, lane);
      if (isCollided && (client === 0 || !hasHeads)) continue;
      const from = isCollided ? asking.knows(author, lane) : (clocks.get(client) ?? 0);
      asking.learn(author, lane, from);
      if (from < next) (isCollided ? collided : spans).push({ author, client, from, to: next });
    }
    const preview = previewOf(log, lane, previewedLanes.has(lane) ? [] : spans);
    if (preview.parts.length > 0) previewedLanes.add(lane);
    for (const part of preview.parts) if (!(await sendSpans(lane, part))) return;
    for (const part of [spans, ...collided.map((span) => [span])])
      if (!(await sendSpans(lane, part, preview.holds))) return;
    for (const { author, to } of [...spans, ...collided]) asking.learn(author, lane, to);
    send({ type: 'update', lane, update: emptyUpdate, isLast: true });
  };

  const onUpdate = async ({ lane, update, isLast }: Extract<SyncFrame, { type: 'update' }>): Promise<void> => {
    if (mayLane(lane)) await takeUpdate(lane, update);
    else deps.onRefused('lane-forbidden');
    if (isLast) asking.onAnswered(lane);
  };

  const takeUpdate = async (lane: number, update: Bytes): Promise<void> => {
    const guarded = guardUpdate(update);
    if (!guarded.ok) return deps.onRefused(guarded.error);
    const incoming: Incoming[] = [];
    for (const struct of guarded.value) {
      const event = await parseEvent(crypto, struct.envelope);
      if (!event.ok) return deps.onRefused(event.error);
      if (!isAtItsPlace(struct, event.value, lane)) return deps.onRefused('struct-event-mismatch');
      const { author, header, envelope } = event.value;
      // What is over the pace of live pushes is left where it is and asked for later, with its payload.
      if (!asking.isAsking(lane) && !pace.takes(author, lane, envelope.length + header.payloadSize)) continue;
      asking.learn(author, lane, header.seq + 1);
      incoming.push({ envelope: struct.envelope, payload: null });
    }
    if (incoming.length === 0) return;
    const taken = await log.receive(incoming, link.id);
    if (!taken.ok) return deps.onRefused(taken.error);
    for (const { reason } of taken.value.refused) deps.onRefused(reason);
  };

  const onPush = async ({ events }: Extract<SyncFrame, { type: 'push' }>): Promise<void> => {
    const incoming: Incoming[] = [];
    const authors = new Set<string>();
    for (const { envelope, payload } of events) {
      const event = await parseEvent(crypto, envelope);
      if (!event.ok) return deps.onRefused(event.error);
      const { author, header } = event.value;
      if (!mayLane(header.lane)) return deps.onRefused('lane-forbidden');
      if (!pace.takes(author, header.lane, envelope.length + header.payloadSize)) continue;
      asking.learn(author, header.lane, header.seq + 1);
      authors.add(author);
      incoming.push({ envelope, payload });
    }
    if (incoming.length === 0) return;
    const taken = await log.receive(incoming, link.id);
    if (!taken.ok) return deps.onRefused(taken.error);
    const { ready, refused, waiting } = taken.value;
    for (const { reason } of refused) deps.onRefused(reason);
    if (refused.length > 0) return;
    for (const author of authors)
      tree.heard(author, link, waiting > 0 || ready.some(({ event }) => event.author === author));
  };

  const isAtItsPlace = (
    { client, clock: seq, root }: GuardedStruct,
    { header, author }: Event,
    lane: number,
  ): boolean =>
    header.lane === lane &&
    header.seq === seq &&
    client === log.clientOf(author, lane) &&
    (root === null || root === rootName(author));

  const onFrame = async (bytes: Uint8Array): Promise<void> => {
    if (isForMail(bytes)) return; // mail listens on the same channel
    const frame = parseFrame(bytes);
    if (!frame.ok) return deps.onRefused(frame.error);
    if (frame.value.type === 'heads') return onHeads(frame.value);
    if (frame.value.type === 'ask') return answer(frame.value);
    if (frame.value.type === 'update') return onUpdate(frame.value);
    if (frame.value.type === 'push') return onPush(frame.value);
    if (frame.value.type === 'receipt') {
      live.noteTold(frame.value.receipt);
      return deps.onReceipt(frame.value.receipt);
    }
    if (frame.value.type === 'proof') return proofs.take(frame.value.proof, link.id);
    if (frame.value.type === 'certify') return; // for linking, which listens on the same channel
    if (frame.value.type === 'bye') return link.close(`bye:${frame.value.reason}`);
    if (frame.value.type === 'want') return givePayloads(frame.value.ids);
    const payloads = frame.value.payloads.map(({ id, payload }) => ({ id: bytesToText(id), payload }));
    const taken = await log.receivePayloads(payloads, link.id);
    if (!taken.ok) deps.onRefused(taken.error);
  };

  const givePayloads = async (ids: readonly Bytes[]): Promise<void> => {
    const entries = ids
      .flatMap((id) => log.byId(bytesToText(id)) ?? [])
      .filter(({ event }) => mayLane(event.header.lane));
    for (const frame of payloadFrames(entries)) {
      await link.drained('sync');
      link.send('sync', frame);
    }
  };

  const sendEntry = (entry: Entry): void => {
    const { author, header } = entry.event;
    const { lane, seq } = header;
    const span = { author, client: log.clientOf(author, lane), from: seq, to: seq + 1 };
    if (span.client === 0) return;
    for (const frame of answerFrames({ slice: () => [entry] }, lane, [span])) link.send('sync', frame);
  };

  const queue = createLinkQueue(link, { clock, onFrame, onRefused: deps.onRefused });
  sendHeads(log.heads());
  proofs.tellAll();
  return {
    link,
    /** Own events go at once; what came from others is only told (lazy "I have"), so that nothing is sent n x n times. */
    push: (entries: readonly Entry[]): void => {
      for (const entry of entries) {
        const { author, header } = entry.event;
        if (!mayLane(header.lane) || asking.knows(author, header.lane) !== header.seq) continue;
        asking.learn(author, header.lane, header.seq + 1);
        sendEntry(entry);
      }
    },
    /** What is new here goes on from neighbour to neighbour. */
    pass: live.pass,
    noteReceipt: live.noteReceipt,
    /** Sends an event again whose bytes have changed. */
    resend: (entry: Entry): void => {
      const { author, header } = entry.event;
      if (mayLane(header.lane) && asking.knows(author, header.lane) > header.seq) sendEntry(entry);
    },
    /** Tells the heads the neighbour does not seem to know; all of them when `all` (anti-entropy). */
    tellHeads: (all: boolean) => {
      const heads = log.heads().filter(({ author, lane, next }) => all || next > asking.knows(author, lane));
      if (heads.length > 0) sendHeads(heads);
    },
    tellProof: proofs.tell,
    tellProofs: proofs.tellAll,
    /** Asks for payloads that should have come by now; while a lane is being asked for they may still be on their way. */
    askMissing: () => {
      if (!asking.isAsking()) askPayloads();
    },
    asked: asking.asked,
    isAsking: () => asking.isAsking(),
    sendReceipt: (receipt: Bytes): void => {
      if (send({ type: 'receipt', receipt })) live.noteTold(receipt);
    },
    close: () => {
      asking.close();
      pace.close();
      live.close();
      queue.close();
    },
  };
};
export type SyncSession = ReturnType<typeof createSyncSession>;

const emptyUpdate: Bytes = Uint8Array.of(0, 0);
