import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { cutPassages } from '../../src/lib/search/passages.ts';
import { splitSentences } from '../../src/lib/search/sentences.ts';

/** Words as the cutter counts them: parted by ASCII blanks and the no-break space. */
const wordCount = (text: string): number => text.split(/[\t-\r \u00a0]+/).filter((word) => word !== '').length;
const prose = (words: number, name = 'word'): string =>
  Array.from({ length: words }, (_, i) => `${name}${i}${i % 12 === 11 ? '.' : ''}`).join(' ');
const texts = (body: string): string[] => cutPassages(body).map(({ start, end }) => body.slice(start, end));

/** Markdown as it comes: headings, lists, fences, blank lines, odd characters. */
const anyBody = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '# Title',
        '## Section',
        '### Part',
        '- item one',
        '1. step',
        '```',
        '',
        '   ',
        '| a | b |',
        '> said',
        '---',
      ),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.integer({ min: 1, max: 450 }).map((count) => prose(count)),
    ),
    { maxLength: 12 },
  )
  .map((lines) => lines.join('\n'))
  .filter((body) => body.trim() !== '');

describe('passages', () => {
  it('are exact, ordered pieces of the body that do not overlap, for any text', () => {
    fc.assert(
      fc.property(anyBody, (body) => {
        const places = cutPassages(body);
        expect(places.length).toBeGreaterThan(0);
        let last = 0;
        for (const { start, end } of places) {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(body.length);
          expect(end - start).toBeLessThanOrEqual(limits.passageCharsMax);
          expect(wordCount(body.slice(start, end))).toBeLessThanOrEqual(limits.passageWordsMax);
          last = end;
        }
      }),
    );
  });

  it('lose no word of the text outside of headings', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 }), (sections) => {
        const body = sections.map((count, i) => `## Section ${i}\n\n${prose(count, `s${i}w`)}`).join('\n\n');
        const found =
          texts(body)
            .join(' ')
            .match(/s\d+w\d+/g) ?? [];
        expect(found).toHaveLength(sections.reduce((sum, count) => sum + count, 0));
        expect(new Set(found).size).toBe(found.length);
      }),
    );
  });

  it('leave a short text whole', () => {
    const body = `${prose(90)}\n\n${prose(90)}`;
    expect(texts(body)).toEqual([body]);
  });

  it('do not cross a heading', () => {
    const body = `# Title\n\n## One\n\n${prose(80)}\n\n## Two\n\n${prose(80)}`;
    expect(cutPassages(body).map((place) => place.headings)).toEqual([['One'], ['Two']]);
    expect(texts(body).every((text) => !text.includes('##'))).toBe(true);
  });

  it('join very short sections up to the least passage', () => {
    const body = Array.from({ length: 12 }, (_, i) => `## Part ${i}\n\n${prose(20)}`).join('\n\n');
    const passages = texts(body);
    expect(passages.length).toBeLessThan(4);
    expect(passages.every((text) => wordCount(text) >= 40)).toBe(true);
    expect(cutPassages(body)[0]?.headings).toContain('Part 1');
  });

  it('of a long section have 120 to 200 words and end with a sentence', () => {
    const paragraph = `${prose(47)}.`;
    const passages = texts(`## Long\n\n${Array.from({ length: 20 }, () => paragraph).join('\n\n')}`);
    for (const text of passages) {
      expect(wordCount(text)).toBeGreaterThanOrEqual(limits.passageWordsMin);
      expect(wordCount(text)).toBeLessThanOrEqual(limits.passageWordsMax);
      expect(text.endsWith('.')).toBe(true);
    }
  });

  it('keep the path of headings and take a heading in a code fence for text', () => {
    const body = `# Title\n\n## Water\n\n### Boil\n\n${prose(60)}\n\n\`\`\`\n## not a heading\n\`\`\`\n\n## Next\n\n${prose(60)}`;
    const places = cutPassages(body);
    expect(places.map((place) => place.headings)).toEqual([['Water', 'Boil'], ['Next']]);
  });

  it('cut one endless word without breaking a character in two', () => {
    const passages = texts('🙂'.repeat(9_000));
    expect(passages.length).toBeGreaterThan(3);
    for (const text of passages) expect(text).toBe(text.toWellFormed());
  });
});

describe('sentences', () => {
  const sentencesOf = (text: string): string[] => splitSentences(text).map(({ start, end }) => text.slice(start, end));

  it('keep their source marks', () => {
    expect(sentencesOf('Boil it for one minute. [epa] Let it cool [epa]. Store it.')).toEqual([
      'Boil it for one minute. [epa]',
      'Let it cool [epa].',
      'Store it.',
    ]);
  });
  it('do not end at abbreviations, ordinals or initials', () => {
    expect(sentencesOf('Nimm z. B. einen Eimer. Am 3. Mai war ca. 1 Liter da. Dr. Chen kam.')).toEqual([
      'Nimm z. B. einen Eimer.',
      'Am 3. Mai war ca. 1 Liter da.',
      'Dr. Chen kam.',
    ]);
    expect(sentencesOf('High up, above 1000 m. Boil longer, e.g. Three minutes.')).toEqual([
      'High up, above 1000 m.',
      'Boil longer, e.g. Three minutes.',
    ]);
  });
  it('begin anew at list items, without the mark', () => {
    expect(sentencesOf('Do this:\n- fill pots\n- fill the\n  bathtub\n1. Boil it.')).toEqual([
      'Do this:',
      'fill pots',
      'fill the\n  bathtub',
      'Boil it.',
    ]);
  });
  it('leave headings and rules out', () => {
    expect(sentencesOf('# Title\nText here.\n---\n## Next\nMore text.')).toEqual(['Text here.', 'More text.']);
  });
  it('are ordered pieces of bounded length for any text', () => {
    fc.assert(
      fc.property(anyBody, (body) => {
        let last = 0;
        for (const { start, end } of splitSentences(body)) {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThan(start);
          expect(end - start).toBeLessThanOrEqual(limits.sentenceCharsMax);
          last = end;
        }
      }),
    );
  });
});
