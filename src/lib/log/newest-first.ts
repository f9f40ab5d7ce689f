import { compareEntries } from './effect.ts';
import type { EventLog } from './event-log.ts';
import type { Entry } from './lanes.ts';

/** A place in the order of all views: (hlc, author, lane, seq). */
export type ViewPlace = { readonly hlc: number; readonly author: string; readonly lane: number; readonly seq: number };

/**
 * Every entry of the lanes that `isWanted`, last of the view order first, from just before `from` on. Only what is taken is read:
 * lanes are merged from their ends.
 */
export const newestFirst = function* (
  log: Pick<EventLog, 'heads' | 'slice' | 'hlcs'>,
  isWanted: (lane: number) => boolean,
  from: ViewPlace | null = null,
): Generator<Entry, undefined> {
  const cursors = log
    .heads()
    .filter(({ lane }) => isWanted(lane))
    .map(({ author, lane }) => openCursor(log, author, lane, from));
  for (;;) {
    let newest: Cursor | null = null;
    let newestEntry: Entry | undefined;
    for (const cursor of cursors) {
      const entry = cursor.peek();
      if (entry && (!newestEntry || compareEntries(entry, newestEntry) > 0)) [newest, newestEntry] = [cursor, entry];
    }
    if (!newest || !newestEntry) return;
    newest.take();
    yield newestEntry;
  }
};

type Cursor = { peek(): Entry | undefined; take(): void };

/** From the end of a lane to its beginning. A lane whose hlc went back somewhere is sorted: its order is not that of the view. */
const openCursor = (
  log: Pick<EventLog, 'slice' | 'hlcs'>,
  author: string,
  lane: number,
  from: ViewPlace | null,
): Cursor => {
  const hlcs = log.hlcs(author, lane);
  const isSorted = hlcs.every((hlc, seq) => seq === 0 || (hlcs[seq - 1] ?? 0) <= hlc);
  const order = isSorted
    ? null
    : Uint32Array.from(hlcs.keys()).sort((a, b) => (hlcs[a] ?? 0) - (hlcs[b] ?? 0) || a - b);
  const seqAt = (at: number): number => order?.[at] ?? at;
  let left = hlcs.length;
  if (from) while (left > 0 && !isBefore(hlcs[seqAt(left - 1)] ?? 0, author, lane, seqAt(left - 1), from)) left -= 1;
  let current: Entry | undefined;
  return {
    peek: () => (left === 0 ? undefined : (current ??= log.slice(author, lane, seqAt(left - 1), 1)[0])),
    take: () => {
      left -= 1;
      current = undefined;
    },
  };
};

const isBefore = (hlc: number, author: string, lane: number, seq: number, place: ViewPlace): boolean =>
  (hlc - place.hlc ||
    (author < place.author ? -1 : author > place.author ? 1 : 0) ||
    lane - place.lane ||
    seq - place.seq) < 0;
