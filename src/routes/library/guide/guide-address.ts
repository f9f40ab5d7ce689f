import type { Range } from './guide-text.ts';

/** What the address of the reader names: a document by its content id, or a starter guide; a passage in it; at whose device. */
export type GuideAddress = {
  readonly cid?: string;
  readonly guide?: string;
  readonly passage?: string;
  readonly device?: string;
  /** Where the passage and the quote lie in the body. */
  readonly at?: Range | null;
  readonly quote?: Range | null;
};

/** The query part of the reader's address, with its question mark. */
export const guideQuery = ({ cid, guide, passage, device, at, quote }: GuideAddress): string => {
  const query = new URLSearchParams();
  if (guide) query.set('id', guide);
  if (cid) query.set('cid', cid);
  if (passage) query.set('passage', passage);
  if (device) query.set('device', device);
  if (at) query.set('at', rangeToText(at));
  if (quote) query.set('quote', rangeToText(quote));
  return `?${query}`;
};

/** Total: whatever stands in an address becomes wishes; what is malformed is left out. */
export const readGuideAddress = (query: URLSearchParams): Required<GuideAddress> => ({
  cid: query.get('cid') ?? '',
  guide: query.get('id') ?? '',
  passage: query.get('passage') ?? '',
  device: query.get('device') ?? '',
  at: textToRange(query.get('at') ?? ''),
  quote: textToRange(query.get('quote') ?? ''),
});

const rangeToText = ({ start, end }: Range): string => `${start}-${end}`;

const textToRange = (text: string): Range | null => {
  const match = /^(\d{1,9})-(\d{1,9})$/.exec(text);
  if (!match) return null;
  const range = { start: Number(match[1]), end: Number(match[2]) };
  return range.end > range.start ? range : null;
};
