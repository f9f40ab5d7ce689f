/**
 * SHA-256 (FIPS 180-4) without a promise, for the many short inputs of the log's prefix digests: a call to WebCrypto costs more
 * than such a hash, and a chain of hashes cannot be computed side by side. Public data only: it takes no care of timing.
 */
export const sha256Now = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const state = Int32Array.from(initial);
  const words = new Int32Array(64);
  const padded = padOf(bytes);
  for (let at = 0; at < padded.length; at += 64) compress(state, words, padded, at);
  const hash = new Uint8Array(32);
  for (let at = 0; at < 32; at++) hash[at] = (state[at >> 2] ?? 0) >>> (24 - 8 * (at & 3));
  return hash;
};

/** The message, one set bit, zeros, and its length in bits in the last 8 bytes of the last block. */
const padOf = (bytes: Uint8Array): Uint8Array => {
  const padded = new Uint8Array((bytes.length + 9 + 63) & ~63);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 0x20000000));
  view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0);
  return padded;
};

const compress = (state: Int32Array, words: Int32Array, block: Uint8Array, at: number): void => {
  for (let i = 0; i < 16; i++) {
    const from = at + 4 * i;
    words[i] =
      ((block[from] ?? 0) << 24) |
      ((block[from + 1] ?? 0) << 16) |
      ((block[from + 2] ?? 0) << 8) |
      (block[from + 3] ?? 0);
  }
  for (let i = 16; i < 64; i++) {
    const x = words[i - 15] ?? 0;
    const y = words[i - 2] ?? 0;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[i] = ((words[i - 16] ?? 0) + s0 + (words[i - 7] ?? 0) + s1) | 0;
  }
  let a = state[0] ?? 0;
  let b = state[1] ?? 0;
  let c = state[2] ?? 0;
  let d = state[3] ?? 0;
  let e = state[4] ?? 0;
  let f = state[5] ?? 0;
  let g = state[6] ?? 0;
  let h = state[7] ?? 0;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (roundKeys[i] ?? 0) + (words[i] ?? 0)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  add(state, a, b, c, d, e, f, g, h);
};

const add = (state: Int32Array, ...words: number[]): void => {
  for (let i = 0; i < 8; i++) state[i] = (state[i] ?? 0) + (words[i] ?? 0);
};

/** The first 32 bits of the fractional part of a root: of the square roots for the state, of the cube roots for the rounds. */
const fractionOf = (root: number): number => Math.floor((root - Math.floor(root)) * 0x100000000) | 0;
const firstPrimes = (count: number): number[] => {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
};
const initial = firstPrimes(8).map((prime) => fractionOf(Math.sqrt(prime)));
const roundKeys = Int32Array.from(firstPrimes(64).map((prime) => fractionOf(Math.cbrt(prime))));
