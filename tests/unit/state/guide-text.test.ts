import { describe, expect, it } from 'vitest';
import { guideQuery, readGuideAddress } from '../../../src/routes/library/guide/guide-address.ts';
import { cutPieces, isInside, readGuide, readPieces } from '../../../src/routes/library/guide/guide-text.ts';

const isSource = (mark: string): boolean => mark === 'epa';
const body = `# Water

Boil it for **at least** 1 minute [epa].
A second line.

## Steps

1. Let it settle.
2. Boil [not a source].

- store
* label
`;

describe('a guide as elements', () => {
  it('becomes headings, paragraphs and lists whose every piece is its place in the body', () => {
    const blocks = readGuide(body, isSource);
    expect(blocks.map(({ kind }) => kind)).toEqual(['heading', 'paragraph', 'heading', 'list', 'list']);
    const pieces = blocks.flatMap((block) => (block.kind === 'list' ? block.items.flat() : block.pieces));
    for (const piece of pieces) expect(body.slice(piece.start, piece.end)).toBe(piece.text);
  });

  it('keeps words in brackets that name no source as words, and turns named sources into marks', () => {
    const pieces = readGuide(body, isSource).flatMap((block) =>
      block.kind === 'list' ? block.items.flat() : block.pieces,
    );
    expect(pieces.filter(({ source }) => source !== '').map(({ source }) => source)).toEqual(['epa']);
    expect(pieces.some(({ text }) => text.includes('[not a source]'))).toBe(true);
    expect(pieces.filter(({ isBold }) => isBold).map(({ text }) => text)).toEqual(['at least']);
  });

  it('leaves markup that somebody wrote into a document as text', () => {
    const hostile = '<script>alert(1)</script> **<img src=x onerror=alert(1)>**';
    const pieces = readPieces(hostile, { start: 0, end: hostile.length }, isSource);
    expect(pieces.map(({ text }) => text).join('')).toBe('<script>alert(1)</script> <img src=x onerror=alert(1)>');
  });

  it('marks exactly the cited passage, across bold words and in the middle of a line', () => {
    const start = body.indexOf('at least') + 3;
    const end = body.indexOf('A second');
    const pieces = readGuide(body, isSource).flatMap((block) =>
      block.kind === 'list' ? block.items.flat() : block.pieces,
    );
    const marked = cutPieces(pieces, [{ start, end }]).filter(
      (piece) => isInside(piece, { start, end }) && piece.source === '',
    );
    expect(marked.map(({ text }) => text).join('')).toBe('least 1 minute .\n');
  });

  it('reads a megabyte of stars and brackets without getting slow', () => {
    const long = '**[*['.repeat(100_000);
    expect(readGuide(long, isSource)).toHaveLength(1);
  });
});

describe('the address of the reader', () => {
  it('comes back as it was written', () => {
    const wish = { cid: 'c', passage: 'c#3', device: 'bora', at: { start: 4, end: 90 }, quote: { start: 5, end: 9 } };
    expect(readGuideAddress(new URLSearchParams(guideQuery(wish)))).toEqual({ ...wish, guide: '' });
  });

  it('ignores places that are none', () => {
    const { at, quote } = readGuideAddress(new URLSearchParams('at=9-3&quote=x-99999999999'));
    expect([at, quote]).toEqual([null, null]);
  });
});
