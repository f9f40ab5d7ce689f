import { hlcFromMs, hlcToMs } from '../kernel/hlc.ts';
import { limits } from '../kernel/limits.ts';
import { readEffect, type ReadEffect } from './effect.ts';
import type { EventLog } from './event-log.ts';
import { authorVoid, type RoomFreezes, type RoomPeople } from './room-rules.ts';
import { compareRows, isSaid, readRow, type SaidRow } from './room-rows.ts';

const dayMs = 24 * 3600_000;

/** Whose day a message is counted in: the person, and the UTC day of its hlc. No clock of this device takes part. */
export const quotaDay = (row: Pick<SaidRow, 'device' | 'atMs'>, people: Pick<RoomPeople, 'personOf'>): string =>
  `${people.personOf(row.device) ?? row.device} ${Math.floor(row.atMs / dayMs)}`;

/**
 * Counts messages of each person and day, in view order: true for one that is over the quota. Rows must come in view order, and
 * only those whose author may say something.
 */
export const createDayCounts = (people: Pick<RoomPeople, 'personOf'>) => {
  const countByDay = new Map<string, number>();
  return (row: Pick<SaidRow, 'device' | 'atMs'>): boolean => {
    const day = quotaDay(row, people);
    const count = (countByDay.get(day) ?? 0) + 1;
    countByDay.set(day, count);
    return count > limits.roomMessagesPerDayMax;
  };
};

type QuotaLog = Pick<EventLog, 'heads' | 'slice' | 'hlcs'> & RoomFreezes;

/**
 * The same answer for single rows, without folding the whole room: headers of a day are read only where a person has so many
 * events in it that the quota may bite.
 */
export const createQuotaLookup = (log: QuotaLog, people: RoomPeople, read: ReadEffect = readEffect) => {
  const overByDay = new Map<string, ReadonlySet<string>>();

  const overIn = ({ device, lane, atMs }: SaidRow): ReadonlySet<string> => {
    const person = people.personOf(device);
    const from = hlcFromMs(Math.floor(atMs / dayMs) * dayMs);
    const to = hlcFromMs(hlcToMs(from) + dayMs);
    // A month's lane holds the whole of its days.
    const places = log
      .heads()
      .filter((head) => head.lane === lane && (head.author === device || people.personOf(head.author) === person))
      .flatMap(({ author }) => seqsBetween(log.hlcs(author, lane), from, to).map((seq) => ({ author, seq })));
    if (places.length <= limits.roomMessagesPerDayMax) return none;
    const rows = places.flatMap(({ author, seq }) => {
      const entry = log.slice(author, lane, seq, 1)[0];
      const row = entry && readRow(entry, log.slice(author, lane, seq - 1, 1)[0], read);
      return row && isSaid(row) && authorVoid(row, people, log) === null ? [row] : [];
    });
    rows.sort(compareRows);
    return new Set(rows.slice(limits.roomMessagesPerDayMax).map(({ eventId }) => eventId));
  };

  return (row: SaidRow): boolean => {
    const day = quotaDay(row, people);
    const over = overByDay.get(day) ?? overIn(row);
    overByDay.set(day, over);
    return over.has(row.eventId);
  };
};

const none: ReadonlySet<string> = new Set();

const seqsBetween = (hlcs: Float64Array, from: number, to: number): number[] => {
  const seqs: number[] = [];
  for (const [seq, hlc] of hlcs.entries()) if (hlc >= from && hlc < to) seqs.push(seq);
  return seqs;
};
