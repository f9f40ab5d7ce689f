import { err, type Result } from '../result.ts';

/** Every refusal of the socket `/mesh` and its code, a subset of the codes of `kernel/errors.ts` (a test compares them). */
export const meshRefusals = {
  'text-frame': 'bad_request',
  'frame-too-large': 'too_large',
  'not-cbor': 'bad_request',
  'frame-malformed': 'bad_request',
  'unknown-frame': 'not_implemented',
  'version-unknown': 'not_implemented',
  'not-joined': 'unauthorized',
  'joined-already': 'bad_request',
  'join-signature': 'unauthorized',
  'join-late': 'timeout',
  'tag-not-met': 'forbidden',
  'tags-per-connection': 'capacity_exceeded',
  'tags-total': 'capacity_exceeded',
  'bytes-too-large': 'too_large',
  'work-rate': 'rate_limited',
  'reads-too-slowly': 'rate_limited',
  'box-signature': 'unauthorized',
  'box-not-opened': 'forbidden',
  'boxes-per-connection': 'capacity_exceeded',
  'keep-too-long': 'bad_request',
  'mail-rate': 'rate_limited',
  'mail-full': 'quota_full',
  'mail-unavailable': 'unavailable',
  'too-many-refusals': 'rate_limited',
  'connections-total': 'capacity_exceeded',
  'connections-per-address': 'capacity_exceeded',
  'server-fault': 'internal',
} as const satisfies Record<string, string>;

export type MeshRefusalReason = keyof typeof meshRefusals;
export type MeshRefusalCode = (typeof meshRefusals)[MeshRefusalReason];

/** Has the shape of the kernel's Failure; spelled here because the wire knows only result, limits and codec (D10). */
export type MeshFailure = {
  readonly code: MeshRefusalCode;
  readonly reason: MeshRefusalReason;
  readonly retryAfterMs?: number;
};

export const meshFailure = (reason: MeshRefusalReason, retryAfterMs?: number): MeshFailure => {
  const code = meshRefusals[reason];
  return retryAfterMs === undefined ? { code, reason } : { code, reason, retryAfterMs };
};

export const refuseMesh = (reason: MeshRefusalReason): Result<never, MeshFailure> => err(meshFailure(reason));

/** A newer server may refuse for a reason this build does not know; its code still says what can be done about it. */
export const isMeshRefusalCode = (value: unknown): value is MeshRefusalCode =>
  typeof value === 'string' && codes.has(value);

const codes: ReadonlySet<string> = new Set(Object.values(meshRefusals));
