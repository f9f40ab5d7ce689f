import { limits } from '../kernel/limits.ts';

/** A place in a text: text.slice(start, end). */
export type Span = { readonly start: number; readonly end: number };

/**
 * The sentences of a stretch of text, in order, each without the blank space, list mark or quote mark before it. Headings,
 * fences and rules are no sentences. A line that begins a list item, heading or table row begins a sentence; other lines run on.
 * A source mark after the full stop ("... one minute. [epa]") belongs to its sentence. Written here, not taken from
 * Intl.Segmenter, so that every device cuts alike.
 */
export const splitSentences = (text: string, start = 0, end = text.length): Span[] => {
  const sentences: Span[] = [];
  for (const block of splitBlocks(text, start, end)) pushSentences(sentences, text, block);
  return sentences;
};

/** Paragraphs, list items and table rows: stretches that no sentence crosses. Headings, fences and rules are left out. */
const splitBlocks = (text: string, start: number, end: number): Span[] => {
  const blocks: Span[] = [];
  let open: { start: number; end: number } | null = null;
  const close = (): void => {
    if (open !== null) blocks.push(open);
    open = null;
  };
  for (let at = start; at < end;) {
    const lineEnd = endOfLine(text, at, end);
    const line = text.slice(at, lineEnd);
    if (isNoProse(line)) close();
    else if (open === null || startsBlock(line)) {
      close();
      open = { start: at + markLength(line), end: lineEnd };
    } else open.end = lineEnd;
    at = lineEnd + 1;
  }
  close();
  return blocks;
};

export const endOfLine = (text: string, at: number, end: number): number => {
  const found = text.indexOf('\n', at);
  return found < 0 || found > end ? end : found;
};

const isNoProse = (line: string): boolean =>
  /^\s*$|^ {0,3}#{1,6}\s|^\s*(```|~~~)|^\s*([-*_=]\s*){3,}$/.test(line.slice(0, limits.sentenceCharsMax));

const listMark = /^\s*(?:[-*+]\s+(?:\[[ xX]\]\s+)?|\d{1,3}[.)]\s+|>\s?)+/;
const startsBlock = (line: string): boolean => /^\s*\|/.test(line) || listMark.test(line.slice(0, 40));
const markLength = (line: string): number =>
  (listMark.exec(line.slice(0, 40))?.[0] ?? /^\s*/.exec(line.slice(0, 40))?.[0] ?? '').length;

/** The end of a sentence: stop marks, closing quotes or brackets, source marks, then blank space. All bounded, so a line of dots costs nothing. */
const sentenceEnd = /(?<![.!?…])[.!?…]{1,4}["'”“’»)\]]{0,4}(?:\s?\[[A-Za-z0-9_-]{1,40}\]){0,6}(?=\s)/g;

const pushSentences = (sentences: Span[], text: string, block: Span): void => {
  const content = text.slice(block.start, block.end);
  let start = 0;
  for (const match of content.matchAll(sentenceEnd)) {
    const end = match.index + match[0].length;
    if (!isRealEnd(content, match.index, end)) continue;
    pushSpan(sentences, text, block.start + start, block.start + end);
    start = end;
  }
  pushSpan(sentences, text, block.start + start, block.end);
};

const abbreviations = new Set(
  'approx bzw ca cf co dr ed eg etc evtl fig ggf hr ie inc jr ltd max min mr mrs ms nr no op prof sr st str usw vgl vs'.split(
    ' ',
  ),
);

/**
 * A stop is none after an abbreviation, a single letter ("z. B.") that is no unit ("1000 m."), or a small number ("am 3. Mai"),
 * and none before a small letter.
 */
const isRealEnd = (content: string, stop: number, end: number): boolean => {
  const next = content.slice(end, end + 8).trimStart();
  if (/^\p{Ll}/u.test(next)) return false;
  if (content[stop] !== '.') return true;
  const before = content.slice(Math.max(0, stop - 12), stop);
  const word = /[\p{L}\p{N}]+$/u.exec(before)?.[0] ?? '';
  if (/\d\s?\p{L}$/u.test(before)) return true;
  return !(/^(\p{L}|\d{1,2})$/u.test(word) || abbreviations.has(word.toLowerCase()));
};

/** Trims the span, and cuts one that is longer than a sentence may be at blank space, or anywhere where there is none. */
const pushSpan = (sentences: Span[], text: string, from: number, to: number): void => {
  let start = from;
  while (start < to) {
    while (start < to && /\s/.test(text[start] ?? '')) start += 1;
    const end = cutBefore(text, start, to, limits.sentenceCharsMax);
    let last = end;
    while (last > start && /\s/.test(text[last - 1] ?? '')) last -= 1;
    if (last > start) sentences.push({ start, end: last });
    start = end;
  }
};

/** Where to cut a stretch so that at most `charsMax` stay before the cut: at `to`, else at blank space, never inside a surrogate pair. */
export const cutBefore = (text: string, start: number, to: number, charsMax: number): number => {
  if (to - start <= charsMax) return to;
  for (let at = start + charsMax; at > start + charsMax / 2; at--) if (/\s/.test(text[at] ?? '')) return at;
  const hard = start + charsMax;
  return /[\udc00-\udfff]/.test(text[hard] ?? '') ? hard - 1 : hard;
};
