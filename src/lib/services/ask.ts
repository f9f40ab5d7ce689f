import { askAnswer, type Answer, type AskStep } from '../contracts/ask.ts';
import { librarySearch, type Passage } from '../contracts/library.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import type { CallContext, Meta } from '../kernel/bus/call.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { RouteWish } from '../kernel/bus/router.ts';

export type AskDeps = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly selfDevice: () => string;
  /** Devices of neighbours that offer `library.search` and name at least one corpus we may ask, linked now. */
  readonly librarians: () => readonly string[];
  readonly knownNeighbours: () => number;
  /** Devices of neighbours whose libraries this device would rather use than its own; none when absent. */
  readonly leansOn?: () => readonly string[];
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
 * different collections do not compare (exact federation comes with "The library"). A device that leans on its neighbours asks them
 * first, and itself only when they did not know enough.
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
    let refusal: Failure | null = null;
    /** Without a device the router chooses; who served is told by the reply. */
    const search = async (wish: RouteWish, expected: string): Promise<Leg | null> => {
      const startedAt = clock.now();
      const reply = await context.call(librarySearch, query, wish);
      const ms = Math.round(clock.now() - startedAt);
      asked.push({
        device: reply.ok ? reply.value.meta.servedBy : expected,
        outcome: reply.ok ? 'ok' : reply.error.code,
        evidence: reply.ok ? reply.value.output.evidence : 0,
        ms,
      });
      if (reply.ok) return { found: reply.value.output, meta: reply.value.meta };
      refusal ??= reply.error;
      return null;
    };
    const searchAt = (device: string): Promise<Leg | null> => search({ device }, device);
    const isStrong = (): boolean => (best?.found.evidence ?? 0) >= strongEvidence;
    const isUnasked = (device: string): boolean => asked.every((step) => step.device !== device);
    const self = deps.selfDevice();
    const isOwn = context.caller.kind === 'self';
    const [leanedOn] = isOwn ? (deps.leansOn?.() ?? []) : [];
    let best: Leg | null;
    if (leanedOn === undefined) {
      yield { step: 'searching-here', device: self };
      best = await searchAt(self);
    } else {
      yield { step: 'searching-neighbour', device: leanedOn };
      best = await search({}, leanedOn);
    }
    const librarians = isOwn ? deps.librarians().slice(0, neighboursAskedMax) : [];
    if (!isStrong()) {
      const further = librarians.filter(isUnasked);
      for (const device of further) yield { step: 'searching-neighbour', device };
      for (const leg of await Promise.all(further.map(searchAt))) if (leg && isBetter(leg, best)) best = leg;
    }
    if (!isStrong() && isUnasked(self)) {
      yield { step: 'searching-here', device: self };
      const leg = await searchAt(self);
      if (leg && isBetter(leg, best)) best = leg;
    }
    // "Found nothing" would be untrue for a neighbour whose question was never looked up here, and would end its search.
    if (!isOwn && best === null && refusal) return err(refusal);
    const missed = isStrong() ? 0 : Math.max(0, deps.knownNeighbours() - librarians.length);
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
