import { bytesToText, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Link } from '../kernel/ports/links.ts';
import { authorityLane, isLane, parseEvent } from '../log/event.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Incoming } from '../log/intake.ts';
import type { Entry, Head } from '../log/lanes.ts';
import { answerFrames, payloadFrames, type Span } from './answer.ts';
import { encodeFrame, parseFrame, type SyncFrame } from './frames.ts';
import { guardUpdate } from './guard.ts';
import { rootName } from './canonical.ts';

export type SessionDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly clientOf: (author: string, lane: number) => Promise<number>;
  /** Which lanes this neighbour may see and give: somebody who is not yet in the fold gets the authority lane only. */
  readonly mayLane: (lane: number) => boolean;
  readonly onRefused: (reason: string) => void;
  readonly onReceipt: (receipt: Bytes) => void;
};

const askTimeoutMs = 20_000;

/**
 * Sync with one neighbour over one link: tell heads, ask for lanes one at a time (authority first, then newest months
 * first), answer what is asked, push what is new. Frames are worked off in the order they came.
 */
export const createSyncSession = (link: Link, deps: SessionDeps) => {
  const { log, clock, crypto } = deps;
  const theirNext = new Map<string, number>();
  const wantedLanes = new Set<number>();
  let asking: { lane: number; cancelTimer: () => void } | null = null;
  let work: Promise<void> = Promise.resolve();
  let queuedBytes = 0;
  let minute = { startedAt: clock.now(), frames: 0 };
  let isClosed = false;

  const knows = (author: string, lane: number): number => theirNext.get(`${author} ${lane}`) ?? 0;
  const learn = (author: string, lane: number, next: number): void => {
    // Bounded: a liar who names ever new places is believed only for the first of them.
    if (
      next > knows(author, lane) &&
      (theirNext.has(`${author} ${lane}`) || theirNext.size < limits.stateVectorEntriesMax)
    )
      theirNext.set(`${author} ${lane}`, next);
  };

  const sendHeads = (heads: readonly Head[]): void => {
    const shown = heads.filter(({ lane }) => deps.mayLane(lane));
    for (let at = 0; at === 0 || at < shown.length; at += 512) {
      const part = shown.slice(at, at + 512);
      const frame = part.map(({ author, lane, next, digest }) => ({
        author: textToBytes(author) ?? new Uint8Array(0),
        lane,
        next,
        digest,
      }));
      link.send('sync', encodeFrame({ type: 'heads', heads: frame }));
    }
  };

  const onHeads = ({ heads }: Extract<SyncFrame, { type: 'heads' }>): void => {
    for (const { author, lane, next } of heads) {
      const text = bytesToText(author);
      learn(text, lane, next);
      if (next > log.next(text, lane) && isLane(lane) && deps.mayLane(lane)) wantedLanes.add(lane);
    }
    void askNext();
  };

  const askNext = async (): Promise<void> => {
    if (asking || isClosed) return;
    const lane = wantedLanes.has(authorityLane) ? authorityLane : [...wantedLanes].toSorted((a, b) => b - a)[0];
    if (lane === undefined) return askPayloads();
    wantedLanes.delete(lane);
    const cancelTimer = clock.after(askTimeoutMs, () => {
      asking = null;
      void askNext();
    });
    asking = { lane, cancelTimer };
    const clocks = new Map<number, number>();
    for (const head of log.heads())
      if (head.lane === lane) clocks.set(await deps.clientOf(head.author, lane), head.next);
    link.send('sync', encodeFrame({ type: 'ask', lane, clocks }));
  };

  const askPayloads = (): void => {
    const ids = log.missingPayloads(limits.wantIdsMax).flatMap((id) => textToBytes(id) ?? []);
    if (ids.length > 0) link.send('sync', encodeFrame({ type: 'want', ids }));
  };

  const answer = async ({ lane, clocks }: Extract<SyncFrame, { type: 'ask' }>): Promise<void> => {
    if (!deps.mayLane(lane)) return deps.onRefused('lane-forbidden');
    const spans: Span[] = [];
    for (const { author, next } of log.heads().filter((head) => head.lane === lane)) {
      const client = await deps.clientOf(author, lane);
      const from = clocks.get(client) ?? 0;
      learn(author, lane, from);
      if (from < next) spans.push({ author, client, from, to: next });
    }
    for (const frame of answerFrames(log, lane, spans)) {
      await link.drained('sync');
      if (!link.send('sync', frame)) return;
    }
    for (const { author, to } of spans) learn(author, lane, to);
    link.send('sync', encodeFrame({ type: 'update', lane, update: emptyUpdate, isLast: true }));
  };

  const onUpdate = async ({ lane, update, isLast }: Extract<SyncFrame, { type: 'update' }>): Promise<void> => {
    if (deps.mayLane(lane)) await takeUpdate(lane, update);
    else deps.onRefused('lane-forbidden');
    if (isLast && asking?.lane === lane) {
      asking.cancelTimer();
      asking = null;
      await askNext();
    }
  };

  const takeUpdate = async (lane: number, update: Bytes): Promise<void> => {
    const guarded = guardUpdate(update);
    if (!guarded.ok) return deps.onRefused(guarded.error);
    const incoming: Incoming[] = [];
    for (const { client, clock: seq, root, envelope } of guarded.value) {
      const event = await parseEvent(crypto, envelope);
      if (!event.ok) return deps.onRefused(event.error);
      const { header, author } = event.value;
      const isAtItsPlace =
        header.lane === lane &&
        header.seq === seq &&
        client === (await deps.clientOf(author, lane)) &&
        (root === null || root === rootName(author));
      if (!isAtItsPlace) return deps.onRefused('struct-event-mismatch');
      learn(author, lane, seq + 1);
      incoming.push({ envelope, payload: null });
    }
    if (incoming.length === 0) return;
    const taken = await log.receive(incoming, link.id);
    if (!taken.ok) return deps.onRefused(taken.error);
    for (const { reason } of taken.value.refused) deps.onRefused(reason);
  };

  const onFrame = async (bytes: Uint8Array): Promise<void> => {
    const frame = parseFrame(bytes);
    if (!frame.ok) return deps.onRefused(frame.error);
    if (frame.value.type === 'heads') return onHeads(frame.value);
    if (frame.value.type === 'ask') return answer(frame.value);
    if (frame.value.type === 'update') return onUpdate(frame.value);
    if (frame.value.type === 'receipt') return deps.onReceipt(frame.value.receipt);
    if (frame.value.type === 'bye') return link.close(`bye:${frame.value.reason}`);
    if (frame.value.type === 'want') return givePayloads(frame.value.ids);
    const payloads = frame.value.payloads.map(({ id, payload }) => ({ id: bytesToText(id), payload }));
    const taken = await log.receivePayloads(payloads, link.id);
    if (!taken.ok) deps.onRefused(taken.error);
  };

  const givePayloads = async (ids: readonly Bytes[]): Promise<void> => {
    const entries = ids
      .flatMap((id) => log.byId(bytesToText(id)) ?? [])
      .filter(({ event }) => deps.mayLane(event.header.lane));
    for (const frame of payloadFrames(entries)) {
      await link.drained('sync');
      link.send('sync', frame);
    }
  };

  const hasBudget = (): boolean => {
    if (clock.now() - minute.startedAt >= 60_000) minute = { startedAt: clock.now(), frames: 0 };
    minute.frames += 1;
    return minute.frames <= limits.linkFramesPerMinuteMax;
  };

  /** Own events go at once; what came from others is only told (lazy "I have"), so that nothing is sent n x n times. */
  const push = async (entries: readonly Entry[]): Promise<void> => {
    for (const { event, payload } of entries) {
      const { lane, seq } = event.header;
      if (!deps.mayLane(lane) || knows(event.author, lane) !== seq) continue;
      learn(event.author, lane, seq + 1);
      const span = { author: event.author, client: await deps.clientOf(event.author, lane), from: seq, to: seq + 1 };
      for (const frame of answerFrames({ slice: () => [{ event, payload }] }, lane, [span])) link.send('sync', frame);
    }
  };

  const stopFrames = link.onFrame('sync', (bytes) => {
    if (!hasBudget()) return deps.onRefused('link-budget');
    queuedBytes += bytes.length;
    if (queuedBytes > limits.syncQueueBytesMax) {
      deps.onRefused('link-queue');
      return link.close('sync-queue-full');
    }
    work = work
      .then(() => (isClosed ? undefined : onFrame(bytes)))
      .catch((error: unknown) => deps.onRefused(error instanceof Error ? `bug: ${error.message}` : 'bug'))
      .finally(() => {
        queuedBytes -= bytes.length;
      });
  });
  sendHeads(log.heads());
  return {
    link,
    push,
    /** Tells the heads the neighbour does not seem to know; all of them when `all` (anti-entropy). */
    tellHeads: (all: boolean) => {
      const heads = log.heads().filter(({ author, lane, next }) => all || next > knows(author, lane));
      if (heads.length > 0) sendHeads(heads);
    },
    /** Asks for payloads that should have come by now; while a lane is being asked for they may still be on their way. */
    askMissing: () => {
      if (!asking && !isClosed) askPayloads();
    },
    sendReceipt: (receipt: Bytes) => void link.send('sync', encodeFrame({ type: 'receipt', receipt })),
    close: () => {
      isClosed = true;
      asking?.cancelTimer();
      stopFrames();
    },
  };
};
export type SyncSession = ReturnType<typeof createSyncSession>;

const emptyUpdate: Bytes = Uint8Array.of(0, 0);
