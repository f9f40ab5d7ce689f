import { limits } from '../kernel/limits.ts';
import type { StoredDocument } from './passage.ts';
import type { Language } from './language.ts';

/** What a list of corpora shows. `chars` counts the bodies, in UTF-16 units. */
export type CorpusView = {
  readonly corpus: string;
  readonly documents: number;
  readonly passages: number;
  readonly chars: number;
  readonly languages: Language[];
};

/** The documents of one search room, bounded in number, in text and in corpora. */
export type Shelf = {
  find(cid: string): StoredDocument | undefined;
  /** What there is no room for, or null when a text of that length fits into that corpus. */
  whyFull(corpus: string, chars: number): 'documents' | 'corpora' | 'text' | null;
  put(entry: StoredDocument): void;
  take(cid: string): StoredDocument | undefined;
  /** By name of corpus. */
  corpora(): CorpusView[];
};

export const createShelf = (): Shelf => {
  const entries = new Map<string, StoredDocument>();
  let storedChars = 0;
  return {
    find: (cid) => entries.get(cid),
    whyFull: (corpus, chars) => {
      if (entries.size >= limits.documentsMax) return 'documents';
      if (storedChars + chars > limits.libraryTextCharsMax) return 'text';
      const names = new Set([...entries.values()].map((entry) => entry.corpus)).add(corpus);
      return names.size > limits.corporaMax ? 'corpora' : null;
    },
    put: (entry) => {
      entries.set(entry.cid, entry);
      storedChars += entry.document.body.length;
    },
    take: (cid) => {
      const entry = entries.get(cid);
      if (entries.delete(cid)) storedChars -= entry?.document.body.length ?? 0;
      return entry;
    },
    corpora: () => {
      const views = new Map<string, CorpusView>();
      for (const entry of entries.values()) views.set(entry.corpus, extend(views.get(entry.corpus), entry));
      return [...views.values()].sort((a, b) => (a.corpus < b.corpus ? -1 : 1));
    },
  };
};

const extend = (view: CorpusView | undefined, { corpus, document, places }: StoredDocument): CorpusView => ({
  corpus,
  documents: (view?.documents ?? 0) + 1,
  passages: (view?.passages ?? 0) + places.length,
  chars: (view?.chars ?? 0) + document.body.length,
  languages: [...new Set([...(view?.languages ?? []), document.language])].sort(),
});
