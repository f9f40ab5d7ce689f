import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createSearchRoom, type IngestInput, type SearchRoom } from '../../src/lib/search/search-room.ts';
import { loadStemmer } from '../../src/lib/search/stemmers.ts';

/** Mallory hands in files. One honest document of Anna's is there before; afterwards it must be all that is there. */
let room: SearchRoom;
let annasCid: string;
const cidOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64url');
const offer = (bytes: Uint8Array, more: Partial<IngestInput> = {}) =>
  room.ingest({ cid: cidOf(bytes), corpus: 'street', bytes, ...more });
const offerText = (text: string, more: Partial<IngestInput> = {}) => offer(utf8(text), more);

beforeEach(async () => {
  room = createSearchRoom({ loadStemmer, now: () => 0 });
  annasCid = unwrap(await offerText('# Well\n\nThe well is behind the bakery.')).cid;
});

const expectOnlyAnna = (): void => {
  expect(room.corpora()).toMatchObject([{ corpus: 'street', documents: 1, passages: 1 }]);
  expect(room.search({ query: 'well mallory poison', k: 20 }).passages.map((passage) => passage.cid)).toEqual([
    annasCid,
  ]);
};

describe('refused, with nothing indexed', () => {
  afterEach(expectOnlyAnna);

  it('UTF-8 that ends in the middle of a character', async () => {
    expect(await offer(utf8('mallory poison ü').slice(0, -1))).toEqual({ ok: false, error: { type: 'NotUtf8' } });
  });
  it('bytes that are no UTF-8: overlong, surrogates, Latin-1', async () => {
    for (const bytes of [
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
      [0x6d, 0xfc, 0x6c, 0x6c],
      [0xff, 0xfe, 0x41],
    ]) {
      expect(await offer(concatBytes(utf8('mallory poison '), Uint8Array.from(bytes)))).toEqual({
        ok: false,
        error: { type: 'NotUtf8' },
      });
    }
  });
  it('NUL bytes, control characters, a PDF under the name of a text', async () => {
    for (const text of [
      `${'mallory poison '.repeat(2_000)}\u0000`,
      `mallory ${'\u0001\u0002\u0003'.repeat(20)}`,
      '%PDF-1.7 mallory poison',
    ]) {
      expect(await offerText(text, { fileName: 'poison.txt' })).toEqual({ ok: false, error: { type: 'Binary' } });
    }
  });
  it('six megabytes', async () => {
    const sizeBytes = 6 * 1024 * 1024;
    const bytes = new Uint8Array(sizeBytes).fill(0x61);
    expect(await offer(bytes)).toEqual({
      ok: false,
      error: { type: 'TooLarge', sizeBytes, limitBytes: limits.documentBytesMax },
    });
  });
  it('nothing, blank space, front matter without a text, only invisible characters', async () => {
    for (const text of ['', ' \n\t\n', '---\ntitle: mallory\n---\n', '\u200b\u200e\ufeff', '!!! ???']) {
      expect(await offerText(text)).toEqual({ ok: false, error: { type: 'Empty' } });
    }
  });
  it('front matter that is never closed', async () => {
    expect(await offerText('---\ntitle: mallory poison\nno end')).toMatchObject({
      ok: false,
      error: { type: 'FrontMatterMalformed' },
    });
    expect(await offerText('---\ntitle: mallory poison')).toMatchObject({ ok: false, error: { why: 'never-closed' } });
  });
  it('front matter of a hundred thousand lines', async () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `key${i}: mallory`);
    expect(await offerText(`---\n${lines.join('\n')}\n---\npoison`)).toMatchObject({
      ok: false,
      error: { why: 'never-closed' },
    });
  });
  it('a line of front matter without end, a thousand sources, a key twice', async () => {
    const sources = Array.from({ length: 200 }, (_, i) => `  - id: s${i}`).join('\n');
    for (const [front, why] of [
      [`title: ${'mallory '.repeat(50_000)}`, 'line-too-long'],
      [`sources:\n${sources}`, 'too-many-sources'],
      ['title: mallory\ntitle: poison', 'key-twice'],
      ['sources:\n  - agency: without id', 'source-malformed'],
      ['sources:\n  - id: a; year: soon', 'source-malformed'],
      ['just words', 'no-key'],
    ] as const) {
      expect(await offerText(`---\n${front}\n---\npoison`), why).toMatchObject({
        ok: false,
        error: { type: 'FrontMatterMalformed', why },
      });
    }
  });
  it('keys that would reach a prototype', async () => {
    for (const key of ['__proto__', 'constructor', 'prototype', 'Constructor']) {
      expect(await offerText(`---\n${key}: mallory\n---\npoison`)).toMatchObject({
        ok: false,
        error: { why: 'forbidden-key' },
      });
    }
    expect(Reflect.get({}, 'mallory')).toBeUndefined();
  });
  it('a cid that is no hash, a corpus name that is none', async () => {
    for (const cid of ['', 'short', '__proto__', `${'A'.repeat(43)}#0`, '../../etc/passwd']) {
      expect(await offerText('mallory poison', { cid })).toEqual({ ok: false, error: { type: 'CidMalformed' } });
    }
    for (const corpus of ['', ' ', 'a\u202eb', 'a\nb', 'x'.repeat(limits.corpusNameCharsMax + 1)]) {
      expect(await offerText('mallory poison', { corpus })).toEqual({ ok: false, error: { type: 'CorpusMalformed' } });
    }
  });
  it('five megabytes of one letter run, in which there is no word', async () => {
    expect(await offer(new Uint8Array(limits.documentBytesMax).fill(0x61))).toEqual({
      ok: false,
      error: { type: 'Empty' },
    });
  });
});

describe('bounded, and gone again after removal', () => {
  const takeAndRemove = async (text: string): Promise<void> => {
    const { cid } = unwrap(await offerText(text));
    for (let index = 0; ; index++) {
      const passage = room.passage(cid, index);
      if (passage === null) break;
      expect(passage.text.length).toBeLessThanOrEqual(limits.passageCharsMax);
    }
    expect(room.search({ query: 'poison', k: 5 }).passages[0]?.text.length ?? 0).toBeLessThanOrEqual(
      limits.passageCharsMax,
    );
    for (const quote of room.quotes({ query: 'poison', k: 99 }))
      expect(quote.quote.length).toBeLessThanOrEqual(limits.sentenceCharsMax);
    expect(room.remove(cid)).toBe(true);
    expectOnlyAnna();
  };

  it('one line of five megabytes without a space', async () => {
    await takeAndRemove(`poison ${'a'.repeat(limits.documentBytesMax - 10)}`);
    await takeAndRemove('poison-'.repeat(700_000));
  });
  it('a million headings, list marks, fences, stops, brackets', async () => {
    for (const piece of ['# x\n', '- \n', '```\n', '.', '[a]. ', '> ', '|\n', '\n', ' \n \n', '"', '1. ']) {
      await takeAndRemove(`poison\n${piece.repeat(Math.floor(1_000_000 / piece.length))}\nmallory`);
    }
  });
  it('turned and invisible characters: the title loses them, the words are found, the text is kept as it is', async () => {
    const text = '# Wa\u200bter \u202edereviled\u202c\n\nThe mal\u200blory poi\u00adson text.';
    const { cid, title } = unwrap(await offerText(text));
    expect(title).toBe('Water dereviled');
    expect(room.search({ query: 'mallory', k: 5 }).passages[0]?.cid).toBe(cid);
    expect(room.document(cid)?.body).toBe(text);
  });
  it('each document in a corpus of its own: the corpora run out, the rest is refused', async () => {
    const refusals = [];
    for (let i = 0; i < limits.corporaMax + 3; i++)
      refusals.push(await offerText(`mallory ${i}`, { corpus: `corpus ${i}` }));
    expect(refusals.filter((result) => !result.ok)).toHaveLength(4);
    expect(refusals.at(-1)).toEqual({ ok: false, error: { type: 'LibraryFull', what: 'corpora' } });
    expect(room.corpora()).toHaveLength(limits.corporaMax);
  });
});

describe('a room under random bytes', () => {
  it('answers each file with a value, and holds exactly the files it accepted', async () => {
    const line = fc.constantFrom(
      '---',
      'title: x',
      '# Heading',
      '- item',
      '\u0000',
      '\u202e',
      '🙂',
      'mallory poison',
      '__proto__: 1',
      '```',
      '\r',
      '\ud83d',
    );
    const file = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(line, { maxLength: 12 }).map((lines) => utf8(lines.join('\n'))),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 6 }), async (files) => {
        const fresh = createSearchRoom({ loadStemmer, now: () => 0 });
        let accepted = 0;
        for (const bytes of files) {
          const result = await fresh.ingest({ cid: cidOf(bytes), corpus: 'c', bytes });
          if (result.ok && !result.value.duplicate) accepted += 1;
        }
        expect(fresh.corpora()[0]?.documents ?? 0).toBe(accepted);
      }),
      { numRuns: 200 },
    );
  });
});
