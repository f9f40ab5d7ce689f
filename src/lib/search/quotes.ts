import { limits } from '../kernel/limits.ts';
import { splitSentences } from './sentences.ts';
import type { Analyzer } from './text.ts';

/** A sentence as it stands in a document: body.slice(start, end) === quote. */
export type Quote = {
  readonly passageId: string;
  readonly quote: string;
  readonly start: number;
  readonly end: number;
};

/** A passage to quote from. `start` is its place in the body; `relevance` is above 0, the best passage's the greatest. */
export type QuotablePassage = {
  readonly id: string;
  readonly text: string;
  readonly start: number;
  readonly relevance: number;
  /** The first passage of its document. */
  readonly isOpening: boolean;
  readonly analyzer: Analyzer;
  readonly idf: (term: string) => number;
};

/**
 * The one to five sentences that answer a question best, from passages given best first. It can only point at what is
 * there: each quote is an exact piece of its passage that holds a word of the question, follows such a sentence, or opens
 * the document that was found first (a guide begins with what to do).
 * They come in reading order: by passage, then by place. None when no sentence says anything on the question.
 */
export const chooseQuotes = (query: string, passages: readonly QuotablePassage[], k: number): Quote[] => {
  const top = Math.max(0, ...passages.map((passage) => passage.relevance));
  const candidates = passages.flatMap((passage, rank) => rateSentences(query, passage, rank, passage.relevance / top));
  const chosen = pickDiverse(candidates, Math.max(1, Math.min(k, limits.quotesMax)));
  return chosen.sort((a, b) => a.rank - b.rank || a.quote.start - b.quote.start).map((candidate) => candidate.quote);
};

type Candidate = {
  readonly quote: Quote;
  readonly rank: number;
  readonly worth: number;
  readonly terms: ReadonlySet<string>;
};

/** A sentence after one that answers often goes on answering ("It works too. Add two drops ..."). */
const followerShare = 0.3;
/** What the first sentences of an opening are worth without any word of the question, falling to nothing at the fifth. */
const openingShare = 0.4;
const openingSentences = 4;
/** How much of a sentence's worth comes from its passage: enough to prefer the better of two like sentences. */
const passageShare = 0.5;

const rateSentences = (query: string, passage: QuotablePassage, rank: number, relevance: number): Candidate[] => {
  const weights = new Map(passage.analyzer.queryTerms(query).map((term) => [term, passage.idf(term)]));
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  if (total <= 0) return [];
  let previousShare = 0;
  const candidates: Candidate[] = [];
  for (const [place, { start, end }] of splitSentences(passage.text).entries()) {
    const text = passage.text.slice(start, end);
    const terms = new Set(passage.analyzer.terms(text));
    const share = coveredWeight(weights, terms) / total;
    const opening = rank === 0 && passage.isOpening ? openingShare * Math.max(0, 1 - place / openingSentences) : 0;
    const said = Math.max(share + followerShare * previousShare, opening);
    const worth = said * (1 - passageShare + passageShare * relevance) * formWorth(text, terms.size);
    previousShare = share;
    if (worth <= 0) continue;
    const quote = { passageId: passage.id, quote: text, start: passage.start + start, end: passage.start + end };
    candidates.push({ quote, rank, worth, terms });
  }
  return candidates;
};

/** A word inside a compound ("Wasser" in "Trinkwasser") counts half. */
const coveredWeight = (weights: ReadonlyMap<string, number>, terms: ReadonlySet<string>): number => {
  let covered = 0;
  for (const [term, weight] of weights) {
    if (terms.has(term)) covered += weight;
    else if (term.length >= 4 && [...terms].some((other) => other.startsWith(term) || other.endsWith(term)))
      covered += weight / 2;
  }
  return covered;
};

/** A question, an opening ("You need:") or a scrap of two words answers nothing by itself. */
const formWorth = (text: string, termCount: number): number => (/[?:]$/.test(text) || termCount < 3 ? 0.4 : 1);

/** A further quote must be worth this share of the best one, and say something the chosen ones do not. */
const worthShareMin = 0.4;
const likenessMax = 0.6;

const pickDiverse = (candidates: readonly Candidate[], k: number): Candidate[] => {
  const byWorth = candidates.toSorted((a, b) => b.worth - a.worth || a.rank - b.rank || a.quote.start - b.quote.start);
  const least = (byWorth[0]?.worth ?? 0) * worthShareMin;
  const chosen: Candidate[] = [];
  for (const candidate of byWorth) {
    if (chosen.length >= k || candidate.worth < least) break;
    if (chosen.every((other) => likeness(candidate.terms, other.terms) <= likenessMax)) chosen.push(candidate);
  }
  return chosen;
};

/** Jaccard: shared terms by all terms of both; two sentences without terms are alike. */
const likeness = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => {
  const shared = [...a].filter((term) => b.has(term)).length;
  const all = a.size + b.size - shared;
  return all === 0 ? 1 : shared / all;
};
