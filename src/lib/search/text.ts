import { limits } from '../kernel/limits.ts';
import type { Language } from './language.ts';
import type { Stem } from './stemmers.ts';
import { stopwords } from './stopwords.ts';

/**
 * Turns text into the terms an index knows. `name` and `version` say which rules made the terms: numbers of two indexes
 * may be added only when name, version and language are equal.
 */
export type Analyzer = {
  readonly name: string;
  readonly version: number;
  readonly language: Language;
  /** Terms of a text in reading order, repeats included. */
  terms(text: string): string[];
  /** Terms of a question: words that only ask are left out too. */
  queryTerms(text: string): string[];
};

export const createAnalyzer = (language: Language, stem: Stem): Analyzer => {
  const { everywhere, inQuestions } = stopwords(language);
  const spell = language === 'de' ? spellGerman : stripAccents;
  /** Word as written (lower case) to term, or '' for a word that is none; a natural text repeats most of its words. */
  const termByWord = new Map<string, string>();

  const termOf = (word: string): string => {
    const known = termByWord.get(word);
    if (known !== undefined) return known;
    const spelled = spell(word);
    const term = isTooShort(spelled) || everywhere.has(spelled) ? '' : fold(stem(spelled));
    if (termByWord.size >= limits.analyzerWordsMax) termByWord.clear();
    termByWord.set(word, term);
    return term;
  };

  return {
    name: 'hearthnet-words',
    version: 1,
    language,
    terms: (text) => {
      const terms: string[] = [];
      eachWord(text, (word) => {
        const term = termOf(word);
        if (term !== '') terms.push(term);
      });
      return terms;
    },
    queryTerms: (text) => {
      const terms: string[] = [];
      eachWord(text, (word) => {
        if (inQuestions.has(spell(word))) return;
        const term = termOf(word);
        if (term !== '') terms.push(term);
      });
      return terms;
    },
  };
};

/** How many words of a text belong clearly to one language; German letters count as a word of German. */
export const languageProfile = (text: string): { readonly en: number; readonly de: number } => {
  const counts = { en: 0, de: 0 };
  eachWord(text.slice(0, limits.languageSampleChars), (word) => {
    if (/[äöüß]/.test(word)) counts.de += 1;
    const isEnglish = isFunctionWord('en', word);
    const isGerman = isFunctionWord('de', word);
    if (isEnglish && !isGerman) counts.en += 1;
    if (isGerman && !isEnglish) counts.de += 1;
  });
  return counts;
};

/** The language of a text by its small words; English when nothing speaks for either. Deterministic on every device. */
export const detectLanguage = (text: string): Language => {
  const { en, de } = languageProfile(text);
  return de > en ? 'de' : 'en';
};

const isFunctionWord = (language: Language, word: string): boolean => {
  const { everywhere, inQuestions } = stopwords(language);
  return everywhere.has(word) || inQuestions.has(word);
};

/** Soft hyphens, zero-width characters and direction marks: invisible, so a word with one inside is the same word. */
const invisible = /[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g;
export const withoutInvisible = (text: string): string => text.replace(invisible, '');

/**
 * Calls `visit` with each word: a run of letters, digits and marks, NFKC, lower case. Longer runs than
 * `limits.wordCharsMax` are noise (keys, data URLs) and skipped.
 */
export const eachWord = (text: string, visit: (word: string) => void): void => {
  const plain = withoutInvisible(text).normalize('NFKC').toLowerCase();
  let start = -1;
  for (let at = 0; at <= plain.length; at++) {
    const isInside = at < plain.length && isWordCode(plain.charCodeAt(at));
    if (isInside && start < 0) start = at;
    if (isInside || start < 0) continue;
    if (at - start <= limits.wordCharsMax) visit(plain.slice(start, at));
    start = -1;
  }
};

const isWordCode = (code: number): boolean => {
  if (code < 128) return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 65 && code <= 90);
  if (code < 256) return code >= 0xc0 && code !== 0xd7 && code !== 0xf7;
  return /[\p{L}\p{N}\p{M}]/u.test(String.fromCharCode(code));
};

/** One letter says nothing; one digit may ("2 litres"). */
const isTooShort = (word: string): boolean => word.length < 2 && !/\d/.test(word);

const stripAccents = (word: string): string =>
  isAscii(word) ? word : word.normalize('NFD').replace(/\p{M}/gu, '').replaceAll('ß', 'ss');

const isAscii = (word: string): boolean => /^[\u0020-\u007e]*$/.test(word);

/**
 * One spelling for Snowball German: ß as ss, foreign accents off, and the typewriter's ae, oe, ue back to the umlaut
 * unless a vowel or q stands before ("neue", "Steuer", "Quelle" stay). The stemmer takes the umlaut itself off at the end,
 * so "Hähne", "Haehne" and "Hahn" meet.
 */
const spellGerman = (word: string): string => {
  const plain = isAscii(word) ? word : word.replaceAll('ß', 'ss').replace(/[^\u0020-\u007eäöü]/g, stripAccents);
  return plain.replace(/(^|[^aeiouqäöü])([aou])e/g, (_, before: string, vowel: string) => before + umlauts[vowel]);
};

const umlauts: { readonly [vowel: string]: string } = { a: 'ä', o: 'ö', u: 'ü' };

const fold = (term: string): string => (isAscii(term) ? term : stripAccents(term));
