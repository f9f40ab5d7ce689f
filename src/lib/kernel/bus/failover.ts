import { failure, failureCodes, type Failure } from '../errors.ts';
import type { Result } from '../result.ts';
import { err } from '../result.ts';

/** How one try ended. `isLocal`: at this device's own handler, of which everything is known. */
export type Ended = {
  readonly result: Result<unknown, Failure>;
  readonly hadItems: boolean;
  readonly isLocal: boolean;
};

/** This try was given up because time was over here, not because anybody said so. */
export const timeIsUp: Failure = failure('timeout', 'deadline');
/** Another try of the same call has won. */
export const lostRace: Failure = failure('cancelled', 'lost-race');

/** A call that must not be repeated, was begun, and got no answer: nobody here knows whether it happened there. */
export const honestEnd = (ended: Ended, idempotent: boolean): Ended => {
  const { result, isLocal } = ended;
  if (result.ok || isLocal || idempotent) return ended;
  const { code, reason } = result.error;
  const isUnknown =
    code === 'timeout' ||
    (code === 'peer_offline' && reason !== 'not-sent') ||
    (code === 'unavailable' && reason === 'switched-off'); // in the midst of the work
  return isUnknown ? { ...ended, result: err(failure('unknown_outcome', reason)) } : ended;
};

/**
 * Whether another provider may be asked after this end (protocol 8). A caller's mistake never fails over, nor does a stream of
 * which something has been shown.
 */
export const mayFailOver = ({ result, hadItems }: Ended, idempotent: boolean): boolean => {
  if (result.ok || hadItems) return false;
  const { code, reason } = result.error;
  if (code === 'schema_mismatch') return reason === 'reply' && idempotent;
  if (['capacity_exceeded', 'not_found', 'rate_limited', 'unavailable'].includes(code)) return true;
  if (code === 'peer_offline' && reason === 'not-sent') return true;
  return idempotent && (failureCodes[code].retry === 'elsewhere' || code === 'timeout' || code === 'internal');
};

/** The link broke under a call that was sent. */
export const isLinkLost = ({ result, isLocal }: Ended): boolean =>
  !result.ok && !isLocal && result.error.code === 'peer_offline' && result.error.reason !== 'not-sent';

/** What one try tells: how long it took, how long this provider usually takes, and how long the contract gives (0: for ever). */
export type Timing = { readonly ms: number; readonly p50Ms: number; readonly timeoutMs: number };

/**
 * What an end says about the provider; null: nothing. `wasChosen`: the router took it for the call. Whoever offers a thing, is
 * chosen and has it not, or answers what the contract does not know, fails. A caller's mistake and a caller who left count for
 * nobody, and nobody is blamed for a wait shorter than twice its usual time.
 */
export const verdictOn = (
  { result, isLocal }: Ended,
  { ms, p50Ms, timeoutMs }: Timing,
  wasChosen: boolean,
): 'served' | 'failed' | 'slow' | null => {
  if (result.ok) return 'served';
  const { code, reason } = result.error;
  if (code === 'cancelled') return reason === lostRace.reason ? 'slow' : null;
  if ((code === 'timeout' || code === 'unknown_outcome') && reason === timeIsUp.reason)
    return ms >= Math.min(2 * p50Ms, timeoutMs || Infinity) ? 'failed' : 'slow';
  if (code === 'schema_mismatch') return reason === 'reply' ? 'failed' : null;
  if (code === 'not_found') return wasChosen && !isLocal ? 'failed' : null;
  return ['timeout', 'unavailable', 'peer_offline', 'internal', 'unknown_outcome'].includes(code) ? 'failed' : null;
};
