import { concatBytes } from '../kernel/ids.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';

/** The same bytes in slices of exactly `length`, the last one shorter. Nothing is yielded for no bytes at all. */
export const sliced = async function* (source: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Bytes> {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  for await (const part of source) {
    let rest = part;
    while (waitingBytes + rest.length >= length) {
      const taken = rest.subarray(0, length - waitingBytes);
      yield concatBytes(...waiting, taken);
      rest = rest.subarray(taken.length);
      waiting = [];
      waitingBytes = 0;
    }
    if (rest.length === 0) continue;
    // A copy: whoever gives the source may use its buffer again.
    waiting.push(rest.slice());
    waitingBytes += rest.length;
  }
  if (waitingBytes > 0) yield concatBytes(...waiting);
};
