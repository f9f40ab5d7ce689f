import { compareHits, type Hit } from './best-hits.ts';
import { createLexicalIndex, type LexicalIndex } from './lexical-index.ts';
import type { Stem } from './stemmers.ts';
import type { Language } from './language.ts';
import { createAnalyzer, languageProfile } from './text.ts';

/** One lexical index a language, opened when the first document in it comes. */
export type LanguageIndexes = {
  find(language: Language): LexicalIndex | undefined;
  open(language: Language): Promise<LexicalIndex>;
  /** The best hits of all languages, best first; `score` is a share 0..1 of what the question could reach. */
  search(query: AskedText, k: number, accepts: (cid: string) => boolean): Hit[];
};

/** `language` is set when the asker knows it; else the small words of the text decide. */
export type AskedText = { readonly text: string; readonly language: Language | undefined };

/** A passage in another language than the question's must be this much better to come first. */
const otherLanguageShare = 0.75;

export const createLanguageIndexes = (loadStemmer: (language: Language) => Promise<Stem>): LanguageIndexes => {
  const indexes = new Map<Language, LexicalIndex>();
  return {
    find: (language) => indexes.get(language),
    open: async (language) => {
      const known = indexes.get(language);
      if (known !== undefined) return known;
      const stem = await loadStemmer(language);
      // Two documents may have waited for the same stemmer: the second finds the index the first one opened.
      const index = indexes.get(language) ?? createLexicalIndex({ analyzer: createAnalyzer(language, stem) });
      indexes.set(language, index);
      return index;
    },
    search: (query, k, accepts) => {
      const found = [...indexes].flatMap(([language, index]) => {
        const { hits, attainable } = index.search(query.text, k, accepts);
        const share = languageShare(query, language);
        return hits.map((hit) => ({ ...hit, score: (hit.score / attainable) * share }));
      });
      return found.sort(compareHits).slice(0, k);
    },
  };
};

/**
 * Scores of two indexes are comparable because each is a share of what the question could reach there, with the words an
 * index has never seen in the reckoning. When the question's language is known or plain, the other language steps back.
 */
const languageShare = ({ text, language }: AskedText, indexLanguage: Language): number => {
  if (language !== undefined) return language === indexLanguage ? 1 : otherLanguageShare;
  const { en, de } = languageProfile(text);
  if (en === de) return 1;
  return (de > en ? 'de' : 'en') === indexLanguage ? 1 : otherLanguageShare;
};
