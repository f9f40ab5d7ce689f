import { textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { EventLog } from './event-log.ts';
import type { Cut } from './intent.ts';

/**
 * What is held of these devices' lanes, as an act against them names it: everything known here counts, nothing later does.
 * Where there are more lanes than an act may name, the oldest months are named last and fall out.
 */
export const cutsOf = (
  log: Pick<EventLog, 'heads'>,
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
    .map(({ author, lane, next, digest }) => ({
      device: textToBytes(author) ?? new Uint8Array(32),
      lane,
      count: next,
      digest,
    }));
