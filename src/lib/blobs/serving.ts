import { limits } from '../kernel/limits.ts';
import type { Blobs } from '../kernel/ports/blobs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Link } from '../kernel/ports/links.ts';
import { encodeBulk, type BulkFrame, type BulkRefusal, type Place } from './bulk-frames.ts';
import type { LentBlobs } from './lent-blobs.ts';

export type ServingDeps = {
  readonly clock: Clock;
  readonly link: Link;
  readonly blobs: Blobs;
  /** Asked for every frame: somebody who was removed meanwhile gets nothing more. */
  readonly mayServe: (device: string) => boolean;
  readonly onRefused: (reason: string) => void;
  /** What is given to this device alone, for a call that runs (lent-blobs.ts). */
  readonly lent?: Pick<LentBlobs, 'read'> | undefined;
  /** Whether what is shared is given now at all; asked for every chunk. Always when absent. */
  readonly isGiving?: (() => boolean) | undefined;
  readonly bytesPerMinuteMax?: number;
};

type Ask = { readonly cid: string; readonly at: Place };
const minuteMs = 60_000;
const tellHaveMs = 1_000;

/**
 * Gives one neighbour what it asks for, one chunk after the other, each only when the link's queue is short: what is cancelled has
 * not been read yet. Only shared blobs are given, and everything else looks as if it were not here. Bounded by what waits at
 * once and by bytes a minute, so that one neighbour cannot keep the disk from the others.
 */
export const createServing = (deps: ServingDeps) => {
  const { clock, link, blobs, mayServe, onRefused, bytesPerMinuteMax = limits.bulkBytesPerMinuteMax } = deps;
  const waiting: Ask[] = [];
  /** Blobs this neighbour asked for lately, newest last: it is told when more of them is here. */
  const interests = new Set<string>();
  const toTell = new Set<string>();
  let minute = { startedAt: clock.now(), bytes: 0 };
  let isServing = false;
  let isClosed = false;
  let cancelTelling = (): void => {};

  const send = (frame: BulkFrame): boolean => link.send('bulk', encodeBulk(frame));
  const refuse = ({ cid, at }: Ask, reason: BulkRefusal): void => {
    onRefused(`bulk-${reason}`);
    send({ t: 'refuse', cid, at, reason });
  };
  const isGiven = (cid: string): boolean => deps.isGiving?.() !== false && blobs.view(cid)?.isShared === true;
  const isSpent = (): boolean => {
    if (Math.abs(clock.now() - minute.startedAt) >= minuteMs) minute = { startedAt: clock.now(), bytes: 0 };
    return minute.bytes >= bytesPerMinuteMax;
  };

  const read = async ({ cid, at }: Ask): Promise<Bytes | null> => {
    const lent = deps.lent?.read(link.peer.device, cid, at) ?? null;
    if (lent || !isGiven(cid)) return lent;
    if (at === null) return blobs.manifest(cid);
    const chunk = await blobs.readChunk(cid, at);
    return chunk.ok ? chunk.value : null;
  };

  const serve = async (): Promise<void> => {
    if (isServing) return;
    isServing = true;
    try {
      await serveAll();
    } catch (error) {
      onRefused(error instanceof Error ? `bug: ${error.message}` : 'bug');
    } finally {
      isServing = false;
    }
  };
  const serveAll = async (): Promise<void> => {
    for (let ask = waiting[0]; ask !== undefined; ask = waiting[0]) {
      await link.drained('bulk');
      // While the queue was long the ask may have been taken back, and another one be first.
      if (waiting[0] !== ask) continue;
      waiting.shift();
      if (isSpent()) {
        refuse(ask, 'too-fast');
        continue;
      }
      const bytes = await read(ask);
      if (!mayServe(link.peer.device)) waiting.length = 0;
      if (!mayServe(link.peer.device) || isClosed) return;
      if (!bytes) {
        refuse(ask, 'not-here');
        continue;
      }
      minute.bytes += bytes.length;
      if (!send({ t: 'chunk', cid: ask.cid, at: ask.at, bytes })) onRefused('bulk-not-sent');
      if (ask.at === null) tellHave(ask.cid);
    }
  };

  const tellHave = (cid: string): void => {
    const bitmap = isGiven(cid) ? blobs.bitmap(cid) : null;
    if (bitmap && !isClosed && mayServe(link.peer.device)) send({ t: 'have', cid, bitmap });
  };

  return {
    ask: (ask: Ask): void => {
      if (!mayServe(link.peer.device)) return onRefused('bulk-not-a-member');
      if (waiting.length >= limits.bulkAsksWaitingMax) return refuse(ask, 'busy');
      if (waiting.some(({ cid, at }) => cid === ask.cid && at === ask.at)) return onRefused('bulk-asked-twice');
      interests.delete(ask.cid);
      if (isGiven(ask.cid)) interests.add(ask.cid);
      for (const oldest of interests) {
        if (interests.size <= limits.bulkInterestsMax) break;
        interests.delete(oldest);
      }
      waiting.push({ cid: ask.cid, at: ask.at });
      void serve();
    },
    cancel: ({ cid, at }: { readonly cid: string; readonly at?: Place }): void => {
      if (at === undefined) interests.delete(cid);
      for (let index = waiting.length - 1; index >= 0; index--) {
        const ask = waiting[index];
        if (ask?.cid === cid && (at === undefined || ask.at === at)) waiting.splice(index, 1);
      }
    },
    /** A chunk came here; whoever is after this blob hears of it within a second. */
    noteChunk: (cid: string): void => {
      if (!interests.has(cid)) return;
      toTell.add(cid);
      if (toTell.size > 1) return;
      cancelTelling = clock.after(tellHaveMs, () => {
        for (const each of toTell) tellHave(each);
        toTell.clear();
      });
    },
    waitingCount: (): number => waiting.length,
    close: (): void => {
      isClosed = true;
      cancelTelling();
      waiting.length = 0;
    },
  };
};
export type Serving = ReturnType<typeof createServing>;
