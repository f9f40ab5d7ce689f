import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Event } from './event.ts';

/** A verified event that cannot be stored yet, with the payload that came along. */
export type Arrival = { readonly event: Event; readonly payload: Bytes | null };

/**
 * Where events wait that are right but early: orphans (their lane has a gap before them) and parked ones (their author is
 * not admitted as far as we know). Bounded by count for each author and in all; what does not fit is dropped and comes
 * again with the next sync, because nothing waiting is ever counted as held.
 */
export const createWaitingRoom = () => {
  const orphansByPlace = new Map<string, Map<number, Arrival>>();
  const parkedByAuthor = new Map<string, Arrival[]>();
  let orphanCount = 0;
  let parkedCount = 0;
  return {
    addOrphan: (arrival: Arrival): boolean => {
      const { author, header } = arrival.event;
      const place = `${author} ${header.lane}`;
      const waiting = orphansByPlace.get(place) ?? new Map<number, Arrival>();
      if (waiting.has(header.seq)) return true;
      if (orphanCount >= limits.orphansMax || waiting.size >= limits.orphansPerAuthorMax) return false;
      orphansByPlace.set(place, waiting.set(header.seq, arrival));
      orphanCount += 1;
      return true;
    },
    /** The orphan that fits next, if it is here; it leaves the room. */
    takeOrphan: (author: string, lane: number, seq: number): Arrival | null => {
      const place = `${author} ${lane}`;
      const waiting = orphansByPlace.get(place);
      const arrival = waiting?.get(seq);
      if (!waiting || !arrival) return null;
      waiting.delete(seq);
      orphanCount -= 1;
      if (waiting.size === 0) orphansByPlace.delete(place);
      return arrival;
    },
    park: (arrival: Arrival): boolean => {
      const waiting = parkedByAuthor.get(arrival.event.author) ?? [];
      if (waiting.some(({ event }) => event.id === arrival.event.id)) return true;
      if (parkedCount >= limits.parkedEventsMax || waiting.length >= limits.orphansPerAuthorMax) return false;
      waiting.push(arrival);
      parkedByAuthor.set(arrival.event.author, waiting);
      parkedCount += 1;
      return true;
    },
    takeParked: (author: string): Arrival[] => {
      const waiting = parkedByAuthor.get(author) ?? [];
      parkedByAuthor.delete(author);
      parkedCount -= waiting.length;
      return waiting;
    },
    parkedAuthors: (): string[] => [...parkedByAuthor.keys()],
    counts: () => ({ orphans: orphanCount, parked: parkedCount }),
  };
};
export type WaitingRoom = ReturnType<typeof createWaitingRoom>;
