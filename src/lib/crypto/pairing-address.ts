import { bytesToHex, concatBytes } from '../kernel/ids.ts';
import type { PairAddress } from '../kernel/ports/pairing.ts';

/** How long an address is in a code, by its first byte: IPv4, IPv6, and the made-up name of a browser that hides its address (a UUID). */
const bytesByKind: ReadonlyMap<number, number> = new Map([
  [4, 4],
  [6, 16],
  [1, 16],
]);

/** kind 1 | address 4 or 16 | port 2. null for what a neighbour could not reach, or a name of another make. */
export const packAddress = ({ host, port }: PairAddress): Uint8Array | null => {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return null;
  const packed = packUuid(host) ?? packIpv4(host) ?? packIpv6(host);
  if (!packed || !isReachable(packed.kind, packed.bytes)) return null;
  return concatBytes(Uint8Array.of(packed.kind), packed.bytes, Uint8Array.of(port >> 8, port & 0xff));
};

/** Reads one address from the beginning of `bytes`; null when there is none, or one nobody should be sent to. */
export const unpackAddress = (bytes: Uint8Array): { readonly address: PairAddress; readonly length: number } | null => {
  const [kind = 0] = bytes;
  const size = bytesByKind.get(kind);
  if (size === undefined || bytes.length < size + 3) return null;
  const raw = bytes.subarray(1, 1 + size);
  const port = ((bytes[1 + size] ?? 0) << 8) | (bytes[2 + size] ?? 0);
  if (port === 0 || !isReachable(kind, raw)) return null;
  return { address: { host: nameOf(kind, raw), port }, length: size + 3 };
};

type Packed = { readonly kind: number; readonly bytes: Uint8Array };

/** The device itself, everybody at once, nobody, and addresses that mean something on one cable only are no way to a neighbour. */
const isReachable = (kind: number, bytes: Uint8Array): boolean => {
  const [first = 0, second = 0] = bytes;
  if (kind === 4) return first !== 0 && first !== 127 && first < 224;
  if (kind === 6) {
    const isLowest = bytes.subarray(0, 15).every((byte) => byte === 0);
    const isOldInNew = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff;
    return !isLowest && !isOldInNew && first !== 0xff && !(first === 0xfe && (second & 0xc0) === 0x80);
  }
  return true;
};

const nameOf = (kind: number, bytes: Uint8Array): string => {
  if (kind === 4) return bytes.join('.');
  const hex = bytesToHex(bytes);
  if (kind === 6) return hex.replace(/.{4}(?!$)/g, '$&:');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}.local`;
};

const packUuid = (host: string): Packed | null => {
  const found = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\.local$/.exec(host);
  return found ? { kind: 1, bytes: fromHex(found.slice(1).join('')) } : null;
};

const packIpv4 = (host: string): Packed | null => {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(host)) return null;
  const parts = host.split('.').map(Number);
  return parts.every((part) => part <= 255) ? { kind: 4, bytes: Uint8Array.from(parts) } : null;
};

const packIpv6 = (host: string): Packed | null => {
  if (!/^[0-9a-f:]{2,39}$/i.test(host)) return null;
  const halves = host.split('::');
  if (halves.length > 2) return null;
  const [front = [], back = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const gap = 8 - front.length - back.length;
  if (halves.length === 2 ? gap < 1 : gap !== 0) return null;
  const groups = [...front, ...Array.from({ length: gap }, () => '0'), ...back];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return { kind: 6, bytes: fromHex(groups.map((group) => group.padStart(4, '0')).join('')) };
};

const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
