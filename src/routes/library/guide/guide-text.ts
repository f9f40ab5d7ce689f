/**
 * The small Markdown of our guides, read into plain data: headings, lists, paragraphs, **bold** and [source marks].
 * Every piece is a place in the body, so that a cited passage can be marked exactly. Whatever is not of this subset
 * stays text; nothing in it can become markup.
 */
export type GuideBlock =
  | { readonly kind: 'heading'; readonly level: 1 | 2 | 3; readonly id: string; readonly pieces: readonly Piece[] }
  | { readonly kind: 'paragraph'; readonly pieces: readonly Piece[] }
  | {
      readonly kind: 'list';
      readonly isOrdered: boolean;
      readonly first: number;
      readonly items: ReadonlyArray<readonly Piece[]>;
    };

/** `source` is the id of a source mark, '' for text. Offsets are UTF-16 units of the body; marks of syntax lie between pieces. */
export type Piece = {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly isBold: boolean;
  readonly source: string;
};

export type Range = { readonly start: number; readonly end: number };

/** Total and linear: any text becomes blocks. `isSource` says which [words] are source marks. */
export const readGuide = (body: string, isSource: (mark: string) => boolean): readonly GuideBlock[] => {
  const blocks: GuideBlock[] = [];
  let paragraph: Range | null = null;
  const endParagraph = (): void => {
    if (paragraph) blocks.push({ kind: 'paragraph', pieces: readPieces(body, paragraph, isSource) });
    paragraph = null;
  };
  for (const line of linesOf(body)) {
    const text = body.slice(line.start, line.end);
    const heading = /^(#{1,3})[ \t]+(?=\S)/.exec(text);
    const item = /^[ \t]*(?:[-*]|(\d{1,4})[.)])[ \t]+(?=\S)/.exec(text);
    if (heading) {
      endParagraph();
      blocks.push(readHeading(body, line, heading, blocks.length, isSource));
    } else if (item) {
      endParagraph();
      addItem(blocks, item[1], readPieces(body, { start: line.start + item[0].length, end: line.end }, isSource));
    } else if (text.trim() === '') {
      endParagraph();
    } else {
      const start: number = (paragraph as Range | null)?.start ?? line.start;
      paragraph = { start, end: line.end };
    }
  }
  endParagraph();
  return blocks;
};

/** The pieces of one run of text, as for a quote of an answer. */
export const readPieces = (
  body: string,
  { start, end }: Range,
  isSource: (mark: string) => boolean,
): readonly Piece[] => {
  const pieces: Piece[] = [];
  const add = (from: number, to: number, isBold: boolean, source = ''): void => {
    if (to > from) pieces.push({ text: body.slice(from, to), start: from, end: to, isBold, source });
  };
  const marks = /\*\*([^*\n]+)\*\*|\[([^\][\n]{1,60})\]/g;
  const text = body.slice(start, end);
  let at = start;
  for (const mark of text.matchAll(marks)) {
    const from = start + mark.index;
    const to = from + mark[0].length;
    if (mark[1] !== undefined) {
      add(at, from, false);
      add(from + 2, to - 2, true);
      at = to;
    } else if (mark[2] !== undefined && isSource(mark[2])) {
      add(at, from, false);
      add(from + 1, to - 1, false, mark[2]);
      at = to;
    }
  }
  add(at, end, false);
  return pieces;
};

/** Cuts pieces at the ends of the marked ranges; each result lies wholly inside or wholly outside of every range. */
export const cutPieces = (pieces: readonly Piece[], ranges: readonly Range[]): readonly Piece[] => {
  const cuts = ranges.flatMap(({ start, end }) => [start, end]).toSorted((a, b) => a - b);
  return pieces.flatMap((piece) => {
    if (piece.source !== '') return [piece];
    const inside = cuts.filter((cut) => cut > piece.start && cut < piece.end);
    const ends = [piece.start, ...new Set(inside), piece.end];
    return ends.slice(1).map((end, index) => {
      const start = ends[index] ?? piece.start;
      return { ...piece, start, end, text: piece.text.slice(start - piece.start, end - piece.start) };
    });
  });
};

export const isInside = (piece: Range, range: Range | null): boolean =>
  range !== null && piece.start >= range.start && piece.end <= range.end;

const linesOf = (body: string): readonly Range[] => {
  const lines: Range[] = [];
  let start = 0;
  while (start <= body.length) {
    const found = body.indexOf('\n', start);
    const end = found < 0 ? body.length : found;
    lines.push({ start, end });
    start = end + 1;
  }
  return lines;
};

const readHeading = (
  body: string,
  line: Range,
  match: RegExpExecArray,
  place: number,
  isSource: (mark: string) => boolean,
): GuideBlock => {
  const hashes = match[1]?.length ?? 1;
  const level = hashes === 1 ? 1 : hashes === 2 ? 2 : 3;
  return {
    kind: 'heading',
    level,
    id: `part-${place}`,
    pieces: readPieces(body, { start: line.start + match[0].length, end: line.end }, isSource),
  };
};

const addItem = (blocks: GuideBlock[], number: string | undefined, pieces: readonly Piece[]): void => {
  const isOrdered = number !== undefined;
  const last = blocks.at(-1);
  if (last?.kind === 'list' && last.isOrdered === isOrdered) {
    blocks[blocks.length - 1] = { ...last, items: [...last.items, pieces] };
    return;
  }
  blocks.push({ kind: 'list', isOrdered, first: isOrdered ? Number(number) : 1, items: [pieces] });
};
