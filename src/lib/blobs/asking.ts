import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Link } from '../kernel/ports/links.ts';
import { encodeBulk, type BulkRefusal, type Place } from './bulk-frames.ts';

/** Who is told what became of an ask: its bytes, or why there are none. */
export type Taker = {
  came(at: Place, bytes: Bytes): void;
  refused(at: Place, reason: BulkRefusal): void;
};

const minuteMs = 60_000;

/**
 * What is asked of one neighbour and not answered yet. Bytes that nobody asked for are dropped unread and counted; who sends many
 * of them loses the link. What was taken back may still be on its way: it is taken once, quietly.
 */
export const createAsking = (deps: {
  readonly clock: Clock;
  readonly link: Link;
  readonly onRefused: (reason: string) => void;
}) => {
  const { clock, link, onRefused } = deps;
  const open = new Map<string, Taker>();
  const takenBack = new Map<string, Taker>();
  let minute = { startedAt: clock.now(), unasked: 0 };
  const keyOf = (cid: string, at: Place): string => `${cid} ${at ?? 'manifest'}`;

  const noteUnasked = (): void => {
    onRefused('bulk-unasked');
    if (Math.abs(clock.now() - minute.startedAt) >= minuteMs) minute = { startedAt: clock.now(), unasked: 0 };
    minute.unasked += 1;
    if (minute.unasked > limits.bulkUnaskedMax) link.close('bulk-flood');
  };
  const close = (cid: string, at: Place): Taker | undefined => {
    const key = keyOf(cid, at);
    const taker = open.get(key) ?? takenBack.get(key);
    open.delete(key);
    takenBack.delete(key);
    return taker;
  };

  return {
    device: link.peer.device,
    hasRoom: (): boolean => link.isOpen && open.size < limits.bulkChunksAskedMax,
    /** False when the link would not take it: nothing is asked then. */
    ask: (cid: string, at: Place, taker: Taker): boolean => {
      if (!link.send('bulk', encodeBulk({ t: 'ask', cid, at }))) return false;
      open.set(keyOf(cid, at), taker);
      takenBack.delete(keyOf(cid, at));
      return true;
    },
    /** Takes asks back: the other side stops as soon as it hears so. */
    cancel: (cid: string, places: readonly Place[], isAll: boolean): void => {
      for (const at of places) {
        const taker = open.get(keyOf(cid, at));
        if (!taker) continue;
        open.delete(keyOf(cid, at));
        if (takenBack.size < limits.bulkAsksWaitingMax * 4) takenBack.set(keyOf(cid, at), taker);
        if (!isAll) link.send('bulk', encodeBulk({ t: 'cancel', cid, at }));
      }
      if (isAll) link.send('bulk', encodeBulk({ t: 'cancel', cid }));
    },
    took: (cid: string, at: Place, bytes: Bytes): void => {
      const taker = close(cid, at);
      if (taker) taker.came(at, bytes);
      else noteUnasked();
    },
    refused: (cid: string, at: Place, reason: BulkRefusal): void => close(cid, at)?.refused(at, reason),
    openCount: (): number => open.size,
  };
};
export type Asking = ReturnType<typeof createAsking>;
