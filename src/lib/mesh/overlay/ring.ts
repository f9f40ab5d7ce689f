import { sha256Now } from '../../crypto/sha256.ts';
import { utf8 } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';

const places = 2 ** 53;

/**
 * Places of devices on a ring that is another one in every epoch: the hash of epoch and device, so that nobody chooses whose
 * neighbour they are for long and everybody who knows the same devices draws the same ring.
 */
export const createRing = (epoch: () => string) => {
  let drawnIn = '';
  const placeByDevice = new Map<string, number>();

  const placeOf = (device: string): number => {
    const now = epoch();
    if (now !== drawnIn || placeByDevice.size > 2 * limits.overlayKnownMax) placeByDevice.clear();
    drawnIn = now;
    const known = placeByDevice.get(device);
    if (known !== undefined) return known;
    const hash = sha256Now(utf8(`HN-RING1 ${now} ${device}`));
    const place = Number(new DataView(hash.buffer).getBigUint64(0) >> 11n);
    placeByDevice.set(device, place);
    return place;
  };

  /** The one before and the one after `self` among these devices; one of two, none of nobody. */
  const neighboursOf = (self: string, devices: Iterable<string>): ReadonlySet<string> => {
    const own = placeOf(self);
    let before = { device: '', way: Number.POSITIVE_INFINITY };
    let after = before;
    for (const device of devices) {
      if (device === self) continue;
      const place = placeOf(device);
      const ahead = place >= own ? place - own : place - own + places;
      if (ahead < after.way) after = { device, way: ahead };
      if (places - ahead < before.way) before = { device, way: places - ahead };
    }
    return new Set([before.device, after.device].filter((device) => device !== ''));
  };
  /** True for one of so many pairs, the same few for everybody: not each of a crowd offers a link to each newcomer. */
  const isChosen = (self: string, device: string, oneOf: number): boolean =>
    ((placeOf(self) % oneOf) + (placeOf(device) % oneOf)) % oneOf === 0;
  return { neighboursOf, isChosen };
};
export type Ring = ReturnType<typeof createRing>;
