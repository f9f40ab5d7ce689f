import { hlcToMs } from '../kernel/hlc.ts';
import { areBytesEqual } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import { authorityLane } from '../log/event.ts';
import type { Entry } from '../log/lanes.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import { placeKey } from '../log/receipts.ts';
import { boxedEventBytes, type BoxedEvent } from './box-item.ts';
import type { BoxLedger } from './box-ledger.ts';

export type Here = Pick<Neighbourhood, 'log' | 'membership' | 'receipts'>;

export type Wanted = {
  readonly bytesMax: number;
  readonly nowMs: number;
  /** Up to which seq this device stands in for a lane of which it holds `next` events. */
  until(author: string, lane: number, next: number): number;
};

/** Up to where each lane lies in the box once the events beside it are kept there. */
export type Reached = ReadonlyMap<string, number>;
export type DueBatch = { readonly events: readonly BoxedEvent[]; readonly reached: Reached };

/**
 * What has to go into a box, lane by lane and oldest first, in batches of at most `bytesMax` bytes of events. An event need not when
 * every device of the neighbourhood has signed that it holds it, or when it is older than a relay keeps things; nobody signs for
 * the authority lane, so all of it goes.
 */
export const dueBatches = function* (
  here: Here,
  ledger: Pick<BoxLedger, 'next'>,
  { bytesMax, nowMs, until }: Wanted,
): Generator<DueBatch> {
  let events: BoxedEvent[] = [];
  let reached = new Map<string, number>();
  let bytes = 0;
  const flush = function* (): Generator<DueBatch> {
    if (reached.size > 0) yield { events, reached };
    events = [];
    reached = new Map();
    bytes = 0;
  };
  for (const { author, lane, next: holds } of here.log.heads()) {
    const next = until(author, lane, holds);
    const place = placeKey(author, lane);
    const from = ledger.next(place);
    for (const [seq, entry] of dueOf(here, { author, lane, from, next })) {
      const boxed = { envelope: entry.event.envelope, payload: entry.payload };
      const isLeftOut = isOld(entry, nowMs);
      const size = isLeftOut ? 0 : boxedEventBytes(boxed);
      if (events.length > 0 && (bytes + size > bytesMax || events.length >= limits.boxEventsPerItemMax)) yield* flush();
      // What is longer than any item goes over links only.
      if (!isLeftOut && size <= bytesMax) {
        events.push(boxed);
        bytes += size;
      }
      reached.set(place, seq + 1);
    }
  }
  yield* flush();
};

const isOld = ({ event: { header } }: Entry, nowMs: number): boolean =>
  header.lane !== authorityLane && nowMs - hlcToMs(header.hlc) > limits.mailKeepMs;

type Stretch = { readonly author: string; readonly lane: number; readonly from: number; readonly next: number };

const dueOf = function* (here: Here, { author, lane, from, next }: Stretch): Generator<readonly [number, Entry]> {
  const held = lane === authorityLane ? 0 : heldByAll(here, author, lane);
  let seq = Math.max(from, held);
  while (seq < next) {
    const part = here.log.slice(author, lane, seq, Math.min(next - seq, limits.boxEventsPerItemMax));
    if (part.length === 0) return;
    for (const entry of part) yield [seq++, entry];
  }
};

/** How many leading events of a lane every other device of every member has signed for; the author's own need not. */
export const heldByAll = ({ membership, receipts, log }: Here, author: string, lane: number): number => {
  const others = [...membership().members.values()]
    .flatMap(({ devices }) => devices)
    .filter((device) => device !== author && device !== log.own);
  return receipts.heldBy(others, author, lane);
};

/**
 * Whoever was away while the community's key was changed looks into the old box. There they need the event that opened the next
 * epoch, and what its author wrote before it: no more, because a device that was removed can read there too. `check` is the old key's.
 */
export const untilNextKey = ({ membership, log }: Here, check: Uint8Array): { author: string; next: number } | null => {
  const { epochs } = membership();
  const opened = epochs[epochs.findIndex((epoch) => areBytesEqual(epoch.check, check)) + 1];
  const entry = opened ? log.byId(opened.eventId) : undefined;
  if (!entry) return null;
  const { author, header } = entry.event;
  let next = header.seq + 1;
  // For many devices one event is too short; those behind it repeat the epoch.
  while (log.slice(author, authorityLane, next, 1)[0]?.event.header.kind === header.kind) next += 1;
  return { author, next };
};
