import {
  array,
  boolean,
  literal,
  maxLength,
  minLength,
  object,
  optional,
  picklist,
  pipe,
  string,
  type InferOutput,
} from 'valibot';
import { limits } from '../kernel/limits.ts';
import { define } from './define.ts';
import { bytes32Id, count, language, names } from './fields.ts';
import { passage, passageId } from './library.ts';

/** A sentence of the answer: an exact part of a passage, never written by anybody else. */
const citation = object({ passageId, quote: string(), start: count, end: count });

/** Who was asked on the way to the answer, in order, and what came of it. */
const askedStep = object({ device: bytes32Id, outcome: string(), evidence: count, ms: count });

const answer = object({
  /** quotes: found; nothing: no passage covers the question, here or at the neighbours asked. */
  outcome: picklist(['quotes', 'nothing']),
  citations: array(citation),
  passages: array(passage),
  evidence: count,
  /** True when even the best passage covers little of the question: the closest there is, and shown as that. */
  isWeak: boolean(),
  /** The device whose library the passages came from, and how it was reached. */
  servedBy: bytes32Id,
  route: picklist(['local', 'neighbour']),
  asked: array(askedStep),
  /** True when neighbours that could know more were not reachable. */
  neighboursMissed: count,
});
export type Answer = InferOutput<typeof answer>;
export type Citation = InferOutput<typeof citation>;

/** Progress: what is being searched right now. */
const step = object({ step: picklist(['searching-here', 'searching-neighbour']), device: bytes32Id });
export type AskStep = InferOutput<typeof step>;

/** Answers with cited sentences of the library (mode quotes): this device first, a neighbour when the evidence here is weak. */
export const askAnswer = define({
  name: 'ask.answer',
  input: object({
    messages: pipe(
      array(
        object({
          role: picklist(['person', 'library']),
          text: pipe(string(), minLength(1), maxLength(limits.queryCharsMax)),
        }),
      ),
      minLength(1),
      maxLength(32),
    ),
    mode: optional(literal('quotes'), 'quotes'),
    corpora: optional(names),
    language: optional(language),
  }),
  output: answer,
  item: step,
  policy: 'member',
  timeoutMs: 30_000,
});
