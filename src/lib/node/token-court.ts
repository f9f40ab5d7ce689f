import type { TokenCourt } from '../crypto/token-judge.ts';
import { hlcEpochMs } from '../kernel/hlc.ts';
import { textToBytes } from '../kernel/ids.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import type { HelloClock } from '../mesh/hello-clock.ts';

/** What this node's log and clock say about tokens: asked anew at every call, so that a revocation counts as soon as it is here. */
export const createTokenCourt = (
  current: () => Neighbourhood | null,
  helloClock: Pick<HelloClock, 'latestMs'>,
): TokenCourt => ({
  community: () => current()?.log.community ?? null,
  epoch: () => textToBytes(current()?.membership().epochs.at(-1)?.epoch ?? '*'),
  nowSeconds: () => Math.max(0, Math.floor((helloClock.latestMs() - hlcEpochMs) / 1000)),
  isRevoked: (hash, issuer) => {
    const membership = current()?.membership();
    return membership?.isTokenRevoked(hash, membership.personOf(issuer) ?? '') ?? false;
  },
});
