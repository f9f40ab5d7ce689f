import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { bytesToHex } from '../../src/lib/kernel/ids.ts';
import type { Bytes, SigningKey } from '../../src/lib/kernel/ports/crypto.ts';
import { signingFromSeed } from '../support/node-crypto.ts';

/** Who takes part in the vectors of the bus, and where. */
export const filled = (length: number, byte: number): Bytes => new Uint8Array(length).fill(byte);
const person = (seed: number): SigningKey => signingFromSeed(filled(32, seed));
export const anna = person(0x11);
export const bora = person(0x21);
export const chen = person(0x31);
export const dilek = person(0x41);
export const mallory = person(0x61);

export const community = filled(16, 0xc0);
export const epoch = filled(16, 0x50);
/** 2026-06-15, noon, and the same in seconds since 2026-01-01. */
export const noonMs = Date.UTC(2026, 5, 15, 12);
export const noonSeconds = (noonMs - Date.UTC(2026, 0, 1)) / 1000;

export const hex = (bytes: Uint8Array): { readonly $hex: string } => ({ $hex: bytesToHex(bytes) });
export const cbor = (value: Cbor): { readonly $hex: string } => hex(encodeCbor(value));

/** What library.search answers here, and what it is asked. */
export const nothingFound: Cbor = { passages: [], evidence: 0, quotes: [] };
export const question: Cbor = { query: 'water pump', k: 4, corpora: ['recipes'] };

/** Anna's node: bora is a member, chen is trusted, and three abilities are given. */
export const street = (over: object = {}): object => ({
  self: hex(anna.publicKey),
  roles: [
    { device: hex(anna.publicKey), role: 'anchor' },
    { device: hex(bora.publicKey), role: 'member' },
    { device: hex(chen.publicKey), role: 'trusted' },
  ],
  community: hex(community),
  epoch: hex(epoch),
  now: noonMs,
  serves: [
    { capability: 'mesh.ping', script: { output: cbor({ nonce: 7 }) } },
    { capability: 'library.search', params: { corpus: ['recipes'] }, script: { output: cbor(nothingFound) } },
    { capability: 'node.selfTest', script: { output: cbor({ steps: [] }) } },
  ],
  ...over,
});
