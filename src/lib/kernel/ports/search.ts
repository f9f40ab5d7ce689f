import type { Result } from '../result.ts';

/** One passage as the index answers with it: the shape of `library.search`. */
export type FoundPassage = {
  /** `${cid}#${index}` */
  readonly id: string;
  readonly text: string;
  /** 0..1000: how much of what this question could score here the passage reached. */
  readonly score: number;
  readonly title: string;
  /** Headings from the outside in, joined by " > "; '' before the first heading. */
  readonly headingPath: string;
  /** Page of a paged document; 0 where there are no pages. */
  readonly page: number;
  /** Place in the document's body, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** Where its figures come from, as text for a person. */
  readonly source: string;
  readonly date: string;
  readonly licence: string;
  readonly lang: 'en' | 'de';
  readonly cid: string;
  readonly corpus: string;
};
export type FoundQuote = {
  readonly passageId: string;
  readonly quote: string;
  readonly start: number;
  readonly end: number;
};
export type IngestOutcome = {
  readonly cid: string;
  readonly corpus: string;
  readonly title: string;
  readonly language: 'en' | 'de';
  readonly passages: number;
  readonly duplicate: boolean;
};
export type SearchWish = {
  readonly query: string;
  readonly k: number;
  readonly corpora?: readonly string[];
  readonly language?: 'en' | 'de';
};
export type ReadDocument = {
  readonly cid: string;
  readonly corpus: string;
  readonly title: string;
  readonly language: 'en' | 'de';
  readonly body: string;
  readonly sources: readonly {
    readonly id: string;
    readonly agency: string;
    readonly title: string;
    readonly year: string | number;
    readonly figures: string;
  }[];
  readonly licence: string;
  readonly updated: string;
  readonly author: string;
  readonly reviewer: string;
};

type Later<T> = T | Promise<T>;

/** The index of this device's documents, in its own worker. Called by the library service only; a few coarse methods. */
export type SearchRoomPort = {
  ingest(input: {
    cid: string;
    corpus: string;
    bytes: Uint8Array;
    fileName?: string;
    title?: string;
    language?: 'en' | 'de';
    source?: string;
    licence?: string;
  }): Promise<Result<IngestOutcome, { readonly type: string }>>;
  remove(cid: string): Later<boolean>;
  search(input: SearchWish): Later<{ readonly passages: FoundPassage[]; readonly evidence: number }>;
  quotes(input: SearchWish & { readonly passageIds?: readonly string[] }): Later<FoundQuote[]>;
  document(cid: string): Later<ReadDocument | null>;
};
