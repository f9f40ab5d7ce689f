/**
 * The passages that hold one term, with how often: a growing Uint32Array, 24 bits of slot and 8 bits of weighted count
 * in each entry. Slots are small numbers the index hands out; a count stops at 255, where BM25 has long saturated.
 */
export type Postings = { entries: Uint32Array; length: number };

export const slotsMax = 1 << 24;
const countMax = 255;

export const createPostings = (): Postings => ({ entries: new Uint32Array(2), length: 0 });

export const slotOf = (entry: number): number => entry >>> 8;
export const countOf = (entry: number): number => entry & countMax;

/** Must be called for one slot at a time: repeats of a term in the same passage raise its last entry. */
export const addToPostings = (postings: Postings, slot: number, weight: number): void => {
  const last = postings.entries[postings.length - 1];
  if (postings.length > 0 && last !== undefined && slotOf(last) === slot) {
    postings.entries[postings.length - 1] = pack(slot, countOf(last) + weight);
    return;
  }
  if (postings.length === postings.entries.length) {
    const grown = new Uint32Array(postings.length * 2);
    grown.set(postings.entries);
    postings.entries = grown;
  }
  postings.entries[postings.length++] = pack(slot, weight);
};

/** Takes the entries of all slots for which `isGone` out, keeping the order of the others. */
export const removeFromPostings = (postings: Postings, isGone: Uint8Array): void => {
  let kept = 0;
  for (let i = 0; i < postings.length; i++) {
    const entry = postings.entries[i] ?? 0;
    if (isGone[slotOf(entry)] !== 1) postings.entries[kept++] = entry;
  }
  postings.length = kept;
};

const pack = (slot: number, count: number): number => ((slot << 8) | Math.min(countMax, count)) >>> 0;
