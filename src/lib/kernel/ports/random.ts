/** Randomness, injected. `bytes` must be cryptographically strong in production (P4). */
export type Random = { bytes(length: number): Uint8Array<ArrayBuffer> };

/** A whole number in [0, bound), for jitter and sampling; bound <= 2^32. */
export const randomInt = (random: Random, bound: number): number =>
  Math.floor((new DataView(random.bytes(4).buffer).getUint32(0) / 0x100000000) * bound);
