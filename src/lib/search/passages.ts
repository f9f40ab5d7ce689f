import { limits } from '../kernel/limits.ts';
import { cutBefore, endOfLine, type Span, splitSentences } from './sentences.ts';

/** A stretch of a document's body that is found and quoted as one: body.slice(start, end). Headings from the outside in, without the document's title. */
export type PassagePlace = Span & { readonly headings: readonly string[] };

/**
 * Cuts a body into passages of about `limits.passageWordsMin` to `limits.passageWordsMax` words, without overlap: at headings, then between
 * paragraphs, then between sentences, and inside one only where it is longer than a passage. A short section stays
 * whole; only very short ones share a passage with what follows. At least one passage for every body.
 */
export const cutPassages = (body: string): PassagePlace[] => {
  const sections = mergeTiny(body, splitSections(body));
  if (sections.length === 0) sections.push({ ...trimmed(body, 0, body.length), headings: [] });
  return sections.flatMap((section) => cutLong(body, section).map((span) => ({ ...span, headings: section.headings })));
};

/** Splits at ATX headings outside of code fences. The heading lines themselves belong to no section; empty sections are left out. */
const splitSections = (body: string): PassagePlace[] => {
  const sections: PassagePlace[] = [];
  const path: { level: number; text: string }[] = [];
  let start = 0;
  let isFenced = false;
  let hasTitle = false;
  const close = (end: number): void => {
    const span = trimmed(body, start, end);
    if (span.end > span.start) sections.push({ ...span, headings: path.map((heading) => heading.text) });
  };
  for (let at = 0; at < body.length;) {
    const lineEnd = endOfLine(body, at, body.length);
    const line = body.slice(at, Math.min(lineEnd, at + limits.titleCharsMax));
    if (/^\s{0,3}(```|~~~)/.test(line)) isFenced = !isFenced;
    const heading = isFenced ? null : /^ {0,3}(#{1,6})[ \t]+(\S.*?)[ \t]*#*$/.exec(line);
    const level = heading?.[1]?.length ?? 0;
    if (heading !== null) {
      close(at);
      start = lineEnd;
      while ((path.at(-1)?.level ?? 0) >= level) path.pop();
      if (level === 1 && !hasTitle) hasTitle = true;
      else path.push({ level, text: heading[2] ?? '' });
    }
    at = lineEnd + 1;
  }
  close(body.length);
  return sections;
};

/** A section below a third of the least passage is too little to be found by: it shares a passage until that is reached. */
const mergeTiny = (body: string, sections: readonly PassagePlace[]): PassagePlace[] => {
  const tiny = limits.passageWordsMin / 3;
  const merged: PassagePlace[] = [];
  let lastWords = 0;
  for (const section of sections) {
    const words = countWords(body, section);
    const last = merged.at(-1);
    const isShared = last !== undefined && (lastWords < tiny || words < tiny) && lastWords < limits.passageWordsMin;
    const both = last === undefined ? words : countWords(body, { start: last.start, end: section.end });
    if (
      last !== undefined &&
      isShared &&
      both <= limits.passageWordsMax &&
      section.end - last.start <= limits.passageCharsMax
    ) {
      merged[merged.length - 1] = {
        start: last.start,
        end: section.end,
        headings: joinHeadings(last.headings, section.headings),
      };
      lastWords = both;
    } else {
      merged.push(section);
      lastWords = words;
    }
  }
  return merged;
};

const joinHeadings = (first: readonly string[], second: readonly string[]): string[] => [
  ...new Set([...first, ...second]),
];

/** Words of a stretch, stopping early: beyond the greatest passage the exact number does not matter. */
const countWords = (body: string, { start, end }: Span): number => {
  let words = 0;
  let isInside = false;
  for (let at = start; at < end && words <= limits.passageWordsMax; at++) {
    const isBlank = isBlankAt(body, at);
    if (!isBlank && !isInside) words += 1;
    isInside = !isBlank;
  }
  return words;
};

const isBlankAt = (body: string, at: number): boolean => {
  const code = body.charCodeAt(at);
  return code === 32 || (code >= 9 && code <= 13) || code === 0xa0;
};

const trimmed = (body: string, from: number, to: number): Span => {
  let start = from;
  let end = to;
  while (start < end && isBlankAt(body, start)) start += 1;
  while (end > start && isBlankAt(body, end - 1)) end -= 1;
  return { start, end };
};

/** How good it is to cut before a word. */
const insideSentence = 0;
const betweenSentences = 1;
const betweenParagraphs = 2;

type Word = Span & { readonly boundary: number };

const cutLong = (body: string, section: Span): Span[] => {
  if (countWords(body, section) <= limits.passageWordsMax && section.end - section.start <= limits.passageCharsMax)
    return [section];
  const words = splitWords(body, section);
  const spans: Span[] = [];
  for (let first = 0; first < words.length;) {
    const next = chooseCut(words, first);
    spans.push({ start: words[first]?.start ?? section.start, end: words[next - 1]?.end ?? section.end });
    first = next;
  }
  return spans;
};

/** The word before which the next passage begins: the best boundary in reach, and of equal ones the nearest to an even share of what is left. */
const chooseCut = (words: readonly Word[], first: number): number => {
  const start = words[first]?.start ?? 0;
  const left = words.length - first;
  const fits = (next: number): boolean => (words[next - 1]?.end ?? 0) - start <= limits.passageCharsMax;
  if (left <= limits.passageWordsMax && fits(words.length)) return words.length;
  const share = Math.ceil(left / Math.ceil(left / limits.passageWordsMax));
  const least = first + Math.min(limits.passageWordsMin, share);
  let best = first + 1;
  let bestRank = -1;
  for (let next = first + 1; next <= Math.min(words.length, first + limits.passageWordsMax) && fits(next); next++) {
    const boundary = words[next]?.boundary ?? betweenParagraphs;
    const rank = (next >= least ? 1e6 : 0) + boundary * 1e3 - Math.abs(next - first - share);
    if (rank <= bestRank && bestRank >= 0) continue;
    best = next;
    bestRank = rank;
  }
  return best;
};

/** A word without end counts as several, so that a passage is bounded in characters too. */
const wordCharsMax = limits.passageCharsMax / 4;

const splitWords = (body: string, section: Span): Word[] => {
  const sentenceStarts = new Set(splitSentences(body, section.start, section.end).map((sentence) => sentence.start));
  const words: Word[] = [];
  let previousEnd = section.start;
  for (let at = section.start; at < section.end;) {
    if (isBlankAt(body, at)) {
      at += 1;
      continue;
    }
    let end = at;
    while (end < section.end && !isBlankAt(body, end)) end += 1;
    const boundary = boundaryBefore(body, previousEnd, at, end, sentenceStarts);
    for (let part = at; part < end;) {
      const partEnd = cutBefore(body, part, end, wordCharsMax);
      words.push({ start: part, end: partEnd, boundary: part === at ? boundary : insideSentence });
      part = partEnd;
    }
    previousEnd = end;
    at = end;
  }
  return words;
};

const boundaryBefore = (
  body: string,
  previousEnd: number,
  at: number,
  end: number,
  sentenceStarts: ReadonlySet<number>,
): number => {
  const gap = body.slice(previousEnd, at);
  const isListMark = end - at <= 4 && /^([-*+>|]|\d{1,3}[.)])$/.test(body.slice(at, end));
  if (/\n\s*\n/.test(gap) || (gap.includes('\n') && isListMark)) return betweenParagraphs;
  return sentenceStarts.has(at) ? betweenSentences : insideSentence;
};
