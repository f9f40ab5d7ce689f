import { createCompounds } from './compounds.ts';
import { addToPostings, createPostings, type Postings, removeFromPostings } from './postings.ts';

/** Every term of an index with its postings, and for German the compounds a term is part of. A term without postings is not in it. */
export type Dictionary = {
  find(term: string): Postings | undefined;
  /** Postings of terms that share a part with this one; none where the language does not build compounds. */
  related(term: string): Postings[];
  add(term: string, slot: number, weight: number): void;
  /** Takes all passages with `isGone[slot] === 1` out, and with them the terms nobody else wrote. One pass over everything. */
  removeSlots(isGone: Uint8Array): void;
  df(term: string): number;
};

export const createDictionary = ({ hasCompounds }: { hasCompounds: boolean }): Dictionary => {
  const postingsByTerm = new Map<string, Postings>();
  const compounds = hasCompounds ? createCompounds((term) => postingsByTerm.has(term)) : null;

  const open = (term: string): Postings => {
    const postings = createPostings();
    postingsByTerm.set(term, postings);
    compounds?.add(term);
    return postings;
  };

  return {
    find: (term) => postingsByTerm.get(term),
    related: (term) => (compounds?.related(term) ?? []).flatMap((other) => postingsByTerm.get(other) ?? []),
    add: (term, slot, weight) => addToPostings(postingsByTerm.get(term) ?? open(term), slot, weight),
    removeSlots: (isGone) => {
      for (const [term, postings] of postingsByTerm) {
        removeFromPostings(postings, isGone);
        if (postings.length > 0) continue;
        postingsByTerm.delete(term);
        compounds?.remove(term);
      }
    },
    df: (term) => postingsByTerm.get(term)?.length ?? 0,
  };
};
