import type { Version } from './capability.ts';
import type { Health, HealthBook } from './health.ts';
import type { Provider } from './registry.ts';
import type { Candidate, SkipReason } from './trace.ts';

/** What a caller may ask of a provider: params it must offer, one device by name, the provider of a session. */
export type RouteWish = {
  readonly params?: Readonly<Record<string, string>>;
  readonly device?: string;
  /** Calls of one session go to the same provider while it can serve. */
  readonly session?: string;
};

/** What a route is planned from. */
export type RouteQuestion = {
  readonly providers: readonly Provider[];
  /** `schema`: what this device understands by the version, '' when it does not know. */
  readonly asked: { readonly name: string; readonly version: Version; readonly schema: string };
  readonly wish: RouteWish;
  readonly health: HealthBook;
  readonly nowMs: number;
  /** The device that serves this session; null when nobody does yet. */
  readonly sticky: string | null;
  /** This device would rather use its neighbours' abilities: its own comes last. */
  readonly leansOnNeighbours: boolean;
};

export type Route = { readonly order: readonly Provider[]; readonly candidates: readonly Candidate[] };

type Scored = { readonly provider: Provider; readonly candidate: Candidate };

const localBonusMs = 50;
const localPreferredBelowLoadPercent = 80;

/**
 * The routing formula of protocol 8, lower wins:
 * p50Ms (500 when unknown) x (1 + load) + (1 - successRate) x 1000 - 50 if local.
 * Before the score comes the provider of the session, then a local one whose load is below 0.8; a device that leans on its
 * neighbours asks itself last. Ties go to the smaller device id, so a decision repeats.
 */
export const planRoute = (question: RouteQuestion): Route => {
  const { providers, wish } = question;
  const scored = providers
    .filter((provider) => wish.device === undefined || provider.device === wish.device)
    .map((provider) => ({ provider, candidate: judge(provider, question) }));
  const able = scored.filter(({ candidate }) => candidate.skipped === undefined);
  // Where nobody else can be asked, a quarantine never shuts a device out of itself, and its own refusal tells when there is room.
  const only = able.length > 0 ? able : scored.filter(isOwnAtLeast);
  const rankOf = ({ provider, candidate }: Scored): number => {
    if (candidate.isSticky) return 0;
    if (!provider.isLocal) return 2;
    if (question.leansOnNeighbours) return 3;
    return provider.offer.loadPercent < localPreferredBelowLoadPercent ? 1 : 2;
  };
  const order = only
    .toSorted((a, b) => rankOf(a) - rankOf(b) || a.candidate.score - b.candidate.score || compareIds(a, b))
    .map(({ provider }) => provider);
  return { order, candidates: scored.map(({ candidate }) => candidate) };
};

const compareIds = (a: Scored, b: Scored): number => (a.candidate.device < b.candidate.device ? -1 : 1);

const isOwnAtLeast = ({ provider, candidate: { skipped } }: Scored): boolean =>
  provider.isLocal && (skipped === 'quarantined' || skipped === 'full');

const judge = (provider: Provider, question: RouteQuestion): Candidate => {
  const { asked, health, nowMs, sticky } = question;
  const measured = health.of(provider.device, asked.name, nowMs);
  const { successRate, p50Ms } = measured;
  const { loadPercent } = provider.offer;
  const skipped = whySkipped(provider, measured, question);
  return {
    device: provider.device,
    score: Math.round(
      p50Ms * (1 + loadPercent / 100) + (1 - successRate) * 1000 - (provider.isLocal ? localBonusMs : 0),
    ),
    p50Ms,
    successRate,
    loadPercent,
    isSticky: provider.device === sticky,
    ...(skipped && { skipped }),
  };
};

const whySkipped = (
  provider: Provider,
  { quarantined, busyUntil }: Health,
  { asked, wish, nowMs }: RouteQuestion,
): SkipReason | null => {
  if (!hasParams(provider, wish)) return 'params';
  if (meansSomethingElse(provider, asked)) return 'schema';
  if (provider.isStale) return 'stale';
  if (quarantined) return 'quarantined';
  return provider.offer.isFull || nowMs < busyUntil ? 'full' : null;
};

const hasParams = (provider: Provider, wish: RouteWish): boolean =>
  Object.entries(wish.params ?? {}).every(
    ([name, value]) =>
      Object.hasOwn(provider.offer.params, name) && (provider.offer.params[name]?.includes(value) ?? false),
  );

/** The same version by another schema. Another minor has another one by right, and who does not tell it is believed. */
const meansSomethingElse = ({ offer }: Provider, { version, schema }: RouteQuestion['asked']): boolean =>
  offer.version.major === version.major &&
  offer.version.minor === version.minor &&
  offer.schema !== '' &&
  schema !== '' &&
  offer.schema !== schema;
