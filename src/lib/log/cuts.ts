import { textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { EventLog } from './event-log.ts';
import type { Cut } from './intent.ts';

type CutLog = Pick<EventLog, 'heads' | 'digestAt' | 'slice' | 'frozenSince' | 'isBelowPin'>;

/**
 * How many leading events of a lane count, of `most`: not those that a frozen device wrote from its fork on, as naming them would
 * pin them, and they would count again.
 */
export const countingOf = (
  log: Omit<CutLog, 'heads' | 'digestAt'>,
  author: string,
  lane: number,
  most: number,
): number => {
  const since = log.frozenSince(author);
  if (since === null) return most;
  const frozenAt = log
    .slice(author, lane, 0, most)
    .findIndex(({ event: { header } }) => header.hlc >= since && !log.isBelowPin(author, lane, header.seq));
  return frozenAt === -1 ? most : frozenAt;
};

/**
 * What is held of these devices' lanes and counts, as an act against them names it: all of that stays, nothing later does.
 * Where there are more lanes than an act may name, the oldest months are named last and fall out.
 */
export const cutsOf = (
  log: CutLog,
  devices: readonly string[],
  isOfInterest: (lane: number) => boolean = () => true,
): Cut[] =>
  log
    .heads()
    .filter(({ author, lane, next }) => next > 0 && devices.includes(author) && isOfInterest(lane))
    .toSorted(
      (a, b) => Number(b.lane === 0) - Number(a.lane === 0) || b.lane - a.lane || (a.author < b.author ? -1 : 1),
    )
    .slice(0, limits.cutsMax)
    .map(({ author, lane, next, digest }) => {
      const count = countingOf(log, author, lane, next);
      return {
        device: textToBytes(author) ?? new Uint8Array(32),
        lane,
        count,
        digest: count === next ? digest : (log.digestAt(author, lane, count) ?? new Uint8Array(32)),
      };
    });
