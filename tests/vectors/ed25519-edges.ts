import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';

/** One signature that engines judge differently. `isHonest`: what rule ED1 takes; all else it refuses. */
export type EdgeCase = {
  readonly name: string;
  readonly key: Bytes;
  readonly message: Bytes;
  readonly signature: Bytes;
  readonly isHonest: boolean;
};

const { Point } = ed25519;
type CurvePoint = InstanceType<typeof Point>;
/** A point under one of its spellings: `scalar` x base point + a point whose order divides 8. */
type Spelling = { readonly name: string; readonly scalar: bigint; readonly torsion: CurvePoint; readonly bytes: Bytes };

const order = Point.Fn.ORDER;
const prime = 2n ** 255n - 19n;
const littleEndian = (value: bigint): Bytes =>
  Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
const toNumber = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const times = (point: CurvePoint, scalar: bigint): CurvePoint =>
  scalar === 0n ? Point.ZERO : point.multiplyUnsafe(scalar);

const generator = Point.fromBytes(
  Uint8Array.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'.match(/../g) ?? [], (byte) =>
    Number.parseInt(byte, 16),
  ),
);
const torsions: readonly CurvePoint[] = Array.from({ length: 8 }, (_, at) => times(generator, BigInt(at)));

/** The eight points of small order, and the other spellings some engines read as one of them: y + p, or a sign that is not there. */
const smallOrder = (): Spelling[] => {
  const canonical = torsions.map((torsion, at): Spelling => ({
    name: `small ${at}`,
    scalar: 0n,
    torsion,
    bytes: torsion.toBytes() as Bytes,
  }));
  const others: Spelling[] = [];
  for (const { name, torsion, bytes } of canonical) {
    const { x, y } = torsion.toAffine();
    const sign = (toNumber(bytes) >> 255n) << 255n;
    const spellings = [
      ...(y + prime < 2n ** 255n ? [y + prime + sign] : []),
      ...(x === 0n ? [y + 2n ** 255n] : []),
      ...(x === 0n && y + prime < 2n ** 255n ? [y + prime + 2n ** 255n] : []),
    ];
    for (const [at, value] of spellings.entries())
      others.push({ name: `${name} spelled otherwise ${at}`, scalar: 0n, torsion, bytes: littleEndian(value) });
  }
  return [...canonical, ...others];
};

const mixed = (scalar: bigint): Spelling[] =>
  torsions.map((torsion, at) => ({
    name: at === 0 ? 'prime order' : `mixed ${at}`,
    scalar,
    torsion,
    bytes: times(Point.BASE, scalar).add(torsion).toBytes() as Bytes,
  }));

/**
 * Every pair of spellings as key and as R, each signed three ways: so that the plain equation holds, so that it holds only after a
 * multiplication by eight, and so that it holds when the challenge is made from the canonical spellings.
 */
export const makeEdgeCases = (): EdgeCase[] => {
  const [keys, rs] = [
    [...smallOrder(), ...mixed(7n)],
    [...smallOrder(), ...mixed(11n)],
  ];
  const cases: EdgeCase[] = [];
  for (const key of keys) {
    for (const r of rs) {
      const signed = signPair(key, r);
      cases.push(...signed);
    }
  }
  const honest = cases.find(({ isHonest }) => isHonest);
  if (!honest) throw new Error('no honest signature was made');
  const s = toNumber(honest.signature.subarray(32));
  for (const more of [order, 2n * order])
    cases.push({
      ...honest,
      name: 'S above the order',
      isHonest: false,
      signature: concatBytes(honest.signature.subarray(0, 32), littleEndian(s + more)),
    });
  return cases;
};

const signPair = (key: Spelling, r: Spelling): EdgeCase[] => {
  const cases: EdgeCase[] = [];
  const seen = new Set<string>();
  const canonicalKey = times(Point.BASE, key.scalar).add(key.torsion).toBytes();
  const canonicalR = times(Point.BASE, r.scalar).add(r.torsion).toBytes();
  const isRespelled =
    bytesToHex(canonicalKey) !== bytesToHex(key.bytes) || bytesToHex(canonicalR) !== bytesToHex(r.bytes);
  for (let count = 0; count < 24 && seen.size < (isRespelled ? 3 : 2); count++) {
    const message = utf8(`edge ${count}`);
    const challenges = [
      { way: '', k: toNumber(sha512(concatBytes(r.bytes, key.bytes, message))) % order },
      ...(isRespelled
        ? [{ way: 'respelled', k: toNumber(sha512(concatBytes(canonicalR, canonicalKey, message))) % order }]
        : []),
    ];
    for (const { way, k } of challenges) {
      const isPlain = r.torsion.add(times(key.torsion, k % 8n)).is0();
      const what = way || (isPlain ? 'plain' : 'times eight');
      if (seen.has(what)) continue;
      seen.add(what);
      const s = (r.scalar + k * key.scalar) % order;
      const isHonest = what === 'plain' && key.name === 'prime order' && r.name === 'prime order';
      cases.push({
        name: `key ${key.name}, R ${r.name}, ${what}`,
        key: key.bytes,
        message,
        signature: concatBytes(r.bytes, littleEndian(s)),
        isHonest,
      });
    }
  }
  return cases;
};
