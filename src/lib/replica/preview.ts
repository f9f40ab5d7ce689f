import { limits } from '../kernel/limits.ts';
import { authorityLane } from '../log/event.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Entry } from '../log/lanes.ts';
import type { Span } from './answer.ts';

/** What is sent ahead of an answer, part by part, and whether an event's payload goes with it. */
export type Preview = { readonly parts: readonly (readonly Span[])[]; readonly holds: (entry: Entry) => boolean };

/**
 * The newest events of what a neighbour lacks of a month, in view order, so that they can be shown while the rest comes from its
 * beginning; nothing where little is missing. The first part fills a screen. Of every author all of it is one run up to the end,
 * also where an author's time went back.
 */
export const previewOf = (log: Pick<EventLog, 'hlcs'>, lane: number, spans: readonly Span[]): Preview => {
  const missing = spans.reduce((total, { from, to }) => total + to - from, 0);
  if (lane === authorityLane || missing <= limits.previewMin) return { parts: [], holds: () => false };
  const ends = spans.map((span) => ({ span, hlcs: log.hlcs(span.author, lane), from: span.to }));
  const takeNewest = (most: number): Span[] => {
    const before = new Map(ends.map((end) => [end, end.from]));
    for (let left = most; left > 0; left--) {
      const newest = newestOf(ends);
      if (newest) newest.from -= 1;
    }
    return ends.flatMap((end) => {
      const to = before.get(end) ?? end.from;
      return end.from < to ? [{ ...end.span, from: end.from, to }] : [];
    });
  };
  const parts = [takeNewest(limits.previewScreenEvents), takeNewest(limits.previewEvents - limits.previewScreenEvents)];
  const fromByAuthor = new Map(ends.map(({ span, from }) => [span.author, from]));
  return {
    parts,
    holds: ({ event }) =>
      event.header.lane === lane && event.header.seq >= (fromByAuthor.get(event.author) ?? Infinity),
  };
};

/** One author's lane, of which everything from `from` on has been taken. */
type End = { readonly span: Span; readonly hlcs: Float64Array; from: number };

/** The lane whose last event that has not been taken is the newest of all. */
const newestOf = (ends: readonly End[]): End | null => {
  let newest: End | null = null;
  for (const end of ends) {
    if (end.from === end.span.from) continue;
    const later = newest ? hlcBefore(end) - hlcBefore(newest) : 1;
    if (newest === null || later > 0 || (later === 0 && end.span.author > newest.span.author)) newest = end;
  }
  return newest;
};

const hlcBefore = ({ hlcs, from }: End): number => hlcs[from - 1] ?? 0;
