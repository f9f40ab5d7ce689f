import type { CharId, CharRange } from '../../kernel/ports/documents.ts';
import type { Place, PlanUpdate } from './plan-update.ts';

type Run = { readonly clock: number; length: number; readonly place: Place };

/** Which characters and ticks exist in a document, and in which of its two lists: what the judge asks, without Yjs. */
export const createKnownPlaces = () => {
  const runsByClient = new Map<number, Run[]>();

  const next = (client: number): number => {
    const last = runsByClient.get(client)?.at(-1);
    return last ? last.clock + last.length : 0;
  };

  const placeOf = ({ client, clock }: CharId): Place | null => {
    const runs = runsByClient.get(client);
    if (!runs || clock >= next(client)) return null;
    let low = 0;
    let high = runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((runs[middle]?.clock ?? 0) <= clock) low = middle;
      else high = middle - 1;
    }
    return runs[low]?.place ?? null;
  };

  return {
    /** The clock at which a client goes on. */
    next,
    placeOf,
    has: ({ client, clock, length }: CharRange): boolean => clock + length <= next(client),
    /** `places` are those of the update's structs, in their order. */
    add: ({ client, structs }: PlanUpdate, places: readonly Place[]): void => {
      const runs = runsByClient.get(client) ?? [];
      if (structs.length > 0) runsByClient.set(client, runs);
      structs.forEach(({ clock, length }, index) => {
        const place = places[index] ?? 'text';
        const last = runs.at(-1);
        if (last?.place === place) last.length += length;
        else runs.push({ clock, length, place });
      });
    },
  };
};
export type KnownPlaces = ReturnType<typeof createKnownPlaces>;
