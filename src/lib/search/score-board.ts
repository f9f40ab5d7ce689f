import { countOf, type Postings, slotOf } from './postings.ts';

/**
 * Adds up the scores of one search, passage by passage: BM25 (Robertson and Zaragoza 2009), k1 1.2, b 0.75.
 * Its arrays are kept between searches, so that answering allocates nothing; `drain` leaves them zeroed.
 */
export type ScoreBoard = {
  lengthOf(slot: number): number;
  /** The weighted length of a passage, in terms; must be set before a search sees the slot. */
  setLength(slot: number, length: number): void;
  begin(meanLength: number): void;
  addTerm(postings: Postings, weight: TermWeight): void;
  /**
   * Treats a word and its relatives as one word, a relative counting `share` of it. `weightOf` is told in how many passages the
   * one stands and returns what it weighs there.
   */
  addUnited(
    exact: Postings | undefined,
    related: readonly Postings[],
    share: number,
    weightOf: (df: number) => TermWeight,
  ): void;
  /** Every passage that got a score, with the idf of the words it covers. */
  drain(visit: (slot: number, score: number, coveredIdf: number) => void): void;
};

/** `repeats`: how often the question says the word. */
export type TermWeight = { readonly idf: number; readonly repeats: number };

export const k1 = 1.2;
const b = 0.75;

export const createScoreBoard = (): ScoreBoard => {
  let lengths = new Uint32Array(64);
  let meanLength = 1;
  let scored = createTally(lengths.length);
  let united = createTally(lengths.length);

  const addScore = (slot: number, tf: number, { idf, repeats }: TermWeight, share: number): void => {
    const norm = k1 * (1 - b + (b * (lengths[slot] ?? 0)) / meanLength);
    scored.add(slot, (idf * repeats * (k1 + 1) * tf) / (tf + norm));
    scored.cover(slot, idf * share);
  };
  const unite = ({ entries, length }: Postings, share: number): void => {
    for (let i = 0; i < length; i++) {
      const entry = entries[i] ?? 0;
      united.add(slotOf(entry), countOf(entry) * share);
      united.coverAtLeast(slotOf(entry), share);
    }
  };

  return {
    lengthOf: (slot) => lengths[slot] ?? 0,
    setLength: (slot, length) => {
      if (slot >= lengths.length) {
        const grown = new Uint32Array(lengths.length * 2);
        grown.set(lengths);
        lengths = grown;
      }
      lengths[slot] = length;
    },
    begin: (mean) => {
      meanLength = Math.max(mean, 1);
      if (scored.size === lengths.length) return;
      scored = createTally(lengths.length);
      united = createTally(lengths.length);
    },
    addTerm: ({ entries, length }, weight) => {
      for (let i = 0; i < length; i++) {
        const entry = entries[i] ?? 0;
        addScore(slotOf(entry), countOf(entry), weight, 1);
      }
    },
    addUnited: (exact, related, share, weightOf) => {
      if (exact !== undefined) unite(exact, 1);
      for (const postings of related) unite(postings, share);
      const weight = weightOf(united.count());
      united.drain((slot, tf, best) => addScore(slot, tf, weight, best));
    },
    drain: (visit) => scored.drain(visit),
  };
};

/** Two numbers a slot and the list of slots that have any, so that clearing costs only what was used. */
const createTally = (size: number) => {
  const sums = new Float64Array(size);
  const covers = new Float64Array(size);
  const touched = new Uint32Array(size);
  let length = 0;
  return {
    size,
    count: (): number => length,
    add: (slot: number, value: number): void => {
      if (sums[slot] === 0) touched[length++] = slot;
      sums[slot] = (sums[slot] ?? 0) + value;
    },
    cover: (slot: number, value: number): void => {
      covers[slot] = (covers[slot] ?? 0) + value;
    },
    coverAtLeast: (slot: number, value: number): void => {
      covers[slot] = Math.max(covers[slot] ?? 0, value);
    },
    drain: (visit: (slot: number, sum: number, cover: number) => void): void => {
      for (let i = 0; i < length; i++) {
        const slot = touched[i] ?? 0;
        const sum = sums[slot] ?? 0;
        const cover = covers[slot] ?? 0;
        sums[slot] = 0;
        covers[slot] = 0;
        visit(slot, sum, cover);
      }
      length = 0;
    },
  };
};
