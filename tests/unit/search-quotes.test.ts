import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseQuotes, type QuotablePassage } from '../../src/lib/search/quotes.ts';
import { loadStemmer } from '../../src/lib/search/stemmers.ts';
import { createAnalyzer } from '../../src/lib/search/text.ts';

const analyzer = createAnalyzer('en', await loadStemmer('en'));
const passage = (id: string, text: string, more: Partial<QuotablePassage> = {}): QuotablePassage => ({
  id,
  text,
  start: 0,
  relevance: 500,
  isOpening: false,
  analyzer,
  idf: () => 1,
  ...more,
});

const water = passage(
  'w#1',
  'Fill clean pots with water now. Keep the lid closed. Neighbours may know more. Bleach makes water safe: add two drops to each litre. You need:',
);

describe('quotes', () => {
  it('are exact pieces of their passages, whatever the text', () => {
    const words = fc.constantFrom(
      'water',
      'boil',
      'fire.',
      'Lid',
      '[epa].',
      'and',
      '\n- ',
      'z. B.',
      '🙂',
      '\n\n',
      'pots!',
    );
    const body = fc.array(words, { maxLength: 80 }).map((list) => list.join(' '));
    fc.assert(
      fc.property(body, fc.array(words, { maxLength: 4 }), fc.integer({ min: -3, max: 50 }), (text, query, k) => {
        const whole = `0123456789${text}`;
        const quotes = chooseQuotes(
          query.join(' '),
          [passage('a#0', text, { start: 10, isOpening: true }), passage('b#0', text, { start: 10 })],
          k,
        );
        expect(quotes.length).toBeLessThanOrEqual(5);
        for (const quote of quotes) expect(whole.slice(quote.start, quote.end)).toBe(quote.quote);
      }),
    );
  });
  it('hold the sentence that answers', () => {
    const quotes = chooseQuotes('How many drops of bleach per litre?', [water], 3);
    expect(quotes.map((quote) => quote.quote)).toContain('Bleach makes water safe: add two drops to each litre.');
  });
  it('are none when no sentence says a word on the question', () => {
    expect(chooseQuotes('zorblatt', [water], 5)).toEqual([]);
    expect(chooseQuotes('What should I do?', [water], 5)).toEqual([]);
    expect(chooseQuotes('water', [], 5)).toEqual([]);
  });
  it('do not say the same twice', () => {
    const twin = passage('x#0', 'Fill clean pots with water now.', { relevance: 400 });
    const quotes = chooseQuotes('fill pots with water', [water, twin], 5).map((quote) => quote.quote);
    expect(quotes.filter((quote) => quote.startsWith('Fill'))).toHaveLength(1);
  });
  it('stand in the order of passages, then of the text', () => {
    const other = passage('o#0', 'Store water in the dark. Water for plants may be rain from the roof.', {
      relevance: 450,
    });
    const quotes = chooseQuotes('water pots dark', [water, other], 5);
    const order = quotes.map((quote) => [quote.passageId === 'w#1' ? 0 : 1, quote.start]);
    expect(order).toEqual(order.toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0)));
    expect(new Set(quotes.map((quote) => quote.passageId)).size).toBe(2);
  });
  it('begin with how the document opens when it was found by its questions', () => {
    const opening = passage('g#0', 'Press hard on the wound at once. Call 112 for help.', { isOpening: true });
    expect(chooseQuotes('bleeding', [opening], 2)[0]?.quote).toBe('Press hard on the wound at once.');
  });
});
