import type { FoundPassage } from '../kernel/ports/search.ts';
import type { Document } from './document.ts';
import type { DocumentSource } from './front-matter.ts';
import type { PassagePlace } from './passages.ts';

/** A passage as it is answered with: what the port says, no more and no less. All numbers are integers, because the wire knows no others. */
export type Passage = FoundPassage;

/** A document in the room, cut. `source` is what the person who added it said of its origin. */
export type StoredDocument = {
  readonly cid: string;
  readonly corpus: string;
  readonly document: Document;
  readonly source: string;
  readonly places: readonly PassagePlace[];
};

export const passageId = (cid: string, index: number): string => `${cid}#${index}`;

/** null when the text is not the id of a passage. */
export const parsePassageId = (id: string): { readonly cid: string; readonly index: number } | null => {
  const match = /^([A-Za-z0-9_-]{1,64})#(\d{1,8})$/.exec(id);
  return match === null ? null : { cid: match[1] ?? '', index: Number(match[2]) };
};

/** null when the document has no passage of that number. */
export const passageOf = (stored: StoredDocument, index: number, score: number): Passage | null => {
  const place = stored.places[index];
  if (place === undefined) return null;
  const { document } = stored;
  const text = document.body.slice(place.start, place.end);
  return {
    id: passageId(stored.cid, index),
    text,
    score,
    title: document.title,
    headingPath: place.headings.join(' > '),
    page: 0,
    start: place.start,
    end: place.end,
    source: citedSources(document.sources, text) || stored.source,
    date: document.updated,
    licence: document.licence,
    lang: document.language,
    cid: stored.cid,
    corpus: stored.corpus,
  };
};

/** The sources whose marks stand in the text; all of the document's when it marks none. */
const citedSources = (sources: readonly DocumentSource[], text: string): string => {
  const marked = sources.filter((source) => text.includes(`[${source.id}]`));
  return (marked.length > 0 ? marked : sources).map(citeSource).join('; ');
};

const citeSource = ({ agency, title, year }: DocumentSource): string =>
  [agency, title, year > 0 ? String(year) : ''].filter((part) => part !== '').join(', ');
