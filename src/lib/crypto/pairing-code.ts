import { areBytesEqual, bytesToHex, bytesToText, concatBytes, textToBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { PairAddress, PairFacts } from '../kernel/ports/pairing.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { packAddress, unpackAddress } from './pairing-address.ts';

/**
 * What two devices show each other to link without any server (protocol 6.3), at most 100 bytes:
 * version 1 in the upper half of byte 0, in the lower: 1 guest, 2 the ICE words are hexadecimal | length of the whole 1 |
 * minutes since 2026-01-01 3 | DTLS fingerprint 32 | hash of the device key 8 | ICE user and password 21 (base64) or 20 (hex) |
 * addresses | mark 6.
 * The mark is made with the key of the place where the two could have met on a server, so a code of other people, or one that was
 * altered, is known at once. It is no proof: that is Hello's work, which binds both fingerprints and both device keys.
 */
export type PairingCode = {
  /** guest: somebody who has an invite and is in no neighbourhood yet. */
  readonly role: 'member' | 'guest';
  /** Whole minutes since 2026-01-01 by the clock of the device that made it. */
  readonly minute: number;
  readonly device: Bytes;
  readonly facts: PairFacts;
};
export type MarkedCode = PairingCode & { readonly marked: Bytes; readonly mark: Bytes };

export type PairingCodeRefusal = 'pairing-unreadable' | 'pairing-cut-off' | 'pairing-version';

const fixedBytes = 1 + 1 + 3 + 32 + 8;
const markBytes = 6;
const isGuestBit = 1;
const isHexBit = 2;
const version = 1;
const radioType = 0x50;

/** null when this browser's words for ICE are of a make that does not fit. Addresses that do not fit are left out, the last first. */
export const encodePairingCode = async (crypto: CryptoPort, code: PairingCode, key: Bytes): Promise<Bytes | null> => {
  const words = packWords(code.facts);
  if (!words) return null;
  const room = limits.pairingBytesMax - fixedBytes - words.bytes.length - markBytes;
  const addresses = packAddresses(code.facts.addresses, room);
  const flags = (code.role === 'guest' ? isGuestBit : 0) | (words.isHex ? isHexBit : 0);
  const length = fixedBytes + words.bytes.length + addresses.length + markBytes;
  const { minute, facts, device } = code;
  const marked = concatBytes(
    Uint8Array.of((version << 4) | flags, length, (minute >> 16) & 0xff, (minute >> 8) & 0xff, minute & 0xff),
    facts.fingerprint,
    device,
    words.bytes,
    addresses,
  );
  return concatBytes(marked, await markOf(crypto, marked, key));
};

export const parsePairingCode = (bytes: Uint8Array): Result<MarkedCode, PairingCodeRefusal> => {
  const [first = 0, length = 0] = bytes;
  if (bytes.length === 0) return err('pairing-unreadable');
  if (first >> 4 !== version) return err('pairing-version');
  if ((first & 0x0c) !== 0 || length > limits.pairingBytesMax) return err('pairing-unreadable');
  if (bytes.length < length) return err('pairing-cut-off');
  const isHex = (first & isHexBit) !== 0;
  const addressesAt = fixedBytes + (isHex ? 20 : 21);
  if (bytes.length !== length || length < addressesAt + markBytes) return err('pairing-unreadable');
  const addresses = unpackAddresses(bytes.subarray(addressesAt, length - markBytes));
  if (!addresses) return err('pairing-unreadable');
  return ok({
    role: (first & isGuestBit) !== 0 ? 'guest' : 'member',
    minute: ((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0),
    device: bytes.slice(37, fixedBytes),
    facts: {
      fingerprint: bytes.slice(5, 37),
      ...unpackWords(bytes.slice(fixedBytes, addressesAt), isHex),
      addresses,
    },
    marked: bytes.slice(0, length - markBytes),
    mark: bytes.slice(length - markBytes),
  });
};

/** Was this code made by somebody who has `key`? */
export const isMarkedWith = async (crypto: CryptoPort, code: MarkedCode, key: Bytes): Promise<boolean> =>
  areBytesEqual(code.mark, await markOf(crypto, code.marked, key));

/** What stands in a code for a device's key; eight bytes are enough to know again whom one expects. */
export const pairingDevice = async (crypto: CryptoPort, device: Uint8Array): Promise<Bytes> =>
  (await crypto.sha256(concatBytes(utf8('HN-PAIR-DEVICE'), device))).slice(0, 8);

/** The same bytes as one frame for a radio (protocol 12): a type byte in front, and far below the 231 bytes a frame may have. */
export const encodeForRadio = (code: Uint8Array): Bytes => concatBytes(Uint8Array.of(radioType), code);

/** null for a frame of another type. */
export const decodeFromRadio = (frame: Uint8Array): Uint8Array | null =>
  frame[0] === radioType && frame.length <= 1 + limits.pairingBytesMax ? frame.subarray(1) : null;

const markOf = async (crypto: CryptoPort, marked: Uint8Array, key: Bytes): Promise<Bytes> =>
  (await crypto.hmacSha256(key, concatBytes(utf8('HN-PAIR-MARK'), marked))).slice(0, markBytes);

/** Chromium's and Safari's words are 4 and 24 characters of base64, Firefox's 8 and 32 of hexadecimal. */
const packWords = ({ ufrag, password }: PairFacts): { readonly bytes: Bytes; readonly isHex: boolean } | null => {
  const text = ufrag + password;
  if (ufrag.length === 4 && password.length === 24) {
    const bytes = textToBytes(text.replaceAll('+', '-').replaceAll('/', '_'));
    return bytes && /^[A-Za-z0-9+/]+$/.test(text) ? { bytes, isHex: false } : null;
  }
  if (ufrag.length !== 8 || password.length !== 32 || !/^[0-9a-f]+$/.test(text)) return null;
  const bytes = Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return { bytes, isHex: true };
};

const unpackWords = (bytes: Uint8Array, isHex: boolean): { readonly ufrag: string; readonly password: string } => {
  if (isHex) return { ufrag: bytesToHex(bytes.subarray(0, 4)), password: bytesToHex(bytes.subarray(4)) };
  const text = bytesToText(bytes).replaceAll('-', '+').replaceAll('_', '/');
  return { ufrag: text.slice(0, 4), password: text.slice(4) };
};

/** Each is taken when it still fits: a long one that does not leaves room for a short one behind it. */
const packAddresses = (addresses: readonly PairAddress[], room: number): Uint8Array => {
  let packed = new Uint8Array(0);
  for (const address of addresses) {
    const next = packAddress(address);
    if (next && packed.length + next.length <= room) packed = concatBytes(packed, next);
  }
  return packed;
};

const unpackAddresses = (bytes: Uint8Array): readonly PairAddress[] | null => {
  const addresses: PairAddress[] = [];
  for (let at = 0; at < bytes.length;) {
    const next = unpackAddress(bytes.subarray(at));
    if (!next) return null;
    addresses.push(next.address);
    at += next.length;
  }
  return addresses;
};
