import { createHash } from 'node:crypto';
import { Point, getPublicKeyAsync } from '@noble/ed25519';
import { decodeCbor, encodeCbor, isCborBytes, isCborList } from '../../src/lib/kernel/codec.ts';
import { concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import type { Event } from '../../src/lib/log/event.ts';

const order = 2n ** 252n + 27742317777372353535851937790883648493n;
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
const bytesOf = (value: bigint): Bytes =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse());
const sha512 = (...parts: Uint8Array[]): Bytes => {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return Uint8Array.from(hash.digest());
};

/** Somebody's event again, signed with a nonce that RFC 8032 would not take: as good a signature, and other bytes. */
export const signWithNonce = async (name: string, event: Event): Promise<Event> => {
  const decoded = decodeCbor(event.envelope);
  const header = decoded.ok && isCborList(decoded.value) ? decoded.value[0] : undefined;
  if (!isCborBytes(header)) throw new Error('no envelope');
  const seed = Uint8Array.from(createHash('sha256').update('device').update(utf8(name)).digest());
  const half = sha512(seed).slice(0, 32);
  half[0] = (half[0] ?? 0) & 248;
  half[31] = ((half[31] ?? 0) & 127) | 64;
  const message = concatBytes(utf8('HN-EV1'), header);
  const nonce = numberOf(sha512(utf8('another nonce'), message)) % order;
  const commitment = Point.BASE.multiply(nonce).toBytes();
  const publicKey = await getPublicKeyAsync(seed);
  const challenge = numberOf(sha512(commitment, publicKey, message)) % order;
  const response = (nonce + challenge * (numberOf(half) % order)) % order;
  return { ...event, envelope: encodeCbor([header, concatBytes(commitment, bytesOf(response))]) };
};
