import { askAnswer, type Answer, type AskStep, type Citation } from '../contracts/ask.ts';
import type { Passage } from '../contracts/library.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import { createKeptText, pageStore, type TextStore } from './kept-text.svelte.ts';
import { perBus } from './per-bus.ts';

/** A question and what came of it. `ms` is the whole call as the bus measured it. */
export type Turn = {
  readonly id: number;
  readonly question: string;
  readonly state: 'searching' | 'answered' | 'failed' | 'stopped';
  readonly step: AskStep | null;
  readonly answer: Answer | null;
  readonly failure: Failure | null;
  readonly ms: number;
};

export type { Answer, AskStep, Failure };

export const questionCharsMax = limits.queryCharsMax;

/** The questions of this tab and their answers. One question runs at a time; the draft survives a reload. */
export const createAskState = ({ bus, store = pageStore }: { bus: BusClient; store?: TextStore }) => {
  let turns = $state.raw<readonly Turn[]>([]);
  const draft = createKeptText('hearthnet.ask.draft', store);
  let running: AbortController | null = null;
  let nextId = 1;

  const change = (id: number, news: Partial<Turn>): void => {
    turns = turns.map((turn) => (turn.id === id ? { ...turn, ...news } : turn));
  };

  const search = async (id: number, question: string, signal: AbortSignal): Promise<void> => {
    const items = bus.stream(askAnswer, { messages: [{ role: 'person', text: question }], mode: 'quotes' }, { signal });
    for (;;) {
      const next = await items.next();
      if (signal.aborted) return;
      if (!next.done) {
        change(id, { step: next.value });
        continue;
      }
      const reply = next.value;
      if (reply.ok) change(id, { state: 'answered', answer: reply.value.output, ms: reply.value.meta.ms });
      else change(id, { state: 'failed', failure: reply.error });
      return;
    }
  };

  /** Runs the turn `id`; a bug of the connection becomes a failure on screen instead of a spinner that never ends. */
  const run = async (id: number, question: string): Promise<void> => {
    const own = new AbortController();
    running = own;
    await search(id, question, own.signal).catch((cause: unknown) => {
      if (own.signal.aborted) return;
      change(id, {
        state: 'failed',
        failure: failure('internal', cause instanceof Error ? cause.message : 'stream-broke'),
      });
    });
    if (running === own) running = null;
  };

  const stop = (): void => {
    running?.abort();
    running = null;
    turns = turns.map((turn) => (turn.state === 'searching' ? { ...turn, state: 'stopped' } : turn));
  };

  /** Takes the question (or the draft); nothing happens while another one is running, or when there is no word. */
  const ask = (text: string = draft.value): boolean => {
    const question = text.trim();
    if (running || question === '' || question.length > questionCharsMax) return false;
    if (text === draft.value) draft.value = '';
    const id = nextId++;
    turns = [...turns, { id, question, state: 'searching', step: null, answer: null, failure: null, ms: 0 }];
    void run(id, question);
    return true;
  };

  return {
    get turns() {
      return turns;
    },
    get isSearching() {
      return turns.some((turn) => turn.state === 'searching');
    },
    draft,
    ask,
    stop,
    startOver: () => {
      stop();
      turns = [];
    },
  };
};
export type AskState = ReturnType<typeof createAskState>;

export const askStateOf = perBus((bus) => createAskState({ bus }));

/** A source of an answer: a document's passage with its number, and the quotes taken from it. */
export type Source = { readonly n: number; readonly passage: Passage };
export type NumberedQuote = { readonly citation: Citation; readonly source: Source | null };

/** The quotes in order, each with the number of its source; passages are numbered as they are first cited. */
export const numberQuotes = (answer: Answer): { quotes: readonly NumberedQuote[]; sources: readonly Source[] } => {
  const sources: Source[] = [];
  const quotes = answer.citations.map((citation) => {
    const known = sources.find((source) => source.passage.id === citation.passageId);
    if (known) return { citation, source: known };
    const passage = answer.passages.find((candidate) => candidate.id === citation.passageId);
    if (!passage) return { citation, source: null };
    const source = { n: sources.length + 1, passage };
    sources.push(source);
    return { citation, source };
  });
  return { quotes, sources };
};

/** Starter guides about danger to life and health: the number to call stands above their answers. */
const vitalGuides: ReadonlySet<string> = new Set([
  'bleeding',
  'burns',
  'chemical',
  'chemical-release',
  'cold',
  'cpr',
  'fire',
  'flood',
  'heat',
]);

/** Whether the best passage is of a vital guide. `guideOf` knows the guide of a document ('' for other documents). */
export const isVital = (answer: Answer, guideOf: (cid: string) => string): boolean => {
  const top = numberQuotes(answer).sources[0]?.passage ?? answer.passages[0];
  return top !== undefined && vitalGuides.has(guideOf(top.cid));
};
