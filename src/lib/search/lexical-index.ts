import { createBestHits, type Hit } from './best-hits.ts';
import { createDictionary, type Dictionary } from './dictionary.ts';
import { slotsMax } from './postings.ts';
import { createScoreBoard, k1, type ScoreBoard } from './score-board.ts';
import type { Analyzer } from './text.ts';

/**
 * What is indexed of one passage. `headings` (title and heading path) counts double. Each word of `labels` (keywords and
 * typical questions of the document) counts double once (four times in the first passage), and adds no length: a well-labelled
 * guide is not a long one.
 */
export type IndexedPassage = {
  readonly id: string;
  readonly text: string;
  readonly headings: string;
  readonly labels?: string;
};

/** `attainable`: the score no passage can exceed for this question; words nobody wrote weigh in it. */
export type Hits = { readonly hits: Hit[]; readonly attainable: number };

export type TermStats = { readonly n: number; readonly totalLength: number; readonly df: number[] };

/**
 * The lexical index of one language. A pure function of the set of documents in it: a removed document leaves no trace,
 * and the order of arrival changes neither scores nor ranks.
 */
export type LexicalIndex = {
  readonly analyzer: Analyzer;
  /** False when the document is in it already or the index is full. */
  add(cid: string, passages: readonly IndexedPassage[]): boolean;
  /** False when it was not there. */
  remove(cid: string): boolean;
  /** The k best passages of documents that `accepts` lets through. */
  search(query: string, k: number, accepts?: (cid: string) => boolean): Hits;
  /** The raw numbers of terms as `analyzer` spells them; sums over indexes with equal analyzers are the numbers of the union. */
  stats(terms: readonly string[]): TermStats;
  /** What a term weighs here: high when few passages hold it. */
  idf(term: string): number;
};

const headingWeight = 2;
/** A typical question is answered first by how a document opens, so its labels weigh more there. */
const openingLabelWeight = 4;
/** A compound that holds the asked word, or a part of the asked compound, counts as about a third of the word itself. */
const compoundWeight = 0.35;

/** `compounds` is for measurements; by default German has them and English has not. */
export const createLexicalIndex = ({
  analyzer,
  compounds = analyzer.language === 'de',
}: LexicalIndexOptions): LexicalIndex => {
  const dictionary = createDictionary({ hasCompounds: compounds });
  const board = createScoreBoard();
  const slotsByCid = new Map<string, number[]>();
  const placesBySlot: (Place | null)[] = [];
  const freeSlots: number[] = [];
  let totalLength = 0;

  const count = (): number => placesBySlot.length - freeSlots.length;
  const idfOf = (df: number): number => Math.log(1 + (count() - df + 0.5) / (df + 0.5));

  const addPassage = (cid: string, index: number, passage: IndexedPassage): number => {
    const slot = freeSlots.pop() ?? placesBySlot.length;
    placesBySlot[slot] = { id: passage.id, cid, index };
    const length = indexFields(dictionary, analyzer, { slot, index }, passage);
    board.setLength(slot, length);
    totalLength += length;
    return slot;
  };
  const best = (k: number, idfTotal: number, accepts: (cid: string) => boolean): Hit[] => {
    const hits = createBestHits(k);
    board.drain((slot, score, coveredIdf) => {
      const place = placesBySlot[slot];
      if (place === undefined || place === null || score < hits.worst() || !accepts(place.cid)) return;
      hits.offer({ ...place, score, coverage: coveredIdf / idfTotal });
    });
    return hits.sorted();
  };

  return {
    analyzer,
    add: (cid, passages) => {
      if (slotsByCid.has(cid) || count() + passages.length > slotsMax) return false;
      const slots = passages.map((passage, index) => addPassage(cid, index, passage));
      slotsByCid.set(cid, slots);
      return true;
    },
    remove: (cid) => {
      const slots = slotsByCid.get(cid);
      if (slots === undefined) return false;
      slotsByCid.delete(cid);
      const isGone = new Uint8Array(placesBySlot.length);
      for (const slot of slots) {
        isGone[slot] = 1;
        placesBySlot[slot] = null;
        freeSlots.push(slot);
        totalLength -= board.lengthOf(slot);
      }
      dictionary.removeSlots(isGone);
      return true;
    },
    search: (query, k, accepts = () => true) => {
      board.begin(count() === 0 ? 1 : totalLength / count());
      let attainable = 0;
      let idfTotal = 0;
      for (const [term, repeats] of repeatsByTerm(analyzer.queryTerms(query))) {
        const idf = scoreTerm(board, dictionary, term, repeats, idfOf);
        idfTotal += idf;
        attainable += idf * repeats * (k1 + 1);
      }
      return { hits: best(k, idfTotal, oncePerDocument(accepts)), attainable };
    },
    stats: (terms) => ({ n: count(), totalLength, df: terms.map(dictionary.df) }),
    idf: (term) => idfOf(dictionary.df(term)),
  };
};

export type LexicalIndexOptions = { readonly analyzer: Analyzer; readonly compounds?: boolean };
type Place = Pick<Hit, 'id' | 'cid' | 'index'>;

/** Returns the length of the passage in terms. */
const indexFields = (
  dictionary: Dictionary,
  analyzer: Analyzer,
  { slot, index }: { readonly slot: number; readonly index: number },
  passage: IndexedPassage,
): number => {
  const body = analyzer.terms(passage.text);
  const headings = analyzer.terms(passage.headings);
  const labels = new Set(analyzer.terms(passage.labels ?? ''));
  for (const term of body) dictionary.add(term, slot, 1);
  for (const term of headings) dictionary.add(term, slot, headingWeight);
  for (const term of labels) dictionary.add(term, slot, index === 0 ? openingLabelWeight : headingWeight);
  return body.length + headings.length;
};

/** Adds what one asked word gives to each passage that holds it, and returns the idf it had. */
const scoreTerm = (
  board: ScoreBoard,
  dictionary: Dictionary,
  term: string,
  repeats: number,
  idfOf: (df: number) => number,
): number => {
  const exact = dictionary.find(term);
  const related = dictionary.related(term);
  let idf = idfOf(exact?.length ?? 0);
  if (related.length > 0) {
    board.addUnited(exact, related, compoundWeight, (df) => {
      idf = idfOf(df);
      return { idf, repeats };
    });
  } else if (exact !== undefined) {
    board.addTerm(exact, { idf, repeats });
  }
  return idf;
};

const repeatsByTerm = (terms: readonly string[]): Map<string, number> => {
  const repeats = new Map<string, number>();
  for (const term of terms) repeats.set(term, (repeats.get(term) ?? 0) + 1);
  return repeats;
};

/** A filter is asked once a document, not once a passage. */
const oncePerDocument = (accepts: (cid: string) => boolean): ((cid: string) => boolean) => {
  const verdicts = new Map<string, boolean>();
  return (cid) => {
    const known = verdicts.get(cid);
    if (known !== undefined) return known;
    const verdict = accepts(cid);
    verdicts.set(cid, verdict);
    return verdict;
  };
};
