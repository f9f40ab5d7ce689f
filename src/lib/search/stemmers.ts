import type { Language } from './language.ts';

/** Cuts a lower-case word to the stem under which its forms meet ("Hähne" and "Hahn", "disinfection" and "disinfect"). */
export type Stem = (word: string) => string;

/** The doorkeeper of @orama/stemmers: no other file imports it. Each language is fetched when the first document or query needs it. */
export const loadStemmer = (language: Language): Promise<Stem> => loaders[language]();

const loaders: { readonly [language in Language]: () => Promise<Stem> } = {
  en: async () => {
    const { stemmer } = await import('@orama/stemmers/english');
    return (word) => repairIon(word, stemmer(word));
  },
  de: async () => (await import('@orama/stemmers/german')).stemmer,
};

/**
 * Porter's step 4 takes "ion" off after s or t. The package takes the s or t too, and measures the wrong part, so that
 * "disinfection" and "disinfect" or "condition" and "conditioned" never meet. This puts both right.
 */
const repairIon = (word: string, stem: string): string => {
  const kept = word[stem.length];
  if ((kept === 's' || kept === 't') && word.startsWith('ion', stem.length + 1) && word.startsWith(stem))
    return stem + kept;
  if (/[st]ion$/.test(stem) && vowelGroupsBeforeConsonant(stem.slice(0, -3)) > 1) return stem.slice(0, -3);
  return stem;
};

/** Porter's measure m: how often a run of vowels is followed by a consonant. */
const vowelGroupsBeforeConsonant = (part: string): number => (part.match(/[aeiouy]+[^aeiouy]/g) ?? []).length;
