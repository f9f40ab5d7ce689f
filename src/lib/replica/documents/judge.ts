import { limits } from '../../kernel/limits.ts';
import type { DocumentReason, DocumentUpdate } from '../../kernel/ports/documents.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { KnownPlaces } from './known-places.ts';
import type { Place, PlanStruct, PlanUpdate } from './plan-update.ts';

/** What a device has used up of one document so far. */
export type Used = { structs: number; steps: number };

/** A good update: the list each of its structs stands in, and whether its words count (`ghost`: why they do not). */
export type Judged = { readonly places: readonly Place[]; readonly ghost: DocumentReason | null };

/**
 * Judges an update, whose bytes are in order, at what stands before it in the document's own order. `document-past` waits for
 * what it builds on; every other refusal is for good. Only counts take part, no time, so every node says the same.
 */
export const judgeUpdate = (
  update: PlanUpdate,
  { client, isGhost, mayDelete }: Pick<DocumentUpdate, 'client' | 'isGhost' | 'mayDelete'>,
  known: KnownPlaces,
  used: Used,
): Result<Judged, DocumentReason> => {
  const next = known.next(client);
  if (update.structs.length > 0) {
    if (update.client !== client) return err('document-client');
    if (update.clock < next) return err('document-clock');
    if (update.clock > next) return err('document-past');
  }
  const length = update.structs.reduce((sum, struct) => sum + struct.length, 0);
  if (next + length > limits.documentDeviceUnitsMax) return err('document-full');
  if (used.structs + update.structs.length + update.deletes.length > limits.documentDeviceStructsMax)
    return err('document-full');
  const places = placesOf(update, known);
  if (!places.ok) return places;
  let foreign = false;
  for (const range of update.deletes) {
    const isOwn = range.client === client;
    const exists = known.has(range) || (isOwn && range.clock + range.length <= next + length);
    if (!exists) return err(isOwn ? 'document-origin' : 'document-past');
    foreign ||= !isOwn;
  }
  const ghost = isGhost ? 'document-author' : foreign && !mayDelete ? 'document-foreign-delete' : null;
  return ok({ places: places.value, ghost });
};

/** Neighbours must exist, stand in one list, and fit what is said; a struct without neighbours names its list. */
const placesOf = ({ client, clock, structs }: PlanUpdate, known: KnownPlaces): Result<Place[], DocumentReason> => {
  const places: Place[] = [];
  const own: { readonly until: number; readonly place: Place }[] = [];
  const placeOf = (id: NonNullable<PlanStruct['origin']>): Place | null =>
    id.client === client && id.clock >= clock ? (ownPlace(own, id.clock) ?? null) : known.placeOf(id);
  for (const struct of structs) {
    const found = new Set<Place>(struct.root === null ? [] : [struct.root]);
    for (const id of [struct.origin, struct.rightOrigin]) {
      if (!id) continue;
      const place = placeOf(id);
      if (place === null) return err(id.client === client ? 'document-origin' : 'document-past');
      found.add(place);
    }
    const [place] = found;
    if (found.size !== 1 || place === undefined) return err('document-parent');
    if (struct.content.kind !== 'deleted' && struct.content.kind !== place) return err('document-content');
    places.push(place);
    own.push({ until: struct.clock + struct.length, place });
  }
  return ok(places);
};

/** The list of a character that the same update brought before. */
const ownPlace = (
  own: readonly { readonly until: number; readonly place: Place }[],
  clock: number,
): Place | undefined => {
  let low = 0;
  let high = own.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((own[middle]?.until ?? 0) <= clock) low = middle + 1;
    else high = middle;
  }
  return own[low]?.place;
};
