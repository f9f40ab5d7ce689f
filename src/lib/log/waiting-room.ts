import { compareBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Event } from './event.ts';

/** A verified event that cannot be stored yet, with the payload that came along. */
export type Arrival = { readonly event: Event; readonly payload: Bytes | null };

/**
 * Where events wait that are right but early: orphans (their lane has a gap before them) and parked ones (their author is
 * not admitted as far as we know). Bounded by count for each author, over all its lanes, and in all, so that one author keeps
 * nobody else out; what does not fit is dropped and comes again with the next sync, because nothing waiting is ever counted
 * as held. Who looks at what waits leaves it there: it goes when it has been stored.
 */
export const createWaitingRoom = () => {
  const orphansByPlace = new Map<string, Map<number, Arrival>>();
  const parkedByAuthor = new Map<string, Arrival[]>();
  const orphansByAuthor = new Map<string, number>();
  let orphanCount = 0;
  let parkedCount = 0;

  const countOrphan = (author: string, change: 1 | -1): void => {
    orphanCount += change;
    const left = (orphansByAuthor.get(author) ?? 0) + change;
    if (left > 0) orphansByAuthor.set(author, left);
    else orphansByAuthor.delete(author);
  };
  const removeOrphan = (author: string, lane: number, seq: number): void => {
    const place = `${author} ${lane}`;
    const waiting = orphansByPlace.get(place);
    if (!waiting?.delete(seq)) return;
    countOrphan(author, -1);
    if (waiting.size === 0) orphansByPlace.delete(place);
  };
  const takeParked = (author: string): Arrival[] => {
    const waiting = parkedByAuthor.get(author) ?? [];
    parkedByAuthor.delete(author);
    parkedCount -= waiting.length;
    return waiting;
  };
  const all = function* (): Generator<Arrival> {
    for (const waiting of orphansByPlace.values()) yield* waiting.values();
    for (const waiting of parkedByAuthor.values()) yield* waiting;
  };

  return {
    /** What stands at the place then, the arrival or an earlier one; null when there is no room. */
    addOrphan: (arrival: Arrival): Arrival | null => {
      const { author, header } = arrival.event;
      const place = `${author} ${header.lane}`;
      const waiting = orphansByPlace.get(place) ?? new Map<number, Arrival>();
      const known = waiting.get(header.seq);
      if (known) {
        if (known.event.id !== arrival.event.id) return known;
        const merged = mergeArrivals(known, arrival);
        waiting.set(header.seq, merged);
        return merged;
      }
      if (orphanCount >= limits.orphansMax) return null;
      if ((orphansByAuthor.get(author) ?? 0) >= limits.orphansPerAuthorMax) return null;
      orphansByPlace.set(place, waiting.set(header.seq, arrival));
      countOrphan(author, 1);
      return arrival;
    },
    /** The orphan at a place, if it is here. */
    orphanAt: (author: string, lane: number, seq: number): Arrival | null =>
      orphansByPlace.get(`${author} ${lane}`)?.get(seq) ?? null,
    removeOrphan,
    orphans: function* (): Generator<Arrival> {
      for (const waiting of orphansByPlace.values()) yield* waiting.values();
    },
    /** A payload that came after its orphan, already known to belong to it. */
    fillOrphan: ({ event }: Arrival, payload: Bytes): void => {
      const waiting = orphansByPlace.get(`${event.author} ${event.header.lane}`);
      if (waiting?.get(event.header.seq)?.event.id === event.id) waiting.set(event.header.seq, { event, payload });
    },
    park: (arrival: Arrival): boolean => {
      const waiting = parkedByAuthor.get(arrival.event.author) ?? [];
      const at = waiting.findIndex(({ event }) => event.id === arrival.event.id);
      const known = waiting[at];
      if (known) {
        waiting[at] = mergeArrivals(known, arrival);
        return true;
      }
      if (parkedCount >= limits.parkedEventsMax || waiting.length >= limits.orphansPerAuthorMax) return false;
      waiting.push(arrival);
      parkedByAuthor.set(arrival.event.author, waiting);
      parkedCount += 1;
      return true;
    },
    parkedOf: (author: string): readonly Arrival[] => [...(parkedByAuthor.get(author) ?? [])],
    takeParked,
    parkedAuthors: (): string[] => [...parkedByAuthor.keys()],
    /** A payload that came after its event, already known to belong to it. */
    fill: (id: string, payload: Bytes): void => {
      for (const waiting of orphansByPlace.values())
        for (const [seq, { event }] of waiting) if (event.id === id) waiting.set(seq, { event, payload });
      for (const waiting of parkedByAuthor.values())
        for (const [at, { event }] of waiting.entries()) if (event.id === id) waiting[at] = { event, payload };
    },
    all,
    counts: () => ({ orphans: orphanCount, parked: parkedCount }),
  };
};
export type WaitingRoom = ReturnType<typeof createWaitingRoom>;

/** One event that came twice: any payload that came with it, and of two signatures the one whose envelope is smaller. */
export const mergeArrivals = (a: Arrival, b: Arrival): Arrival => ({
  event: compareBytes(a.event.envelope, b.event.envelope) <= 0 ? a.event : b.event,
  payload: a.payload ?? b.payload,
});
