import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLexicalIndex, type IndexedPassage, type LexicalIndex } from '../../src/lib/search/lexical-index.ts';
import { loadStemmer } from '../../src/lib/search/stemmers.ts';
import { createAnalyzer } from '../../src/lib/search/text.ts';

const english = createAnalyzer('en', await loadStemmer('en'));
const german = createAnalyzer('de', await loadStemmer('de'));
const openEnglish = (): LexicalIndex => createLexicalIndex({ analyzer: english });
const openGerman = (): LexicalIndex => createLexicalIndex({ analyzer: german });

/** Few words, so that random passages share some. */
const vocabulary = [
  'water',
  'tap',
  'boil',
  'bleach',
  'fire',
  'smoke',
  'blood',
  'bandage',
  'heat',
  'cold',
  'radio',
  'battery',
];
const germanVocabulary = [
  'wasser',
  'trinkwasser',
  'wasserhahn',
  'hahn',
  'feuer',
  'feuerwehr',
  'strom',
  'stromausfall',
  'ausfall',
  'radio',
];
const passageOf = (words: readonly string[]) =>
  fc.record({
    text: fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 30 }).map((list) => list.join(' ')),
    headings: fc.array(fc.constantFrom(...words), { maxLength: 3 }).map((list) => list.join(' ')),
    labels: fc.array(fc.constantFrom(...words), { maxLength: 3 }).map((list) => list.join(' ')),
  });
const documentsOf = (words: readonly string[]) =>
  fc.array(fc.array(passageOf(words), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 });
const queryOf = (words: readonly string[]) =>
  fc.array(fc.constantFrom(...words, 'unwritten'), { minLength: 1, maxLength: 5 }).map((list) => list.join(' '));

type Loose = Omit<IndexedPassage, 'id'>;
const addAll = (index: LexicalIndex, documents: readonly (readonly [string, readonly Loose[]])[]): LexicalIndex => {
  for (const [cid, passages] of documents)
    index.add(
      cid,
      passages.map((passage, i) => ({ id: `${cid}#${i}`, ...passage })),
    );
  return index;
};
const named = (documents: readonly (readonly Loose[])[]) =>
  documents.map((passages, i) => [`doc${i}`, passages] as const);

/** BM25 as the formula reads, over plain arrays: what the index must equal. */
const naiveScores = (
  documents: readonly (readonly [string, readonly Loose[]])[],
  query: string,
): Map<string, number> => {
  const rows = documents.flatMap(([cid, passages]) =>
    passages.map((passage, i) => {
      const body = english.terms(passage.text);
      const headings = english.terms(passage.headings);
      const labels = [...new Set(english.terms(passage.labels ?? ''))];
      const labelWeight = i === 0 ? 4 : 2;
      const tf = (term: string): number =>
        body.filter((other) => other === term).length +
        2 * headings.filter((other) => other === term).length +
        labelWeight * labels.filter((other) => other === term).length;
      return { id: `${cid}#${i}`, tf, length: body.length + headings.length };
    }),
  );
  const mean = rows.reduce((sum, row) => sum + row.length, 0) / rows.length;
  const scores = new Map<string, number>();
  for (const row of rows) {
    let score = 0;
    for (const term of english.queryTerms(query)) {
      const df = rows.filter((other) => other.tf(term) > 0).length;
      const idf = Math.log(1 + (rows.length - df + 0.5) / (df + 0.5));
      const tf = row.tf(term);
      score += (idf * tf * 2.2) / (tf + 1.2 * (0.25 + (0.75 * row.length) / Math.max(mean, 1)));
    }
    if (score > 0) scores.set(row.id, score);
  }
  return scores;
};

describe('the lexical index', () => {
  it('scores as BM25 reads in the book, on random small collections', () => {
    fc.assert(
      fc.property(documentsOf(vocabulary), queryOf(vocabulary), (documents, query) => {
        const { hits } = addAll(openEnglish(), named(documents)).search(query, 1000);
        const expected = naiveScores(named(documents), query);
        expect(hits.map((hit) => hit.id).sort()).toEqual([...expected.keys()].sort());
        for (const hit of hits) expect(hit.score).toBeCloseTo(expected.get(hit.id) ?? -1, 9);
      }),
    );
  });

  it('finds the same in the same order whatever came first', () => {
    for (const [open, words] of [
      [openEnglish, vocabulary],
      [openGerman, germanVocabulary],
    ] as const) {
      fc.assert(
        fc.property(documentsOf(words), queryOf(words), (documents, query) => {
          const forward = addAll(open(), named(documents)).search(query, 10);
          const backward = addAll(open(), named(documents).toReversed()).search(query, 10);
          expect(backward).toEqual(forward);
        }),
      );
    }
  });

  it('forgets a removed document as if it had never been there', () => {
    for (const [open, words] of [
      [openEnglish, vocabulary],
      [openGerman, germanVocabulary],
    ] as const) {
      fc.assert(
        fc.property(documentsOf(words), documentsOf(words), queryOf(words), (kept, gone, query) => {
          const never = addAll(open(), named(kept));
          const removed = open();
          addAll(
            removed,
            gone.map((passages, i) => [`gone${i}`, passages] as const),
          );
          addAll(removed, named(kept));
          for (let i = 0; i < gone.length; i++) expect(removed.remove(`gone${i}`)).toBe(true);
          expect(removed.search(query, 50)).toEqual(never.search(query, 50));
          expect(removed.stats([...words])).toEqual(never.stats([...words]));
        }),
      );
    }
  });

  it('gives places of removed passages to new ones without mixing them up', () => {
    const index = openEnglish();
    addAll(index, [
      ['a', [{ text: 'water water', headings: '' }]],
      ['b', [{ text: 'fire', headings: '' }]],
    ]);
    index.remove('a');
    addAll(index, [['c', [{ text: 'smoke', headings: '' }]]]);
    expect(index.search('water', 5).hits).toEqual([]);
    expect(index.search('smoke', 5).hits.map((hit) => hit.id)).toEqual(['c#0']);
  });

  it('ranks equal passages of a document by their place, also in reused places', () => {
    const twins = Array.from({ length: 12 }, () => ({ text: 'water', headings: '' }));
    const index = addAll(openEnglish(), [['gone', twins]]);
    index.remove('gone');
    addAll(index, [['a', twins]]);
    expect(index.search('water', 20).hits.map((hit) => hit.index)).toEqual(twins.map((_, i) => i));
    expect(index.search('water', 3).hits.map((hit) => hit.index)).toEqual([0, 1, 2]);
  });

  it('keeps the k best of many', () => {
    fc.assert(
      fc.property(
        documentsOf(vocabulary),
        queryOf(vocabulary),
        fc.integer({ min: 1, max: 8 }),
        (documents, query, k) => {
          const index = addAll(openEnglish(), named(documents));
          expect(index.search(query, k).hits).toEqual(index.search(query, 1000).hits.slice(0, k));
        },
      ),
    );
  });

  it('gives nothing for words nobody wrote, and names their share of the question', () => {
    const index = addAll(openEnglish(), [['a', [{ text: 'boil the water', headings: '' }]]]);
    expect(index.search('zorblatt quux', 5).hits).toEqual([]);
    expect(index.search('', 5).hits).toEqual([]);
    const half = index.search('boil zorblatt', 5).hits[0];
    expect(half?.coverage).toBeGreaterThan(0);
    expect(half?.coverage).toBeLessThan(0.5);
    expect(index.search('boil water', 5).hits[0]?.coverage).toBe(1);
  });

  it('never scores above what it calls attainable', () => {
    fc.assert(
      fc.property(documentsOf(germanVocabulary), queryOf(germanVocabulary), (documents, query) => {
        const { hits, attainable } = addAll(openGerman(), named(documents)).search(query, 50);
        for (const hit of hits) {
          expect(hit.score).toBeLessThanOrEqual(attainable);
          expect(hit.coverage).toBeLessThanOrEqual(1 + 1e-9);
        }
      }),
    );
  });

  it('adds up over parts: the raw numbers of two indexes are those of one', () => {
    const parts = [
      [{ text: 'water tap', headings: 'tap' }],
      [
        { text: 'fire', headings: '' },
        { text: 'water', headings: '' },
      ],
    ];
    const whole = addAll(openEnglish(), named(parts)).stats(['water', 'tap', 'fire']);
    const [first, second] = parts.map((part, i) =>
      addAll(openEnglish(), [[`doc${i}`, part]]).stats(['water', 'tap', 'fire']),
    );
    expect(whole.n).toBe((first?.n ?? 0) + (second?.n ?? 0));
    expect(whole.totalLength).toBe((first?.totalLength ?? 0) + (second?.totalLength ?? 0));
    expect(whole.df).toEqual(whole.df.map((_, i) => (first?.df[i] ?? 0) + (second?.df[i] ?? 0)));
  });

  it('asks a filter and takes a document only once', () => {
    const index = addAll(openEnglish(), [
      ['a', [{ text: 'water', headings: '' }]],
      ['b', [{ text: 'water', headings: '' }]],
    ]);
    expect(index.search('water', 5, (cid) => cid === 'b').hits.map((hit) => hit.cid)).toEqual(['b']);
    expect(index.add('a', [{ id: 'a#0', text: 'fire', headings: '' }])).toBe(false);
    expect(index.remove('nobody')).toBe(false);
    expect(index.stats(['fire']).df).toEqual([0]);
  });
});

describe('German compounds', () => {
  const index = addAll(openGerman(), [
    ['water', [{ text: 'Das Trinkwasser kommt aus dem Tank.', headings: '' }]],
    ['power', [{ text: 'Bei einem Stromausfall bleibt die Tür zu.', headings: '' }]],
    ['plain', [{ text: 'Wasser ist da.', headings: '' }]],
  ]);
  it('are found by their parts, after the word itself', () => {
    expect(index.search('Wasser', 5).hits.map((hit) => hit.cid)).toEqual(['plain', 'water']);
    expect(index.search('Strom', 5).hits.map((hit) => hit.cid)).toEqual(['power']);
    expect(index.search('Ausfall', 5).hits.map((hit) => hit.cid)).toEqual(['power']);
  });
  it('find their parts', () => {
    expect(index.search('Wasserversorgung', 5).hits.map((hit) => hit.cid)).toContain('plain');
  });
  it('count less as evidence than the word itself', () => {
    expect(index.search('Strom', 5).hits[0]?.coverage).toBeLessThan(0.5);
  });
  it('do not make room for those of removed documents', () => {
    const letters = [...'bcdfghjklmnpqrstvwxz'];
    const removed = letters.flatMap((first) => letters.slice(0, 4).map((second) => `wasser${first}${second}`));
    const crowded = addAll(openGerman(), [['gone', [{ text: removed.join(' '), headings: '' }]]]);
    crowded.remove('gone');
    addAll(crowded, [['kept', [{ text: 'wassergenossenschaften', headings: '' }]]]);
    expect(crowded.search('wasser', 5).hits.map((hit) => hit.cid)).toEqual(['kept']);
  });
});
