import type { Failure } from '../errors.ts';
import type { Result } from '../result.ts';
import type { Bytes } from './crypto.ts';

/** An input too long for a frame, as a call names it: a sealed blob that only the called device gets. `size` in bytes, unsealed. */
export type LargeInput = { readonly cid: string; readonly key: Bytes; readonly size: number };

/**
 * Inputs that travel beside their calls (protocol 8). They are lent to one device for one call, in memory only: neither side writes
 * them to a disk, and whatever ends the call, a crash included, ends them.
 *
 * - `lend`: `release` when the call is over. `too_large`, or `quota_full` when too much is lent already.
 * - `fetch`: from that device and no other, every chunk checked. `too_large` and `capacity_exceeded` before anything is asked for;
 *   `bad_request` when it is not what the call said, `unavailable` when that device is silent, and what the signal was aborted with.
 */
export type CallInputs = {
  lend(
    device: string,
    bytes: Bytes,
  ): Promise<Result<{ readonly input: LargeInput; readonly release: () => void }, Failure>>;
  fetch(device: string, input: LargeInput, signal: AbortSignal): Promise<Result<Bytes, Failure>>;
};
