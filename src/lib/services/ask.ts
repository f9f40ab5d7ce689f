import { askAnswer, type Answer, type AskStep } from '../contracts/ask.ts';
import { librarySearch, type Passage } from '../contracts/library.ts';
import type { Bus } from '../kernel/bus.ts';
import type { CallContext, Meta } from '../kernel/call.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { err, ok, type Result } from '../kernel/result.ts';

export type AskDeps = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly selfDevice: () => string;
  /** Devices of neighbours that offer `library.search` and name at least one corpus we may ask, linked now. */
  readonly librarians: () => readonly string[];
  readonly knownNeighbours: () => number;
};

type Found = {
  readonly passages: Passage[];
  readonly evidence: number;
  readonly quotes: { passageId: string; quote: string; start: number; end: number }[];
};
type Leg = { readonly found: Found; readonly meta: Meta };

/** Below this share (thousandths) of the question covered by the best passage, neighbours are asked too. */
const strongEvidence = 700;
/** Below this the closest sentences are shown as no more than that. */
const weakEvidence = 450;
/** Below this nothing is shown: a sentence that shares one common word with the question answers nothing. */
const leastEvidence = 200;
const neighboursAskedMax = 8;
const passagesShown = 8;

/**
 * Quotes, the first rung of the answer ladder: exact sentences of the library with their sources, from this device first,
 * from a neighbour's when theirs cover the question better. Passages of two libraries are never mixed by score: scores of
 * different collections do not compare (exact federation comes with "The library").
 */
export const createAsk = (deps: AskDeps): Startable => {
  const { bus, clock } = deps;
  const stops = createStops();

  const answer = async function* (
    input: {
      messages: { role: string; text: string }[];
      corpora?: string[] | undefined;
      language?: 'en' | 'de' | undefined;
    },
    context: CallContext,
  ): AsyncGenerator<AskStep, Result<Answer, Failure>> {
    const question = input.messages.findLast(({ role }) => role === 'person')?.text;
    if (question === undefined) return err(failure('bad_request', 'no-question'));
    const query = {
      query: question.slice(0, limits.queryCharsMax),
      k: passagesShown,
      corpora: input.corpora,
      language: input.language,
    };
    const asked: Answer['asked'] = [];
    const search = async (device: string): Promise<Leg | null> => {
      const startedAt = clock.now();
      const reply = await context.call(librarySearch, query, { device });
      const ms = Math.round(clock.now() - startedAt);
      asked.push({
        device,
        outcome: reply.ok ? 'ok' : reply.error.code,
        evidence: reply.ok ? reply.value.output.evidence : 0,
        ms,
      });
      return reply.ok ? { found: reply.value.output, meta: reply.value.meta } : null;
    };
    yield { step: 'searching-here', device: deps.selfDevice() };
    let best = await search(deps.selfDevice());
    const librarians = context.caller.kind === 'self' ? deps.librarians().slice(0, neighboursAskedMax) : [];
    if ((best?.found.evidence ?? 0) < strongEvidence) {
      for (const device of librarians) yield { step: 'searching-neighbour', device };
      for (const leg of await Promise.all(librarians.map(search))) if (leg && isBetter(leg, best)) best = leg;
    }
    const missed =
      (best?.found.evidence ?? 0) < strongEvidence ? Math.max(0, deps.knownNeighbours() - librarians.length) : 0;
    return ok(compose(best, asked, missed));
  };

  const compose = (best: Leg | null, asked: Answer['asked'], neighboursMissed: number): Answer => {
    const found = best && best.found.passages.length > 0 && best.found.evidence >= leastEvidence ? best.found : null;
    // A quote must stand in its passage word for word, whoever sent it.
    const cited =
      found?.quotes.filter(
        ({ passageId, quote }) =>
          quote.trim() !== '' && found.passages.some(({ id, text }) => id === passageId && text.includes(quote)),
      ) ?? [];
    return {
      outcome: cited.length > 0 ? 'quotes' : 'nothing',
      citations: cited,
      passages: found?.passages ?? [],
      evidence: Math.min(best?.found.evidence ?? 0, 1000),
      isWeak: found !== null && found.evidence < weakEvidence,
      servedBy: best?.meta.servedBy ?? deps.selfDevice(),
      route: best?.meta.route ?? 'local',
      asked,
      neighboursMissed,
    };
  };

  return {
    start: () => stops.add(bus.register(askAnswer, answer)),
    stop: stops.run,
  };
};

/** A neighbour's library counts for more only when it covers more of the question; a tie stays here. */
const isBetter = (leg: Leg, best: Leg | null): boolean => {
  const honest = leg.found.passages.length > 0 ? Math.min(leg.found.evidence, 1000) : 0;
  return honest > (best?.found.evidence ?? 0);
};
