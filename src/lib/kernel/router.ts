import type { HealthBook } from './health.ts';
import type { Provider } from './registry.ts';
import type { Candidate } from './trace.ts';

/** What a caller may ask of a provider: params it must offer, or one device by name. */
export type RouteWish = { readonly params?: Readonly<Record<string, string>>; readonly device?: string };

export type Route = { readonly order: readonly Provider[]; readonly candidates: readonly Candidate[] };

const localBonusMs = 50;
const localPreferredBelowLoadPercent = 80;

/**
 * The routing formula of protocol 8, lower wins:
 * p50Ms (500 when unknown) x (1 + load) + (1 - successRate) x 1000 - 50 if local.
 * A local provider stays first until its load reaches 0.8. Ties go to the smaller device id, so a decision repeats.
 */
export const planRoute = (
  providers: readonly Provider[],
  capability: string,
  wish: RouteWish,
  health: HealthBook,
  nowMs: number,
): Route => {
  const scored = providers
    .filter((provider) => wish.device === undefined || provider.device === wish.device)
    .map((provider) => ({ provider, candidate: judge(provider, capability, wish, health, nowMs) }));
  const order = scored
    .filter(({ candidate }) => candidate.skipped === undefined)
    .toSorted((a, b) => compare(a.candidate, b.candidate, a.provider, b.provider))
    .map(({ provider }) => provider);
  return { order, candidates: scored.map(({ candidate }) => candidate) };
};

const judge = (
  provider: Provider,
  capability: string,
  wish: RouteWish,
  health: HealthBook,
  nowMs: number,
): Candidate => {
  const { successRate, p50Ms, quarantined } = health.of(provider.device, capability, nowMs);
  const load = provider.offer.loadPercent / 100;
  const score = Math.round(p50Ms * (1 + load) + (1 - successRate) * 1000 - (provider.isLocal ? localBonusMs : 0));
  const base = { device: provider.device, score };
  if (!hasParams(provider, wish)) return { ...base, skipped: 'params' };
  if (provider.isStale) return { ...base, skipped: 'stale' };
  if (quarantined) return { ...base, skipped: 'quarantined' };
  if (provider.offer.isFull) return { ...base, skipped: 'full' };
  return base;
};

const hasParams = (provider: Provider, wish: RouteWish): boolean =>
  Object.entries(wish.params ?? {}).every(([name, value]) => provider.offer.params[name]?.includes(value) ?? false);

const compare = (a: Candidate, b: Candidate, aProvider: Provider, bProvider: Provider): number => {
  const aStays = isLocalPreferred(aProvider);
  const bStays = isLocalPreferred(bProvider);
  if (aStays !== bStays) return aStays ? -1 : 1;
  return a.score - b.score || (a.device < b.device ? -1 : 1);
};

const isLocalPreferred = (provider: Provider): boolean =>
  provider.isLocal && provider.offer.loadPercent < localPreferredBelowLoadPercent;
