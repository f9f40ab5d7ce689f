import { textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Link } from '../kernel/ports/links.ts';
import type { SpreadTree } from '../kernel/ports/spread.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Entry } from '../log/lanes.ts';
import type { Asking } from './asking.ts';
import { encodeFrame } from './frames.ts';
import { createToldReceipts } from './told-receipts.ts';

type LivePushDeps = {
  readonly clock: Clock;
  readonly log: Pick<EventLog, 'slice' | 'next' | 'digestAt'>;
  readonly tree: SpreadTree;
  readonly mayLane: (lane: number) => boolean;
  readonly asking: Pick<Asking, 'knows' | 'learn'>;
  /** False before the neighbour has said what it holds: until then nothing is pushed. */
  readonly isReady: () => boolean;
};

/** A frame is sent before it grows over this; one event may be larger alone. */
const frameBytes = 56 * 1024;

/**
 * What is passed on to one neighbour where not everybody is linked with everybody: new events at once where this link belongs to the
 * tree of their author; elsewhere the heads that name them, and the newest receipts, travel with the next signs of life.
 */
export const createLivePush = (link: Link, { clock, log, tree, mayLane, asking, isReady }: LivePushDeps) => {
  /** Places with news this neighbour may lack, and since when. */
  const newsByPlace = new Map<string, { readonly author: string; readonly lane: number; readonly at: number }>();
  const receiptsByDevice = new Map<string, Bytes>();
  const told = createToldReceipts();

  const noteNews = (author: string, lane: number): void => {
    const place = `${author} ${lane}`;
    if (!newsByPlace.has(place) && newsByPlace.size < limits.stateVectorEntriesMax)
      newsByPlace.set(place, { author, lane, at: clock.now() });
  };

  /** False when the link takes no more: what was not handed over is told of later. */
  const push = (author: string, lane: number, from: number, to: number): boolean => {
    let events: { envelope: Bytes; payload: Bytes | null }[] = [];
    let [bytes, next] = [0, from];
    const flush = (): boolean => {
      if (events.length > 0 && !link.send('sync', encodeFrame({ type: 'push', events }))) return false;
      asking.learn(author, lane, next);
      [events, bytes] = [[], 0];
      return true;
    };
    for (const { event, payload } of log.slice(author, lane, from, to - from)) {
      const size = event.envelope.length + (payload?.length ?? 0);
      if (bytes + size > frameBytes && !flush()) return false;
      events.push({ envelope: event.envelope, payload });
      bytes += size;
      next += 1;
    }
    return flush();
  };

  const passPlace = (author: string, lane: number, next: number): void => {
    const known = asking.knows(author, lane);
    if (!mayLane(lane) || known >= next) return;
    const mayPush = isReady() && tree.isEager(author, link) && next - known <= limits.pushGapMax;
    if (!mayPush || !push(author, lane, known, next)) noteNews(author, lane);
  };

  /** Only what is old enough that the tree must have brought it, and what this neighbour has not shown to hold meanwhile. */
  const takeHeads = (room: number) => {
    const heads = [];
    for (const [place, { author, lane, at }] of newsByPlace) {
      if (Math.abs(clock.now() - at) < limits.haveAfterMs) continue;
      if (heads.length >= limits.haveHeadsMax || (heads.length + 1) * headBytes > room) break;
      newsByPlace.delete(place);
      const next = log.next(author, lane);
      const digest = log.digestAt(author, lane, next);
      const device = textToBytes(author);
      if (mayLane(lane) && digest && device && next > asking.knows(author, lane))
        heads.push({ author: device, lane, next, digest });
    }
    return heads;
  };

  const takeRiders = (room: number): Uint8Array[] => {
    const heads = takeHeads(room);
    const frames = heads.length > 0 ? [encodeFrame({ type: 'heads', heads })] : [];
    let used = frames.reduce((total, frame) => total + frame.length + frameHeadBytes, 0);
    for (const [device, receipt] of receiptsByDevice) {
      const frame = encodeFrame({ type: 'receipt', receipt });
      if (used + frame.length + frameHeadBytes > room) break;
      receiptsByDevice.delete(device);
      told.note(receipt);
      frames.push(frame);
      used += frame.length + frameHeadBytes;
    }
    return frames;
  };

  return {
    pass: (entries: readonly Entry[]): void => {
      const nextByPlace = new Map<string, { author: string; lane: number; next: number }>();
      for (const { event } of entries) {
        const { author, header } = event;
        const place = `${author} ${header.lane}`;
        const next = Math.max(header.seq + 1, nextByPlace.get(place)?.next ?? 0);
        nextByPlace.set(place, { author, lane: header.lane, next });
      }
      for (const { author, lane, next } of nextByPlace.values()) passPlace(author, lane, next);
    },
    /** The newest of a device replaces the one that still waits. */
    noteReceipt: (device: string, receipt: Bytes): void => {
      if (told.has(receipt)) return;
      if (receiptsByDevice.has(device) || receiptsByDevice.size < limits.overlayTreesMax)
        receiptsByDevice.set(device, receipt);
    },
    /** It has gone over this link, either way. */
    noteTold: told.note,
    close: link.rides('sync', takeRiders),
  };
};
export type LivePush = ReturnType<typeof createLivePush>;

/** The most a head takes in its frame, and what stands before each frame that rides. */
const headBytes = 80;
const frameHeadBytes = 8;
