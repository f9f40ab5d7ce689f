import { hlcToMs } from '../kernel/hlc.ts';
import { authorityLane } from './event.ts';
import type { EventLog } from './event-log.ts';
import { kindName } from './kinds.ts';
import type { Entry } from './lanes.ts';
import { newestFirst, type ViewPlace } from './newest-first.ts';
import type { ReceiptBook } from './receipt-book.ts';

/** Why events have no effect, by id, as all views together say. */
export type VoidsById = ReadonlyMap<string, string>;

/** What stands at one place of the log. Never what the payload says. */
export type InspectedEntry = {
  readonly eventId: string;
  /** The kind's name, or its number as text where this build does not know it. */
  readonly kind: string;
  readonly device: string;
  readonly lane: number;
  readonly seq: number;
  readonly at: number;
  readonly bytes: number;
  readonly state: 'effective' | 'void' | 'bare' | 'dropped';
  readonly reason: string;
  /** Devices that have signed that they hold it. */
  readonly heldBy: readonly string[];
};

export type InspectionParts = {
  readonly log: EventLog;
  readonly receipts: Pick<ReceiptBook, 'holders'>;
  readonly voids: VoidsById;
};

export type InspectedPage = { readonly entries: readonly InspectedEntry[]; readonly next: string | null };
export type PageWish = {
  readonly before: string | null;
  readonly only: 'all' | 'void' | 'authority';
  readonly limit: number;
};

/** How many events one page looks at before it gives what it has: void ones may lie far apart. */
const lookedAtMax = 20_000;

/** Events newest first, from the cursor of the page before on. */
export const inspectPage = (parts: InspectionParts, { before, only, limit }: PageWish): InspectedPage => {
  const entries: InspectedEntry[] = [];
  let looked = 0;
  let last: Entry | null = null;
  const isWanted = (lane: number): boolean => only !== 'authority' || lane === authorityLane;
  for (const entry of newestFirst(parts.log, isWanted, before === null ? null : parseCursor(before))) {
    if (entries.length >= limit || looked >= lookedAtMax) return { entries, next: last && cursorOf(last) };
    looked += 1;
    last = entry;
    const inspected = inspect(parts, entry);
    if (only !== 'void' || inspected.state !== 'effective') entries.push(inspected);
  }
  return { entries, next: null };
};

const inspect = ({ log, receipts, voids }: InspectionParts, entry: Entry): InspectedEntry => {
  const { event, payload } = entry;
  const { lane, seq, hlc } = event.header;
  const reason = voids.get(event.id) ?? '';
  const missing = log.isDropped(event.id) ? 'dropped' : 'bare';
  return {
    eventId: event.id,
    kind: nameOf(event.header.kind),
    device: event.author,
    lane,
    seq,
    at: hlcToMs(hlc),
    bytes: event.envelope.length + (payload?.length ?? 0),
    state: payload ? (reason === '' ? 'effective' : 'void') : missing,
    reason,
    heldBy: receipts.holders(event.author, lane, seq),
  };
};

export type LogCounts = {
  readonly bytes: number;
  readonly withoutPayload: number;
  readonly dropped: number;
  readonly newestByPlace: ReadonlyMap<string, number>;
  readonly kinds: ReadonlyMap<string, number>;
  readonly voids: ReadonlyMap<string, number>;
};

/** One walk over the whole log. */
export const countLog = ({ log, voids }: InspectionParts): LogCounts => {
  const newestByPlace = new Map<string, number>();
  const kinds = new Map<string, number>();
  const byReason = new Map<string, number>();
  let [bytes, withoutPayload, dropped] = [0, 0, 0];
  for (const { event, payload } of log.all()) {
    const { lane, hlc, kind } = event.header;
    bytes += event.envelope.length + (payload?.length ?? 0);
    if (!payload && log.isDropped(event.id)) dropped += 1;
    else if (!payload) withoutPayload += 1;
    add(kinds, nameOf(kind));
    const place = `${event.author} ${lane}`;
    newestByPlace.set(place, Math.max(newestByPlace.get(place) ?? 0, hlcToMs(hlc)));
    const reason = voids.get(event.id);
    // What is not here at all is counted as such, and once.
    if (payload && reason !== undefined) add(byReason, reason);
  }
  return { bytes, withoutPayload, dropped, newestByPlace, kinds, voids: byReason };
};

const add = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

const nameOf = (kind: number): string => kindName(kind) ?? String(kind);

const cursorOf = ({ event }: Entry): string =>
  `${event.header.hlc} ${event.author} ${event.header.lane} ${event.header.seq}`;

const parseCursor = (text: string): ViewPlace => {
  const [hlc = '0', author = '', lane = '0', seq = '0'] = text.split(' ');
  return { hlc: Number(hlc), author, lane: Number(lane), seq: Number(seq) };
};
