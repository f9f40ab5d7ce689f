import { failure, type Failure } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { GrantedLink } from './token-view.ts';

const minuteMs = 60_000;

/**
 * Calls a minute of every token link that names a rate. A link that was handed on is counted together for all who call under it.
 * Bounded: when so many links are being counted, further ones are refused, never forgotten.
 */
export const createTokenRates = ({ clock }: { clock: Clock }) => {
  const countsByLink = new Map<string, { readonly startedAt: number; calls: number }>();

  const countOf = (hash: string): { readonly startedAt: number; calls: number } | null => {
    const now = clock.now();
    const known = countsByLink.get(hash);
    // The distance, not the difference: a clock that was put back must not hold a minute open for an hour.
    if (known && Math.abs(now - known.startedAt) < minuteMs) return known;
    for (const [each, { startedAt }] of countsByLink)
      if (Math.abs(now - startedAt) >= minuteMs) countsByLink.delete(each);
    if (countsByLink.size >= limits.tokenCountersMax) return null;
    const fresh = { startedAt: now, calls: 0 };
    countsByLink.set(hash, fresh);
    return fresh;
  };

  return {
    /** Counts one call, or says why it is one too many; then nothing is counted. */
    take: (links: readonly GrantedLink[]): Failure | null => {
      const counted = [];
      for (const { hash, policy } of links) {
        if (policy.rpm === undefined) continue;
        const count = countOf(hash);
        if (!count || count.calls >= policy.rpm) return failure('rate_limited', 'token-rpm', minuteMs);
        counted.push(count);
      }
      for (const count of counted) count.calls += 1;
      return null;
    },
    size: () => countsByLink.size,
  };
};
export type TokenRates = ReturnType<typeof createTokenRates>;
