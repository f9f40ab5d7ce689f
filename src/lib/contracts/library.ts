import {
  array,
  boolean,
  instance,
  maxLength,
  minLength,
  object,
  optional,
  picklist,
  pipe,
  string,
  type InferOutput,
} from 'valibot';
import { limits } from '../kernel/limits.ts';
import { define, noDeadline } from './define.ts';
import { bytes32Id, count, language, names, shortText } from './fields.ts';

export const corpusName = pipe(string(), minLength(1), maxLength(60));
export const passageId = pipe(string(), maxLength(60));

/** One passage as it may be cited. `start` and `end` are character offsets in the document's body; `score` is in thousandths. */
export const passage = object({
  id: passageId,
  text: string(),
  score: count,
  title: shortText,
  headingPath: shortText,
  page: count,
  start: count,
  end: count,
  source: string(),
  date: shortText,
  licence: shortText,
  lang: language,
  cid: bytes32Id,
  corpus: corpusName,
});
export type Passage = InferOutput<typeof passage>;

/**
 * The best passages of this device's corpora for a query. `evidence` (0..1000) is the share of the query's content
 * that the best passage covers. A neighbour searches community corpora only; `params.corpus` asks for one by name.
 */
export const librarySearch = define({
  name: 'library.search',
  input: object({
    query: pipe(string(), minLength(1), maxLength(limits.queryCharsMax)),
    k: optional(count, 8),
    corpora: optional(names),
    language: optional(language),
  }),
  output: object({
    passages: array(passage),
    evidence: count,
    quotes: array(object({ passageId, quote: string(), start: count, end: count })),
  }),
  params: ['corpus'],
  policy: 'member',
  routable: true,
  maxConcurrent: 16,
});

const document = object({
  cid: bytes32Id,
  title: shortText,
  language,
  body: string(),
  sources: array(
    object({ id: string(), agency: string(), title: string(), year: string(), figures: optional(string(), '') }),
  ),
  licence: shortText,
  updated: shortText,
  author: shortText,
  reviewer: shortText,
  corpus: corpusName,
});
export type LibraryDocument = InferOutput<typeof document>;

/** A whole document, to open a source at its passage. A neighbour reads community corpora only. */
export const libraryRead = define({
  name: 'library.read',
  input: object({ cid: bytes32Id }),
  output: document,
  params: ['corpus'],
  policy: 'member',
  routable: true,
  cost: 'cheap',
});

/** Adds a document to a corpus on this device (progress counts passages). The same bytes again change nothing. */
export const libraryIngest = define({
  name: 'library.ingest',
  input: object({
    corpus: corpusName,
    visibility: optional(picklist(['private', 'community']), 'community'),
    fileName: pipe(string(), minLength(1), maxLength(200)),
    bytes: instance(Uint8Array),
    title: optional(shortText),
    language: optional(language),
    source: optional(shortText),
    licence: optional(shortText),
  }),
  output: object({ cid: bytes32Id, title: string(), passages: count, duplicate: boolean() }),
  policy: 'self',
  idempotent: true,
  timeoutMs: 60_000,
});

const corpus = object({
  name: corpusName,
  documents: count,
  passages: count,
  sizeBytes: count,
  languages: array(language),
  visibility: picklist(['private', 'community']),
  isStarter: boolean(),
  /** Devices of neighbours that offer a corpus of this name now. */
  heldBy: array(bytes32Id),
});
const corpora = object({
  corpora: array(corpus),
  /** Corpora that only neighbours hold. */
  elsewhere: array(object({ name: corpusName, devices: array(bytes32Id) })),
  /** `guide` is the starter guide's slug (`water`), '' for a document that a person added. */
  documents: array(
    object({
      cid: bytes32Id,
      title: string(),
      corpus: corpusName,
      language,
      sizeBytes: count,
      updated: string(),
      guide: string(),
    }),
  ),
  /** Starter guides are being fetched and indexed: done of total; equal when ready. */
  starter: object({ done: count, total: count, failed: count }),
  isReady: boolean(),
});
export type Corpora = InferOutput<typeof corpora>;

export const libraryCorpora = define({
  name: 'library.corpora',
  input: object({}),
  output: corpora,
  item: corpora,
  policy: 'self',
  timeoutMs: noDeadline,
});

/** Removes one document from this device; it can be added again from the file. */
export const libraryRemove = define({
  name: 'library.remove',
  input: object({ cid: bytes32Id }),
  output: object({}),
  policy: 'self',
  idempotent: true,
});
