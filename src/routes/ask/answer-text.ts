import { numberQuotes, type Answer } from '$lib/state/ask.svelte.ts';

/** An answer as plain text to paste somewhere: the question, the quotes with their numbers, and the sources. */
export const answerToText = (question: string, answer: Answer, sourcesLabel: string): string => {
  const { quotes, sources } = numberQuotes(answer);
  const lines = quotes.map(({ citation, source }) => `${citation.quote.trim()}${source ? ` [${source.n}]` : ''}`);
  const list = sources.map(({ n, passage }) => {
    const parts = [passage.title, passage.headingPath, passage.source, passage.date, passage.licence];
    return `[${n}] ${parts.filter((part) => part !== '').join(' | ')}`;
  });
  return [question, '', ...lines, '', sourcesLabel, ...list].join('\n');
};
