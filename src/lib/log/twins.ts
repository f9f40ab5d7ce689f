import { compareBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Arrival } from './waiting-room.ts';

type Shelved = Arrival & { readonly sources: Set<string> };

/**
 * Verified events that have no place in the log because their lane is forked: twins, what was truncated, what lies beyond the
 * end of a lane. They lie here so that a pin that comes later can bring the right branch back. In memory and bounded: what
 * does not fit, or a restart has cost, comes again from whoever has it stored.
 */
export const createTwins = () => {
  const placesByKey = new Map<string, Map<number, Shelved[]>>();
  const placeById = new Map<string, { readonly place: string; readonly seq: number }>();

  const find = (id: string): Shelved | undefined => {
    const at = placeById.get(id);
    return (
      at &&
      placesByKey
        .get(at.place)
        ?.get(at.seq)
        ?.find(({ event }) => event.id === id)
    );
  };
  const remove = (id: string): void => {
    const at = placeById.get(id);
    const variants = at && placesByKey.get(at.place)?.get(at.seq);
    if (!at || !variants) return;
    const rest = variants.filter(({ event }) => event.id !== id);
    if (rest.length > 0) placesByKey.get(at.place)?.set(at.seq, rest);
    else placesByKey.get(at.place)?.delete(at.seq);
    placeById.delete(id);
  };

  return {
    /** False when there is no room. The newest of a place come first; the oldest of too many goes. */
    put: ({ event, payload }: Arrival, source: string): boolean => {
      const { lane, seq } = event.header;
      const place = `${event.author} ${lane}`;
      const known = find(event.id);
      remove(event.id);
      const bySeq = placesByKey.get(place) ?? new Map<number, Shelved[]>();
      const variants = bySeq.get(seq) ?? [];
      const isFull =
        placeById.size >= limits.twinsMax || (bySeq.size >= limits.twinsPerLaneMax && variants.length === 0);
      if (isFull && !known) return false;
      const sources = (known?.sources ?? new Set()).add(source);
      const smaller = known && compareBytes(known.event.envelope, event.envelope) < 0 ? known.event : event;
      const kept = [{ event: smaller, payload: payload ?? known?.payload ?? null, sources }, ...variants];
      for (const dropped of kept.splice(limits.twinsPerPlaceMax)) placeById.delete(dropped.event.id);
      placesByKey.set(place, bySeq.set(seq, kept));
      placeById.set(event.id, { place, seq });
      return true;
    },
    /** A payload that came after its event, already known to belong to it. */
    fill: (id: string, payload: Bytes): void => {
      const at = placeById.get(id);
      const variants = at && placesByKey.get(at.place)?.get(at.seq);
      if (!at || !variants) return;
      const filled = variants.map((each) => (each.event.id === id ? { ...each, payload } : each));
      placesByKey.get(at.place)?.set(at.seq, filled);
    },
    remove,
    all: function* (): Generator<Shelved> {
      for (const bySeq of placesByKey.values()) for (const variants of bySeq.values()) yield* variants;
    },
    get size() {
      return placeById.size;
    },
  };
};
export type Twins = ReturnType<typeof createTwins>;
