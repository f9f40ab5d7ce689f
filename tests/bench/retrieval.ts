import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import MiniSearch from 'minisearch';
import { utf8 } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createLexicalIndex } from '../../src/lib/search/lexical-index.ts';
import { createSearchRoom } from '../../src/lib/search/search-room.ts';
import { loadStemmer } from '../../src/lib/search/stemmers.ts';
import { type Analyzer, createAnalyzer, detectLanguage } from '../../src/lib/search/text.ts';

/** `beir`: a folder with corpus.jsonl, queries.jsonl and qrels.tsv; without it a collection is generated and marked so. */
export type RetrievalArgs = { readonly beir?: string; readonly mode: 'lexical' };
export type BenchResult = {
  readonly figures: Record<string, number | boolean | object>;
  readonly peers: Record<string, Record<string, number | null>>;
};

type Row = { readonly id: string; readonly title: string; readonly text: string };
type Collection = {
  readonly rows: readonly Row[];
  readonly queries: readonly { readonly id: string; readonly text: string }[];
  /** Query id to document id to grade. */
  readonly grades: ReadonlyMap<string, ReadonlyMap<string, number>>;
};

/**
 * Lexical retrieval beside MiniSearch on the same rows and queries in the same run: as it comes, and with our own analyzer
 * and title weight. `p50Ms10k` asks a whole search room of 10,000 generated passages, as the worker does.
 */
export const run = async (args: readonly string[]): Promise<BenchResult> => {
  const { beir } = parseArgs(args);
  const collection = beir === undefined ? generateCollection(2_000, 200) : readBeir(beir);
  const language = detectLanguage(
    collection.rows
      .slice(0, 50)
      .map((row) => row.text)
      .join('\n'),
  );
  const analyzer = createAnalyzer(language, await loadStemmer(language));
  const figures = measure(collection, () => createOwn(analyzer));
  const tenThousand = await measureRoom();
  return {
    figures: {
      ...figures,
      ...tenThousand.figures,
      documents: collection.rows.length,
      queries: collection.grades.size,
      synthetic: beir === undefined,
      language: { detected: language },
    },
    peers: {
      minisearch: measure(collection, () => createMini(null)),
      minisearchTuned: { ...measure(collection, () => createMini(analyzer)), ...tenThousand.peer },
    },
  };
};

type Engine = { add(row: Row): void; search(query: string, k: number): string[] };

const createOwn = (analyzer: Analyzer): Engine => {
  const index = createLexicalIndex({ analyzer });
  return {
    add: ({ id, title, text }) => void index.add(id, [{ id, text, headings: title }]),
    search: (query, k) => index.search(query, k).hits.map((hit) => hit.id),
  };
};

const createMini = (analyzer: Analyzer | null): Engine => {
  const mini = new MiniSearch<Row>({
    fields: ['title', 'text'],
    ...(analyzer === null
      ? {}
      : { processTerm: (word: string) => analyzer.terms(word), searchOptions: { boost: { title: 2 } } }),
  });
  const asked = { processTerm: (word: string) => analyzer?.queryTerms(word) ?? word };
  return {
    add: (row) => mini.add(row),
    search: (query, k) =>
      mini
        .search(query, analyzer === null ? {} : asked)
        .slice(0, k)
        .map((hit) => String(hit.id)),
  };
};

const measure = ({ rows, queries, grades }: Collection, create: () => Engine): Record<string, number> => {
  const heapBefore = usedMb();
  const engine = create();
  const chars = rows.reduce((sum, row) => sum + Buffer.byteLength(row.title) + Buffer.byteLength(row.text), 0);
  const buildStart = performance.now();
  for (const row of rows) engine.add(row);
  const buildMs = performance.now() - buildStart;
  const heapMb = usedMb() - heapBefore;
  const judged = queries.filter((query) => grades.has(query.id));
  for (const query of judged.slice(0, 50)) engine.search(query.text, 100);
  let ndcg = 0;
  let recall = 0;
  const times: number[] = [];
  for (const query of judged) {
    const start = performance.now();
    const ids = engine.search(query.text, 100);
    times.push(performance.now() - start);
    const relevant = grades.get(query.id) ?? new Map<string, number>();
    ndcg += ndcgAt(ids, relevant, 10) / judged.length;
    recall += recallAt(ids, relevant, 100) / judged.length;
  }
  return {
    ndcg10: rounded(ndcg),
    recall100: rounded(recall),
    buildMbPerS: rounded(chars / 1000 / buildMs),
    p50Ms: rounded(quantile(times, 0.5)),
    p95Ms: rounded(quantile(times, 0.95)),
    heapMb: rounded(heapMb),
  };
};

/** nDCG with linear gains; grades below 1 count as not relevant. */
const ndcgAt = (ids: readonly string[], grades: ReadonlyMap<string, number>, k: number): number => {
  const gain = (grade: number, rank: number): number => Math.max(0, grade) / Math.log2(rank + 2);
  const found = ids.slice(0, k).reduce((sum, id, rank) => sum + gain(grades.get(id) ?? 0, rank), 0);
  const ideal = [...grades.values()].sort((a, b) => b - a).slice(0, k);
  const best = ideal.reduce((sum, grade, rank) => sum + gain(grade, rank), 0);
  return best === 0 ? 0 : found / best;
};

const recallAt = (ids: readonly string[], grades: ReadonlyMap<string, number>, k: number): number => {
  const relevant = [...grades].filter(([, grade]) => grade > 0).map(([id]) => id);
  return relevant.length === 0 ? 0 : relevant.filter((id) => ids.slice(0, k).includes(id)).length / relevant.length;
};

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;

const rounded = (value: number): number => Math.round(value * 1e4) / 1e4;

/** Heap and array buffers after a collection, in MB. */
const usedMb = (): number => {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
};

const lines = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');

/** A judged collection on this machine, made by the person who runs the bench; a malformed line ends the run. */
const readBeir = (folder: string): Collection => {
  const text = (record: object, key: string): string => String(Reflect.get(record, key) ?? '');
  const records = (name: string): object[] => lines(join(folder, name)).map((line) => Object(JSON.parse(line)));
  const grades = new Map<string, Map<string, number>>();
  for (const line of lines(join(folder, 'qrels.tsv')).slice(1)) {
    const [query = '', document = '', grade = '0'] = line.split('\t');
    grades.set(query, (grades.get(query) ?? new Map<string, number>()).set(document, Number(grade)));
  }
  return {
    rows: records('corpus.jsonl').map((record) => ({
      id: text(record, '_id'),
      title: text(record, 'title'),
      text: text(record, 'text'),
    })),
    queries: records('queries.jsonl').map((record) => ({ id: text(record, '_id'), text: text(record, 'text') })),
    grades,
  };
};

/** Mulberry32: a small seeded generator; the collection is the same in every run. */
const seededRandom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
};

const vocabularySize = 30_000;

/** Words of two to four syllables whose frequency falls as 1/rank, as in natural text. */
const createWords = (random: () => number): (() => string) => {
  const syllables = [...'bdfgklmnprstvw'].flatMap((consonant) => [...'aeiou'].map((vowel) => consonant + vowel));
  const pick = (): string => syllables[Math.floor(random() * syllables.length)] ?? '';
  const words = Array.from({ length: vocabularySize }, () =>
    Array.from({ length: 2 + Math.floor(random() * 3) }, pick).join(''),
  );
  return () => words[Math.floor(vocabularySize ** random()) - 1] ?? '';
};

/** Known-item search: each query is words of one row, which alone is relevant. */
const generateCollection = (rowCount: number, queryCount: number): Collection => {
  const random = seededRandom(7);
  const word = createWords(random);
  const sentence = (count: number): string => Array.from({ length: count }, word).join(' ');
  const rows = Array.from({ length: rowCount }, (_, i) => ({
    id: `d${i}`,
    title: sentence(6),
    text: sentence(120 + Math.floor(random() * 80)),
  }));
  const queries = Array.from({ length: queryCount }, (_, i) => {
    const words = rows[Math.floor((i * rowCount) / queryCount)]?.text.split(' ') ?? [];
    return {
      id: `q${i}`,
      text: Array.from({ length: 6 }, () => words[Math.floor(random() * words.length)] ?? '').join(' '),
    };
  });
  const grades = new Map(
    queries.map(({ id }, i) => [id, new Map([[`d${Math.floor((i * rowCount) / queryCount)}`, 1]])]),
  );
  return { rows, queries, grades };
};

/** 500 documents of 20 sections, one passage each; the generated words look like neither language, so English it is. */
const measureRoom = async (): Promise<{ figures: Record<string, number>; peer: Record<string, number> }> => {
  const collection = generateCollection(10_000, 200);
  const room = createSearchRoom({ loadStemmer, now: () => performance.now() });
  let passages = 0;
  for (let first = 0; first < collection.rows.length; first += 20) {
    const sections = collection.rows.slice(first, first + 20).map((row) => `## ${row.title}\n\n${row.text}.`);
    const bytes = utf8(sections.join('\n\n'));
    const cid = createHash('sha256').update(bytes).digest('base64url');
    passages += unwrap(await room.ingest({ cid, corpus: 'generated', bytes, language: 'en' })).passages;
  }
  const mini = createMini(createAnalyzer('en', await loadStemmer('en')));
  for (const row of collection.rows) mini.add(row);
  const own = timeQueries(collection, (query) => void room.search({ query, k: limits.searchResultsMax }));
  const peer = timeQueries(collection, (query) => void mini.search(query, limits.searchResultsMax));
  return { figures: { passages10k: passages, ...own }, peer };
};

const timeQueries = ({ queries }: Collection, ask: (query: string) => void): { p50Ms10k: number; p95Ms10k: number } => {
  for (const query of queries.slice(0, 50)) ask(query.text);
  const times = queries.map((query) => {
    const start = performance.now();
    ask(query.text);
    return performance.now() - start;
  });
  return { p50Ms10k: rounded(quantile(times, 0.5)), p95Ms10k: rounded(quantile(times, 0.95)) };
};

/** `--beir DIR --mode lexical`; hybrid comes with "The library". */
const parseArgs = (args: readonly string[]): RetrievalArgs => {
  const valueOf = (name: string): string | undefined =>
    args.includes(name) ? args[args.indexOf(name) + 1] : undefined;
  const mode = valueOf('--mode') ?? 'lexical';
  if (mode !== 'lexical') throw new Error(`mode ${mode} is not built yet: only lexical`);
  const beir = valueOf('--beir');
  return { mode, ...(beir === undefined ? {} : { beir }) };
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(JSON.stringify(await run(process.argv.slice(2)), null, 2));
}
