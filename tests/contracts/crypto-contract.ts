import { createHash } from 'node:crypto';
import { Point, verifyAsync } from '@noble/ed25519';
import { beforeAll, describe, expect, it } from 'vitest';
import { hkdfExpand, hkdfExtract } from '../../src/lib/crypto/hkdf.ts';
import { concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import type { Bytes, CryptoPort } from '../../src/lib/kernel/ports/crypto.ts';
import { randomInt } from '../../src/lib/kernel/ports/random.ts';
import { signingFromSeed } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';

export const fromHex = (hex: string): Bytes => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const order = 2n ** 252n + 27742317777372353535851937790883648493n;
const prime = 2n ** 255n - 19n;
const toLittleEndian = (value: bigint): Bytes => fromHex(value.toString(16).padStart(64, '0')).reverse();
const fromLittleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${hex(bytes.slice().reverse())}`);

/** A point of order 8, the root of all trouble with cofactors. */
const torsionPoint = Point.fromBytes(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));

const torsion = (times: number): Point => {
  let sum = Point.ZERO;
  for (let at = 0; at < times; at++) sum = sum.add(torsionPoint);
  return sum;
};

/** Every encoding of a small-order point: the eight canonical ones, and those with y + p or a needless sign. */
export const smallOrderKeys: readonly Bytes[] = [
  ...Array.from({ length: 8 }, (_, times) => torsion(times).toBytes() as Bytes),
  ...[prime, prime + 1n].map(toLittleEndian),
  ...[0n, 1n, prime - 1n, prime, prime + 1n].map((y) => toLittleEndian(y + 2n ** 255n)),
];

/** A key anybody could certify, with a component of order 8: engines disagree about its signatures. */
export const torsionKeys: readonly Bytes[] = [1, 2, 3, 4, 5, 6, 7].map(
  (times) => Point.BASE.multiply(7n).add(torsion(times)).toBytes() as Bytes,
);

/** y + p for a y that is on the curve: the same point spelled a second way. */
const nonCanonicalKeys: readonly Bytes[] = Array.from({ length: 17 }, (_, y) => toLittleEndian(BigInt(y + 2) + prime));

/** The private scalar and public point of RFC 8032 for a seed, so that a test can sign what no honest device would. */
const rawKeyOf = (seed: Bytes): { scalar: bigint; publicKey: Bytes } => {
  const digest = new Uint8Array(createHash('sha512').update(seed).digest()).slice(0, 32);
  digest[0] = (digest[0] ?? 0) & 248;
  digest[31] = ((digest[31] ?? 0) & 127) | 64;
  const scalar = fromLittleEndian(digest) % order;
  return { scalar, publicKey: Point.BASE.multiply(scalar).toBytes() as Bytes };
};
const challenge = (r: Uint8Array, key: Uint8Array, message: Uint8Array): bigint =>
  fromLittleEndian(createHash('sha512').update(r).update(key).update(message).digest()) % order;

/** What an engine says that follows ZIP 215, as some do. Such an engine and a strict one split a neighbourhood. */
const lenientVerdict = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> =>
  verifyAsync(signature, message, key, { zip215: true });

/** Signed without a secret: valid for a lenient engine under the first small-order key, for every message. */
const [anybodysKey = new Uint8Array(32)] = smallOrderKeys;
const anybodysSignature = concatBytes(Point.BASE.multiply(5n).toBytes(), toLittleEndian(5n));

/** Signed by who holds the key, with a nonce of zero: R is a small-order point. */
const signWithoutNonce = (seed: Bytes, message: Uint8Array): { publicKey: Bytes; signature: Bytes } => {
  const { scalar, publicKey } = rawKeyOf(seed);
  const r = Point.ZERO.toBytes();
  return { publicKey, signature: concatBytes(r, toLittleEndian((challenge(r, publicKey, message) * scalar) % order)) };
};

/** What every adapter of the crypto port must do, hostile cases included. */
export const runCryptoContract = (name: string, make: () => CryptoPort): void => {
  describe(`crypto contract: ${name}`, () => {
    let crypto: CryptoPort;
    beforeAll(() => {
      crypto = make();
    });
    const random = seededRandom(`contract ${name}`);

    it('hashes as the published vectors say (FIPS 180-4, RFC 4231, RFC 5869)', async () => {
      expect(hex(await crypto.sha256(utf8('abc')))).toBe(
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      );
      expect(hex(await crypto.hmacSha256(new Uint8Array(20).fill(0x0b), utf8('Hi There')))).toBe(
        'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
      );
      expect(hex(await crypto.hmacSha256(new Uint8Array(0), new Uint8Array(0)))).toBe(
        'b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad',
      );
      const prk = await hkdfExtract(crypto, fromHex('000102030405060708090a0b0c'), new Uint8Array(22).fill(0x0b));
      expect(hex(prk)).toBe('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5');
      expect(hex(await hkdfExpand(crypto, prk, fromHex('f0f1f2f3f4f5f6f7f8f9'), 42))).toBe(
        '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
      );
    });

    it('opens what it sealed, and nothing that was changed in key, nonce, bytes or associated data', async () => {
      const [key, nonce, plain, additional] = [
        random.bytes(32),
        random.bytes(12),
        utf8('the key hangs at the bakery'),
        utf8('header'),
      ];
      const sealed = await crypto.seal(key, nonce, plain, additional);
      expect(sealed.length).toBe(plain.length + 16);
      expect(await crypto.open(key, nonce, sealed, additional)).toEqual(plain);
      for (let at = 0; at < sealed.length; at++) {
        const changed = sealed.map((byte, index) => (index === at ? byte ^ 1 : byte));
        expect(await crypto.open(key, nonce, changed, additional)).toBeNull();
      }
      expect(await crypto.open(random.bytes(32), nonce, sealed, additional)).toBeNull();
      expect(await crypto.open(key, random.bytes(12), sealed, additional)).toBeNull();
      expect(await crypto.open(key, nonce, sealed, utf8('other'))).toBeNull();
      for (const length of [0, 1, 15])
        expect(await crypto.open(key, nonce, sealed.subarray(0, length), additional)).toBeNull();
    });

    it('agrees on one secret from both ends, and never on one that a peer alone has chosen (rule X1)', async () => {
      const [anna, bora] = [await crypto.ephemeral(), await crypto.ephemeral()];
      expect(anna.publicKey).not.toEqual(bora.publicKey);
      const shared = await anna.derive(bora.publicKey);
      expect(shared).toHaveLength(32);
      expect(await bora.derive(anna.publicKey)).toEqual(shared);
      for (const key of [
        '00'.repeat(32),
        `01${'00'.repeat(31)}`,
        'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
        '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
        `ec${'ff'.repeat(30)}7f`,
        `ed${'ff'.repeat(30)}7f`,
        `ee${'ff'.repeat(30)}7f`,
      ])
        expect([key, await anna.derive(fromHex(key))]).toEqual([key, null]);
      expect(await anna.derive(new Uint8Array(31))).toBeNull();
      expect(await anna.derive(new Uint8Array(0))).toBeNull();
    });

    it('takes the signature of RFC 8032 and no other for that message', async () => {
      const key = fromHex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
      const signature = fromHex(
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
      );
      expect(await crypto.verify(key, Uint8Array.of(0x72), signature)).toBe(true);
      expect(await crypto.verify(key, Uint8Array.of(0x73), signature)).toBe(false);
      for (const length of [0, 63, 65])
        expect(await crypto.verify(key, Uint8Array.of(0x72), new Uint8Array(length))).toBe(false);
    });

    it('refuses every small-order, torsioned, non-canonical and malformed key (rule ED1)', () => {
      const accepted = [
        ...smallOrderKeys,
        ...torsionKeys,
        ...nonCanonicalKeys,
        new Uint8Array(0),
        new Uint8Array(31),
        new Uint8Array(33),
      ].filter((key) => crypto.isSigningKeySound(key));
      expect(accepted.map(hex)).toEqual([]);
      expect(new Set(smallOrderKeys.map(hex)).size).toBeGreaterThanOrEqual(12);
      expect(crypto.isSigningKeySound(signingFromSeed(random.bytes(32)).publicKey)).toBe(true);
    });

    it('refuses a signature under a small-order key that other engines take for any message', async () => {
      for (const message of [utf8('anything'), utf8('anything else')]) {
        expect(await lenientVerdict(anybodysKey, message, anybodysSignature)).toBe(true);
        expect(await crypto.verify(anybodysKey, message, anybodysSignature)).toBe(false);
      }
    });

    it('refuses a signature with a small-order R that other engines take', async () => {
      const message = utf8('signed without a nonce');
      const { publicKey, signature } = signWithoutNonce(random.bytes(32), message);
      expect(await lenientVerdict(publicKey, message, signature)).toBe(true);
      expect(await crypto.verify(publicKey, message, signature)).toBe(false);
    });

    it('refuses S + L, the second spelling of a signature', async () => {
      const key = signingFromSeed(random.bytes(32));
      const signature = await key.sign(utf8('once'));
      const doubled = concatBytes(
        signature.subarray(0, 32),
        toLittleEndian(fromLittleEndian(signature.subarray(32)) + order),
      );
      expect(await crypto.verify(key.publicKey, utf8('once'), signature)).toBe(true);
      expect(await crypto.verify(key.publicKey, utf8('once'), doubled)).toBe(false);
    });
  });
};

/** The two must never disagree about one event: a neighbourhood would split. */
export const runAgreement = (name: string, make: () => readonly [CryptoPort, CryptoPort]): void => {
  describe(`crypto agreement: ${name}`, () => {
    it('gives equal verdicts on 600 mutated keys, messages and signatures', async () => {
      const [one, other] = make();
      const random = seededRandom('agreement');
      const disagreed: string[] = [];
      let taken = 0;
      for (let at = 0; at < 600; at++) {
        const signing = signingFromSeed(random.bytes(32));
        const message = random.bytes(20);
        const parts = [signing.publicKey.slice(), message.slice(), await signing.sign(message)];
        const victim = parts[at % 4];
        if (victim) victim[randomInt(random, victim.length)] = randomInt(random, 256);
        if (at % 40 === 0) parts[0] = smallOrderKeys[(at / 40) % smallOrderKeys.length] ?? signing.publicKey;
        if (at % 40 === 20) parts[0] = torsionKeys[((at - 20) / 40) % torsionKeys.length] ?? signing.publicKey;
        const [key = message, said = message, signature = message] = parts;
        const verdicts = [await one.verify(key, said, signature), await other.verify(key, said, signature)];
        if (verdicts[0] !== verdicts[1]) disagreed.push(hex(signature));
        if (verdicts[0]) taken += 1;
      }
      expect(disagreed).toEqual([]);
      expect(taken).toBeGreaterThanOrEqual(150 - 30);
      expect(taken).toBeLessThan(200);
    });
  });
};

/** An engine that takes everything must not be able to talk an adapter into it: rule ED1 stands before the engine. */
export const runLenientEngine = (name: string, makeOn: (subtle: SubtleCrypto) => CryptoPort): void => {
  describe(`crypto on a lenient engine: ${name}`, () => {
    const subtle = { importKey: async () => ({}), verify: async () => true } as unknown as SubtleCrypto;

    it('still refuses small-order keys, torsioned keys and a small-order R', async () => {
      const crypto = makeOn(subtle);
      const message = utf8('anything');
      const honest = signingFromSeed(new Uint8Array(32).fill(9));
      expect(await crypto.verify(honest.publicKey, message, await honest.sign(message))).toBe(true);
      const taken: string[] = [];
      for (const key of [...smallOrderKeys, ...torsionKeys, ...nonCanonicalKeys])
        if (await crypto.verify(key, message, anybodysSignature)) taken.push(hex(key));
      for (const r of smallOrderKeys)
        if (await crypto.verify(honest.publicKey, message, concatBytes(r, new Uint8Array(32)))) taken.push(hex(r));
      expect(taken).toEqual([]);
    });
  });
};
