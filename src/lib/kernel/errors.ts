/**
 * The closed list of refusals (protocol 8). A failure on the bus or on the wire is one of these codes;
 * the two sentences of each (for me, for the other side) are the i18n keys `failure.<code>` and
 * `failure.<code>.remote`. `retry` says what a caller may do about it.
 */
export const failureCodes = {
  bad_request: { retry: 'never' },
  schema_mismatch: { retry: 'never' },
  not_found: { retry: 'elsewhere' },
  unauthorized: { retry: 'never' },
  forbidden: { retry: 'never' },
  revoked: { retry: 'never' },
  expired: { retry: 'never' },
  token_invalid: { retry: 'never' },
  token_expired: { retry: 'never' },
  token_scope_insufficient: { retry: 'never' },
  rate_limited: { retry: 'later' },
  capacity_exceeded: { retry: 'elsewhere' },
  timeout: { retry: 'idempotent' },
  cancelled: { retry: 'never' },
  unknown_outcome: { retry: 'never' },
  partition: { retry: 'later' },
  peer_offline: { retry: 'elsewhere' },
  unavailable: { retry: 'elsewhere' },
  quota_full: { retry: 'never' },
  too_large: { retry: 'never' },
  not_implemented: { retry: 'never' },
  internal: { retry: 'never' },
} as const satisfies Record<string, { retry: RetryRule }>;

/** never: the same call fails again; later: after a pause; elsewhere: another provider may serve it; idempotent: only if repeating is harmless. */
export type RetryRule = 'never' | 'later' | 'elsewhere' | 'idempotent';
export type FailureCode = keyof typeof failureCodes;

/** `reason` names the exact check that refused (for Details and tests), never shown alone to a person. */
export type Failure = { readonly code: FailureCode; readonly reason: string; readonly retryAfterMs?: number };

export const failure = (code: FailureCode, reason: string, retryAfterMs?: number): Failure =>
  retryAfterMs === undefined ? { code, reason } : { code, reason, retryAfterMs };

export const isFailureCode = (value: unknown): value is FailureCode =>
  typeof value === 'string' && Object.hasOwn(failureCodes, value);
