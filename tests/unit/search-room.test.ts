import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createSearchRoom, type IngestInput, type SearchRoom } from '../../src/lib/search/search-room.ts';
import { loadStemmer } from '../../src/lib/search/stemmers.ts';

const openRoom = (): SearchRoom => createSearchRoom({ loadStemmer, now: () => 0 });
const cidOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64url');
const inputOf = (text: string, more: Partial<IngestInput> = {}): IngestInput => {
  const bytes = utf8(text);
  return { cid: cidOf(bytes), corpus: 'street', bytes, ...more };
};

const well = `# The well in our street

## Where it is

The well is behind the bakery. The key hangs at Chen's door. Bring your own bucket and a rope.

## Is it safe

Boil well water for a minute before you drink it [epa]. Nobody has tested it since the spring of last year.
`;
const brunnen = `# Der Brunnen in unserer Straße

Der Brunnen steht hinter der Bäckerei. Der Schlüssel hängt bei Chen. Bring einen Eimer mit.
Koche das Brunnenwasser vor dem Trinken ab.
`;

describe('the search room', () => {
  it('finds what Anna put in, and cites it', async () => {
    const room = openRoom();
    const { cid } = unwrap(
      await room.ingest(inputOf(well, { fileName: 'well.md', source: 'told by Chen', licence: 'CC0' })),
    );
    const answer = room.search({ query: 'Where is the key of the well?', k: 3 });
    expect(answer.evidence).toBe(1000);
    expect(answer.passages[0]).toMatchObject({
      cid,
      corpus: 'street',
      title: 'The well in our street',
      lang: 'en',
      source: 'told by Chen',
      licence: 'CC0',
      page: 0,
    });
    const body = room.document(cid)?.body ?? '';
    for (const passage of answer.passages) {
      expect(body.slice(passage.start, passage.end)).toBe(passage.text);
      expect(Number.isInteger(passage.score)).toBe(true);
    }
    const quotes = room.quotes({ query: 'Where is the key of the well?', k: 2 });
    expect(quotes.map((quote) => quote.quote)).toContain("The key hangs at Chen's door.");
    for (const quote of quotes) expect(body.slice(quote.start, quote.end)).toBe(quote.quote);
  });

  it('says that it found nothing', async () => {
    const room = openRoom();
    await room.ingest(inputOf(well));
    for (const query of ['zorblatt quux', 'What should I do?', '', '???', ' '.repeat(5_000)]) {
      expect(room.search({ query, k: 5 })).toMatchObject({ passages: [], evidence: 0 });
      expect(room.quotes({ query, k: 5 })).toEqual([]);
    }
    expect(room.search({ query: 'carburettor of the well', k: 5 }).evidence).toBeLessThan(500);
  });

  it('answers in the language of the question when it can', async () => {
    const room = openRoom();
    await room.ingest(inputOf(well));
    await room.ingest(inputOf(brunnen));
    const first = (query: string, language?: 'en' | 'de') =>
      room.search(language === undefined ? { query, k: 3 } : { query, k: 3, language }).passages[0]?.lang;
    expect(first('Where is the key of the well?')).toBe('en');
    expect(first('Wo ist der Schlüssel für den Brunnen?')).toBe('de');
    expect(first('Chen', 'de')).toBe('de');
    expect(first('Chen', 'en')).toBe('en');
  });

  it('takes the same bytes once, also when they come twice at the same moment', async () => {
    const room = openRoom();
    const [first, second] = await Promise.all([
      room.ingest(inputOf(well)),
      room.ingest(inputOf(well, { corpus: 'other' })),
    ]);
    expect([unwrap(first).duplicate, unwrap(second).duplicate].sort()).toEqual([false, true]);
    expect(room.corpora()).toHaveLength(1);
    expect(unwrap(await room.ingest(inputOf(well, { corpus: 'other' })))).toMatchObject({
      duplicate: true,
      corpus: 'street',
    });
  });

  it('forgets a removed document', async () => {
    const room = openRoom();
    const { cid } = unwrap(await room.ingest(inputOf(well)));
    expect(room.remove(cid)).toBe(true);
    expect(room.remove(cid)).toBe(false);
    expect(room.search({ query: 'well', k: 5 })).toMatchObject({ passages: [], evidence: 0 });
    expect(room.document(cid)).toBeNull();
    expect(room.passage(cid, 0)).toBeNull();
    expect(room.corpora()).toEqual([]);
    expect(unwrap(await room.ingest(inputOf(well))).duplicate).toBe(false);
  });

  it('searches only the corpora it is told to', async () => {
    const room = openRoom();
    await room.ingest(inputOf(well, { corpus: 'street' }));
    await room.ingest(inputOf('The well of the school is deep.', { corpus: 'school' }));
    const corporaOf = (corpora?: string[]) =>
      new Set(
        room
          .search(corpora === undefined ? { query: 'well', k: 9 } : { query: 'well', k: 9, corpora })
          .passages.map((passage) => passage.corpus),
      );
    expect(corporaOf()).toEqual(new Set(['street', 'school']));
    expect(corporaOf(['school'])).toEqual(new Set(['school']));
    expect(corporaOf([])).toEqual(new Set());
    expect(room.corpora().map(({ corpus, documents }) => [corpus, documents])).toEqual([
      ['school', 1],
      ['street', 1],
    ]);
  });

  it('cites the sources a passage marks, and all when it marks none', async () => {
    const room = openRoom();
    const sources =
      'sources:\n  - id: epa; agency: US EPA; title: Water; year: 2017\n  - id: who; agency: WHO; title: Wells; year: 2011';
    const filler = 'The rope is long and the bucket is made of steel. '.repeat(8);
    const text = `---\n${sources}\n---\n# Well\n\n## Boil\n\nBoil it [epa]. ${filler}\n\n## Dig\n\nDig deep. ${filler}`;
    const { cid } = unwrap(await room.ingest(inputOf(text)));
    expect(room.passage(cid, 0)?.source).toBe('US EPA, Water, 2017');
    expect(room.passage(cid, 1)?.source).toBe('US EPA, Water, 2017; WHO, Wells, 2011');
  });

  it('quotes from the passages it is given, and skips ids of nothing', async () => {
    const room = openRoom();
    const { cid } = unwrap(await room.ingest(inputOf(well)));
    const passageIds = ['nonsense', `${cid}#99`, `${cid}#0`, '#', `${'x'.repeat(43)}#0`];
    const quotes = room.quotes({ query: 'boil water', k: 5, passageIds });
    expect(quotes.length).toBeGreaterThan(0);
    expect(quotes.every((quote) => quote.passageId === `${cid}#0`)).toBe(true);
    expect(room.quotes({ query: 'boil water', k: 5, passageIds: [] })).toEqual([]);
  });

  it('bounds how much it answers, whatever k it is asked for', async () => {
    const room = openRoom();
    for (let i = 0; i < limits.searchResultsMax + 5; i++) await room.ingest(inputOf(`The well number ${i}.`));
    for (const k of [1_000, Number.POSITIVE_INFINITY])
      expect(room.search({ query: 'well', k }).passages).toHaveLength(limits.searchResultsMax);
    for (const k of [0, -1, Number.NaN]) expect(room.search({ query: 'well', k }).passages).toHaveLength(1);
  });

  it('refuses a stemmer that does not come, and takes the document once it does', async () => {
    let isThere = false;
    const room = createSearchRoom({
      loadStemmer: (language) => (isThere ? loadStemmer(language) : Promise.reject(new Error('offline'))),
      now: () => 0,
    });
    await expect(room.ingest(inputOf(well))).rejects.toThrow('offline');
    expect(room.corpora()).toEqual([]);
    isThere = true;
    expect(unwrap(await room.ingest(inputOf(well))).duplicate).toBe(false);
  });
});

const library = new URL('../../static/library/', import.meta.url);
const guidesOf = (language: string): string[] => {
  const folder = new URL(`${language}/`, library);
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.md')) : [];
};
const hasWater = guidesOf('en').includes('water.md') && guidesOf('de').includes('water.md');
if (!hasWater)
  console.warn('SKIPPED: search-room on the starter library, because static/library/{en,de}/water.md do not exist yet');

describe.skipIf(!hasWater)('the search room with the starter library', () => {
  it('answers "the water is cut off" with the water guide in the language of the question', async () => {
    const room = openRoom();
    const guideByCid = new Map<string, string>();
    for (const language of ['en', 'de']) {
      for (const name of guidesOf(language)) {
        const bytes = new Uint8Array(readFileSync(new URL(`${language}/${name}`, library)));
        const ingested = unwrap(await room.ingest({ cid: cidOf(bytes), corpus: 'starter', bytes, fileName: name }));
        expect(ingested.language).toBe(language);
        guideByCid.set(ingested.cid, `${language}/${name}`);
      }
    }
    const expected = [
      ['What do I do if the water is cut off?', 'en/water.md'],
      ['Was mache ich, wenn das Wasser abgestellt ist?', 'de/water.md'],
    ] as const;
    for (const [query, guide] of expected) {
      const { passages, evidence } = room.search({ query, k: 5 });
      expect(guideByCid.get(passages[0]?.cid ?? '')).toBe(guide);
      expect(evidence).toBeGreaterThan(700);
      const quotes = room.quotes({ query, k: 4 });
      expect(quotes.length).toBeGreaterThan(0);
      for (const quote of quotes) {
        const body = room.document(quote.passageId.split('#')[0] ?? '')?.body ?? '';
        expect(body.slice(quote.start, quote.end)).toBe(quote.quote);
      }
    }
  });
});
