import { describe, expect, it } from 'vitest';
import { loadStemmer } from '../../src/lib/search/stemmers.ts';
import { createAnalyzer, detectLanguage } from '../../src/lib/search/text.ts';

const english = createAnalyzer('en', await loadStemmer('en'));
const german = createAnalyzer('de', await loadStemmer('de'));

describe('the English analyzer', () => {
  it('lets forms of a word meet, also those the stemmer package keeps apart', () => {
    for (const forms of [
      ['bleeds', 'bleeding'],
      ['disinfection', 'disinfect'],
      ['condition', 'conditioned'],
      ['adoption', 'adopted'],
      ['stories', 'story'],
    ]) {
      expect(new Set(forms.flatMap((form) => english.terms(form))).size, forms.join(' ')).toBe(1);
    }
  });
  it('keeps short words with "ion" whole', () => {
    expect(english.terms('lion tension')).toEqual(['lion', 'tension']);
  });
  it('leaves nothing of a question that only asks', () => {
    expect(english.queryTerms('What should I do about it, please?')).toEqual([]);
  });
  it('keeps the subject of a question', () => {
    expect(english.queryTerms('How much water do I store?')).toEqual(['water', 'store']);
  });
  it('keeps numbers and drops single letters', () => {
    expect(english.terms('2 l of B')).toEqual(['2']);
  });
  it('writes ligatures, full-width letters and accents plainly', () => {
    expect(english.terms('ﬁre ｗａｔｅｒ café')).toEqual(english.terms('fire water cafe'));
  });
});

describe('the German analyzer', () => {
  it('lets umlauts, typewriter spelling and plain forms meet', () => {
    for (const forms of [
      ['Hähne', 'Haehne', 'Hahn', 'HÄHNE'],
      ['Straße', 'Strasse', 'STRASSE'],
      ['für Wärme', 'fuer Waerme', 'Wärme'],
      ['größere', 'groessere'],
    ]) {
      expect(new Set(forms.map((form) => german.terms(form).join(' '))).size, forms.join(' ')).toBe(1);
    }
  });
  it('takes decomposed umlauts for composed ones', () => {
    expect(german.terms('Ka\u0308lte')).toEqual(german.terms('Kälte'));
  });
  it('does not read an umlaut into neue, Steuer or Quelle', () => {
    expect(german.terms('neue')).toEqual(german.terms('neu'));
    expect(german.terms('Steuer Quelle').join(' ')).not.toMatch(/stur|qull/);
  });
  it('keeps the subject of a question', () => {
    expect(german.queryTerms('Was mache ich, wenn das Wasser abgestellt ist?')).toEqual(
      german.terms('Wasser abgestellt'),
    );
  });
});

describe('both analyzers', () => {
  it('see through zero-width characters and direction marks inside a word', () => {
    expect(english.terms('wa\u200bter \u202ewater\u202c wa\u00adter')).toEqual(['water', 'water', 'water']);
  });
  it('skip a run of letters that is longer than any word', () => {
    expect(english.terms(`${'x'.repeat(65)} water`)).toEqual(['water']);
  });
  it('give the same terms for the same text when the word cache has been filled and emptied', () => {
    const fresh = createAnalyzer('de', (word) => word);
    const before = fresh.terms('Wasser aus dem Hahn');
    for (let i = 0; i < 100_001; i++) fresh.terms(`wort${i}`);
    expect(fresh.terms('Wasser aus dem Hahn')).toEqual(before);
  });
});

describe('the language of a text', () => {
  it('is found by its small words', () => {
    expect(detectLanguage('What do I do if the water is cut off?')).toBe('en');
    expect(detectLanguage('Was mache ich, wenn das Wasser abgestellt ist?')).toBe('de');
    expect(detectLanguage('Kein Strom')).toBe('de');
  });
  it('is English when nothing speaks for either', () => {
    expect(detectLanguage('')).toBe('en');
    expect(detectLanguage('12345 §§§')).toBe('en');
  });
});
