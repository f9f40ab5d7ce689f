import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkGuide, checkLibrary, checkTwins, indexOf, readGuides } from '../run/library-index.mjs';

const folder = fileURLToPath(new URL('../../static/library/', import.meta.url));
const place = { id: 'tea', language: 'en' };
const epa = '  - id: epa; agency: US EPA; title: Water; year: 2017; figures: boil 1 minute, 0.5 litres';

/** A guide that breaks no rule, but for what a test puts into it. */
const guideWith = ({ first = 'Drink tea.', source = epa, language = 'en', id = 'tea' }: Parts = {}): string => {
  const section = `${'calm '.repeat(90).trim()}.`;
  const sections = ['Right now', 'Then', 'Later', 'At home', 'Outside'].map((heading, at) => {
    return `## ${heading}\n\n${at === 0 ? `${first}\n\n` : ''}${section}\n`;
  });
  const head = [`id: ${id}`, 'title: Tea: how to stay calm', `language: ${language}`, 'updated: 2026-11-23'];
  const rest = ['licence: CC BY 4.0', 'author: Anna', 'reviewer: none yet', 'keywords: tea', 'questions: How?'];
  return `---\n${[...head, ...rest].join('\n')}\nsources:\n${source}\n---\n# Tea: how to stay calm\n\n${sections.join('\n')}`;
};

type Parts = { first?: string; source?: string; language?: string; id?: string };

describe('the starter library', () => {
  const guides = readGuides(folder);

  it('has twelve guides in German and the same twelve in English, and every one keeps the rules', () => {
    expect(guides.filter(({ language }) => language === 'de')).toHaveLength(12);
    expect(guides.filter(({ language }) => language === 'en')).toHaveLength(12);
    expect(checkLibrary(guides)).toEqual([]);
  });

  it('has an index that names the bytes as they lie on disk', () => {
    expect(readFileSync(`${folder}/index.json`, 'utf8')).toBe(indexOf(guides));
  });

  it('is listed by language, then id, so that two builds give the same index', () => {
    const rows = guides.map(({ language, id }) => `${language}/${id}`);
    expect(rows).toEqual([...rows].sort());
  });
});

describe('a guide that Anna writes', () => {
  it('is accepted when every figure has a source that lists it', () => {
    expect(checkGuide(guideWith({ first: 'Boil it for 1 minute [epa]. Call 112 if you feel ill.' }), place)).toEqual(
      [],
    );
  });

  it('is refused when a figure stands without a source', () => {
    const complaints = checkGuide(guideWith({ first: 'Boil it for 1 minute.' }), place);
    expect(complaints).toEqual(['The figure 1 has no source: Boil it for 1 minute.']);
  });

  it('is refused when only the next sentence or the next list item names the source', () => {
    expect(checkGuide(guideWith({ first: 'Boil it for 1 minute. Let it cool [epa].' }), place)).toHaveLength(1);
    expect(checkGuide(guideWith({ first: '- Boil it for 1 minute\n- Let it cool [epa]' }), place)).toHaveLength(1);
  });

  it('is refused when the figure is spelled out to slip past', () => {
    expect(checkGuide(guideWith({ first: 'Boil it for one full minute.' }), place)).toHaveLength(1);
    const german = { language: 'de', id: 'tea' };
    expect(checkGuide(guideWith({ first: 'Koch es zwei Minuten lang.', language: 'de' }), german)).toHaveLength(1);
    expect(checkGuide(guideWith({ first: 'Boil it for one full minute [epa].' }), place)).toEqual([]);
  });

  it('is refused when the source does not list the figure', () => {
    const complaints = checkGuide(guideWith({ first: 'Boil it for 3 minutes [epa].' }), place);
    expect(complaints).toEqual(['The figure 3 is not among the figures of [epa]: Boil it for 3 minutes [epa].']);
  });

  it('may write a decimal comma where the source writes a point', () => {
    const german = { language: 'de', id: 'tea' };
    expect(checkGuide(guideWith({ first: 'Trink 0,5 Liter [epa].', language: 'de' }), german)).toEqual([]);
  });

  it('is refused when it names a source that is not listed', () => {
    const complaints = checkGuide(guideWith({ first: 'Let it cool [who].' }), place);
    expect(complaints).toEqual(['The mark [who] names no listed source: Let it cool [who].']);
  });

  it('is refused when a source has no year, or no source is there at all', () => {
    const noYear = '  - id: epa; agency: US EPA; title: Water; figures: none';
    expect(checkGuide(guideWith({ source: noYear }), place)).toEqual(['The source "epa" has no "year".']);
    expect(checkGuide(guideWith({ source: '' }), place)).toEqual(['The front matter lists no source.']);
  });

  it('does not take step numbers and telephone numbers for figures', () => {
    const first = '1. Call 112.\n2. Ask 116 117 for a doctor.\n3. Stay.';
    expect(checkGuide(guideWith({ first }), place)).toEqual([]);
  });

  it('is refused with a link, an image, a table or HTML in it', () => {
    for (const first of ['[here](x)', '![a](b)', 'See https://example.org', '| a | b |', '<b>Now</b>']) {
      expect(checkGuide(guideWith({ first }), place), first).not.toEqual([]);
    }
  });

  it('is refused when it is about danger to life and does not begin with the call to 112', () => {
    const burns = { id: 'burns', language: 'en' };
    expect(checkGuide(guideWith({ id: 'burns', first: 'Cool it.' }), burns)).toHaveLength(1);
    expect(checkGuide(guideWith({ id: 'burns', first: 'Call 112 and cool it.' }), burns)).toEqual([]);
  });

  it('is refused when it lies under another name or in the wrong language folder', () => {
    expect(checkGuide(guideWith(), { id: 'coffee', language: 'en' })).toHaveLength(1);
    expect(checkGuide(guideWith(), { id: 'tea', language: 'de' })).toHaveLength(1);
  });

  it('is refused, not crashed on, when it has no front matter', () => {
    expect(checkGuide('# Tea\n', place)).toEqual(['There is no front matter between two lines of "---".']);
    expect(checkGuide('', place)).toHaveLength(1);
  });

  it('is refused as long as Bora has not written its twin', () => {
    const tea = { id: 'tea', language: 'en' };
    expect(checkTwins([tea])).toEqual(['tea: there is no de/tea.md beside its twin.']);
    expect(checkTwins([tea, { id: 'tea', language: 'de' }])).toEqual([]);
  });
});
