import { textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { type Document, type DocumentRefusal, parseDocument } from './document.ts';
import { createLanguageIndexes, type LanguageIndexes } from './language-indexes.ts';
import { parsePassageId, type Passage, passageId, passageOf, type StoredDocument } from './passage.ts';
import { cutPassages } from './passages.ts';
import { chooseQuotes, type QuotablePassage, type Quote } from './quotes.ts';
import { type CorpusView, createShelf } from './shelf.ts';
import type { Stem } from './stemmers.ts';
import type { Language } from './language.ts';

/** `cid` is the SHA-256 of the bytes as base64url text; the caller has hashed them. The other fields fill what the document does not state. */
export type IngestInput = {
  readonly cid: string;
  readonly corpus: string;
  readonly bytes: Uint8Array;
  readonly fileName?: string;
  readonly title?: string;
  readonly language?: Language;
  readonly source?: string;
  readonly licence?: string;
};

/** `corpus` is where the document stands; for a duplicate that is where it already stood. */
export type Ingested = {
  readonly cid: string;
  readonly corpus: string;
  readonly title: string;
  readonly language: Language;
  readonly passages: number;
  readonly duplicate: boolean;
};

export type IngestRefusal =
  | DocumentRefusal
  | { readonly type: 'CidMalformed' }
  | { readonly type: 'CorpusMalformed' }
  | { readonly type: 'LibraryFull'; readonly what: 'documents' | 'corpora' | 'text' };

/** `language` is the language of the question; without it the question's small words decide. */
export type SearchInput = {
  readonly query: string;
  readonly k: number;
  readonly corpora?: readonly string[];
  readonly language?: Language;
};

/** `evidence` 0..1000: the share of the question's weight that the best passage covers. Low means: ask neighbours too. */
export type SearchAnswer = { readonly passages: Passage[]; readonly evidence: number; readonly tookMicros: number };

/** `k` quotes, at most `limits.quotesMax`; from these passages, or without `passageIds` from the best ones for the query. */
export type QuotesInput = SearchInput & { readonly passageIds?: readonly string[] };
export type DocumentView = Omit<Document, 'labels'> & { readonly cid: string; readonly corpus: string };

/**
 * Everything this device can look up, in memory: what the search worker holds. Refused input leaves no trace, a removed
 * document none either. Only `ingest` waits (for a stemmer); all else answers at once.
 */
export type SearchRoom = {
  ingest(input: IngestInput): Promise<Result<Ingested, IngestRefusal>>;
  remove(cid: string): boolean;
  search(input: SearchInput): SearchAnswer;
  quotes(input: QuotesInput): Quote[];
  passage(cid: string, index: number): Passage | null;
  document(cid: string): DocumentView | null;
  corpora(): CorpusView[];
};

/** `now` in milliseconds with fractions, only ever subtracted. */
export type SearchRoomDeps = {
  readonly loadStemmer: (language: Language) => Promise<Stem>;
  readonly now: () => number;
};

/** Evidence is looked for among this many first passages: a later one no longer answers. */
const evidencePassages = 5;
/** From how many passages quotes are taken when the caller names none. */
const quotedPassages = 6;

export const createSearchRoom = ({ loadStemmer, now }: SearchRoomDeps): SearchRoom => {
  const shelf = createShelf();
  const indexes = createLanguageIndexes(loadStemmer);

  const ingest = async (input: IngestInput): Promise<Result<Ingested, IngestRefusal>> => {
    if (textToBytes(input.cid)?.length !== 32) return err({ type: 'CidMalformed' });
    if (!isCorpusName(input.corpus)) return err({ type: 'CorpusMalformed' });
    const before = shelf.find(input.cid);
    if (before !== undefined) return ok(toIngested(before, true));
    const parsed = parseDocument(input.bytes, input);
    if (!parsed.ok) return parsed;
    const index = await indexes.open(parsed.value.language);
    // Another call may have brought the same document meanwhile; from here to the end nothing waits.
    const meanwhile = shelf.find(input.cid);
    if (meanwhile !== undefined) return ok(toIngested(meanwhile, true));
    const entry = cutDocument(input, parsed.value);
    const what = shelf.whyFull(entry.corpus, entry.document.body.length);
    if (what !== null) return err({ type: 'LibraryFull', what });
    if (!index.add(entry.cid, indexedPassages(entry))) return err({ type: 'LibraryFull', what: 'text' });
    shelf.put(entry);
    return ok(toIngested(entry, false));
  };

  const search = ({ query, k, corpora, language }: SearchInput): SearchAnswer => {
    const startedMs = now();
    const asked = { text: query.slice(0, limits.queryCharsMax), language };
    const found = indexes.search(asked, limits.searchResultsMax, (cid) => {
      return corpora === undefined || corpora.includes(shelf.find(cid)?.corpus ?? '');
    });
    const coverage = Math.max(0, ...found.slice(0, evidencePassages).map((hit) => hit.coverage));
    const passages = found.slice(0, clamp(k, 1, limits.searchResultsMax)).flatMap((hit) => {
      return passageAt(hit.cid, hit.index, Math.max(1, Math.round(hit.score * 1000))) ?? [];
    });
    return {
      passages,
      evidence: Math.min(1000, Math.round(coverage * 1000)),
      tookMicros: Math.max(0, Math.round((now() - startedMs) * 1000)),
    };
  };
  const passageAt = (cid: string, index: number, score: number): Passage | null => {
    const entry = shelf.find(cid);
    return entry === undefined ? null : passageOf(entry, index, score);
  };
  const quotes = ({ passageIds, ...input }: QuotesInput): Quote[] => {
    const passages =
      passageIds === undefined
        ? search({ ...input, k: quotedPassages }).passages
        : namedPassages(passageIds, passageAt);
    return chooseQuotes(input.query.slice(0, limits.queryCharsMax), quotable(passages, indexes), input.k);
  };

  return {
    ingest,
    search,
    quotes,
    passage: (cid, index) => passageAt(cid, index, 0),
    remove: (cid) => {
      const entry = shelf.take(cid);
      return entry !== undefined && (indexes.find(entry.document.language)?.remove(cid) ?? false);
    },
    document: (cid) => {
      const entry = shelf.find(cid);
      if (entry === undefined) return null;
      const { labels: _, ...view } = entry.document;
      return { ...view, cid, corpus: entry.corpus };
    },
    corpora: shelf.corpora,
  };
};

/** Passages the caller names keep his order as their rank; ids of nothing are skipped. */
const namedPassages = (
  ids: readonly string[],
  passageAt: (cid: string, index: number, score: number) => Passage | null,
): Passage[] =>
  ids.slice(0, limits.searchResultsMax).flatMap((id, rank) => {
    const place = parsePassageId(id);
    return (place === null ? null : passageAt(place.cid, place.index, 1000 - rank)) ?? [];
  });

const quotable = (passages: readonly Passage[], indexes: LanguageIndexes): QuotablePassage[] =>
  passages.flatMap(({ id, cid, text, start, score, lang }) => {
    const index = indexes.find(lang);
    if (index === undefined) return [];
    return {
      id,
      text,
      start,
      relevance: score,
      isOpening: id === passageId(cid, 0),
      analyzer: index.analyzer,
      idf: index.idf,
    };
  });

const clamp = (value: number, least: number, most: number): number =>
  Math.max(least, Math.min(most, Math.floor(value) || least));

/** Names come from people: bounded, visible characters only. */
const isCorpusName = (name: string): boolean =>
  name.length <= limits.corpusNameCharsMax && /^[^\p{C}\p{Z}](?:[^\p{C}]*[^\p{C}\p{Z}])?$/u.test(name);

const cutDocument = (input: IngestInput, document: Document): StoredDocument => ({
  cid: input.cid,
  corpus: input.corpus,
  document,
  source: input.source ?? '',
  places: cutPassages(document.body),
});

const toIngested = ({ cid, corpus, document, places }: StoredDocument, duplicate: boolean): Ingested => ({
  cid,
  corpus,
  title: document.title,
  language: document.language,
  passages: places.length,
  duplicate,
});

const indexedPassages = ({ cid, document, places }: StoredDocument) =>
  places.map(({ start, end, headings }, index) => ({
    id: passageId(cid, index),
    text: document.body.slice(start, end),
    headings: [document.title, ...headings].join('\n'),
    labels: document.labels,
  }));
