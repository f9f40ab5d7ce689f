import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList, type Cbor } from '../../kernel/codec.ts';
import { bytesToText, textToBytes } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import type { Bytes } from '../../kernel/ports/crypto.ts';

/** What the overlays at both ends of a link say to each other, beside its frames (protocol 5). Each one CBOR list, its number first. */
export type OverlayWord =
  | { readonly t: 'prune' | 'graft'; readonly source: string }
  /** Some devices that are here, and how many links the sender holds. */
  | { readonly t: 'shuffle'; readonly isAnswer: boolean; readonly degree: number; readonly devices: readonly string[] }
  /** The sender can spare this link and asks the other end to close it, if it can too. */
  | { readonly t: 'part' }
  /** `from` would like a link with `to`; passed on once, to `to` itself. */
  | { readonly t: 'call'; readonly from: string; readonly to: string }
  /** Sealed words of a meeting place on their way over neighbours; `to` is empty where everybody near is meant. */
  | {
      readonly t: 'road';
      readonly id: string;
      readonly tag: string;
      readonly from: string;
      readonly to: string;
      readonly hops: number;
      readonly sealed: Bytes;
    }
  /** Signed by the device it is about: its presence, or its list of links. */
  | { readonly t: 'presence' | 'links'; readonly signed: Bytes };

const numbers = { prune: 1, graft: 2, shuffle: 3, part: 4, call: 5, road: 6, presence: 7, links: 8 } as const;
const sourceChars = 48;
const nameBytes = 16;
const tagChars = 128;

export const encodeWord = (word: OverlayWord): Bytes => {
  const number = numbers[word.t];
  switch (word.t) {
    case 'prune':
    case 'graft':
      return encodeCbor([number, word.source]);
    case 'shuffle':
      return encodeCbor([number, word.isAnswer, word.degree, word.devices.map(bytesOf)]);
    case 'part':
      return encodeCbor([number]);
    case 'call':
      return encodeCbor([number, bytesOf(word.from), bytesOf(word.to)]);
    case 'road':
      return encodeCbor([
        number,
        bytesOf(word.id),
        word.tag,
        bytesOf(word.from),
        bytesOf(word.to),
        word.hops,
        word.sealed,
      ]);
    case 'presence':
    case 'links':
      return encodeCbor([number, word.signed]);
  }
};

const bytesOf = (id: string): Bytes => textToBytes(id) ?? new Uint8Array(0);

/** Total: a word of exactly this shape and within every bound, or null. */
export const parseWord = (bytes: Uint8Array): OverlayWord | null => {
  if (bytes.length > limits.overlayWordBytesMax) return null;
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isCborList(decoded.value)) return null;
  const [number, ...rest] = decoded.value;
  switch (number) {
    case numbers.prune:
      return parseSource('prune', rest);
    case numbers.graft:
      return parseSource('graft', rest);
    case numbers.shuffle:
      return parseShuffle(rest);
    case numbers.part:
      return rest.length === 0 ? { t: 'part' } : null;
    case numbers.call:
      return parseCall(rest);
    case numbers.road:
      return parseRoad(rest);
    case numbers.presence:
      return parseSigned('presence', rest);
    case numbers.links:
      return parseSigned('links', rest);
    default:
      return null;
  }
};

const parseSource = (t: 'prune' | 'graft', rest: readonly Cbor[]): OverlayWord | null => {
  const [source] = rest;
  return rest.length === 1 && typeof source === 'string' && source.length <= sourceChars ? { t, source } : null;
};

const parseSigned = (t: 'presence' | 'links', rest: readonly Cbor[]): OverlayWord | null => {
  const [signed] = rest;
  return rest.length === 1 && isCborBytes(signed) && signed.length <= limits.presenceBytesMax ? { t, signed } : null;
};

const parseShuffle = (rest: readonly Cbor[]): OverlayWord | null => {
  const [isAnswer, degree, list] = rest;
  if (rest.length !== 3 || typeof isAnswer !== 'boolean' || !isCborCount(degree) || !isCborList(list)) return null;
  if (list.length > limits.overlayShuffleMax) return null;
  const devices = list.flatMap((each) => (isCborBytes(each, 32) ? [bytesToText(each)] : []));
  return devices.length === list.length ? { t: 'shuffle', isAnswer, degree, devices } : null;
};

const parseCall = (rest: readonly Cbor[]): OverlayWord | null => {
  const [from, to] = rest;
  return rest.length === 2 && isCborBytes(from, 32) && isCborBytes(to, 32)
    ? { t: 'call', from: bytesToText(from), to: bytesToText(to) }
    : null;
};

const parseRoad = (rest: readonly Cbor[]): OverlayWord | null => {
  const [id, tag, from, to, hops, sealed] = rest;
  if (rest.length !== 6 || !isCborBytes(id, nameBytes) || !isCborBytes(from, nameBytes)) return null;
  if (!isCborBytes(to) || (to.length !== nameBytes && to.length !== 0)) return null;
  if (typeof tag !== 'string' || tag.length > tagChars || !isCborCount(hops) || !isCborBytes(sealed)) return null;
  return { t: 'road', id: bytesToText(id), tag, from: bytesToText(from), to: bytesToText(to), hops, sealed };
};
