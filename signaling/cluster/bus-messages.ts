import { err, limits, ok, type Result } from '../../src/lib/kernel/wire/signal.ts';

/**
 * What servers tell one another over Redis. A message is one version byte, one kind byte, the sender's name, and then entries to the
 * end: names as one length byte and latin1, numbers of 4 bytes in network order. The parser is total: whoever can write to Redis can
 * send anything, and what is not exactly one of these is dropped whole.
 */
export const parseBusMessage = (message: Buffer): Result<BusMessage, 'malformed'> => {
  if (message.length > limits.clusterMessageBytesMax || message[0] !== version) return err('malformed');
  const kind = message[1];
  const reader = createReader(message, 2);
  const node = reader.name();
  const parsed = kind === undefined || node === '' ? null : readEntries(kind, node, reader);
  return parsed === null || reader.isBroken() ? err('malformed') : ok(parsed);
};

export type BusMessage =
  /** At the tag of the channel: who came to that server just now, who is still there, and who has left. */
  | { readonly kind: 'came' | 'here' | 'left'; readonly node: string; readonly ids: readonly string[] }
  | { readonly kind: 'parcels'; readonly node: string; readonly parcels: readonly Parcel[] }
  | { readonly kind: 'outcomes'; readonly node: string; readonly outcomes: readonly ParcelOutcome[] };

/** One send of a connection at one server to a connection at another. `number` is the sending server's own, up to 2^32. */
export type Parcel = {
  readonly number: number;
  readonly to: string;
  readonly from: string;
  readonly tag: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
};
export type ParcelOutcome = { readonly number: number; readonly outcome: 'sent' | 'gone' | 'busy' };

export const encodeBusMessage = (message: BusMessage): Buffer => {
  const parts: (Buffer | Uint8Array)[] = [Buffer.from([version, kinds.indexOf(message.kind)]), name(message.node)];
  if (message.kind === 'parcels') {
    for (const parcel of message.parcels) {
      parts.push(number(parcel.number), name(parcel.to), name(parcel.from), name(parcel.tag));
      parts.push(number(parcel.bytes.length), parcel.bytes);
    }
  } else if (message.kind === 'outcomes') {
    for (const each of message.outcomes) parts.push(number(each.number), Buffer.from([outcomes.indexOf(each.outcome)]));
  } else for (const id of message.ids) parts.push(name(id));
  return Buffer.concat(parts);
};

/** What one parcel adds to a message, names included. */
export const parcelCostBytes = 192;

const version = 1;
const kinds: readonly BusMessage['kind'][] = ['came', 'here', 'left', 'parcels', 'outcomes'];
const outcomes: readonly ParcelOutcome['outcome'][] = ['sent', 'gone', 'busy'];

const readEntries = (kindNumber: number, node: string, reader: Reader): BusMessage | null => {
  const kind = kinds[kindNumber];
  if (kind === 'came' || kind === 'here' || kind === 'left')
    return { kind, node, ids: readAll(reader, () => reader.name()) };
  if (kind === 'outcomes') return { kind, node, outcomes: readAll(reader, () => readOutcome(reader)) };
  if (kind !== 'parcels') return null;
  const parcels = readAll(reader, () => ({
    number: reader.number(),
    to: reader.name(),
    from: reader.name(),
    tag: reader.name(),
    bytes: reader.bytes(limits.meshSendBytesMax),
  }));
  return { kind, node, parcels };
};

const readOutcome = (reader: Reader): ParcelOutcome => {
  const at = reader.number();
  const outcome = outcomes[reader.byte()];
  if (outcome === undefined) reader.breakOff();
  return { number: at, outcome: outcome ?? 'gone' };
};

const readAll = <T>(reader: Reader, read: () => T): T[] => {
  const all: T[] = [];
  while (!reader.isAtEnd()) all.push(read());
  return all;
};

type Reader = ReturnType<typeof createReader>;

/** Past the end, or at something that cannot be, it is broken: it stands at the end then and gives nothing any more. */
const createReader = (message: Buffer, start: number) => {
  let at = start;
  let isBroken = false;
  const breakOff = (): void => {
    isBroken = true;
    at = message.length;
  };
  const take = (count: number): number | null => {
    if (at + count > message.length) {
      breakOff();
      return null;
    }
    at += count;
    return at - count;
  };
  const byte = (): number => {
    const from = take(1);
    return from === null ? 0 : message.readUInt8(from);
  };
  const wide = (): number => {
    const from = take(4);
    return from === null ? 0 : message.readUInt32BE(from);
  };
  return {
    byte,
    number: wide,
    name: (): string => {
      const length = byte();
      const from = length === 0 || length > limits.clusterNameCharsMax ? null : take(length);
      if (from === null) {
        breakOff();
        return '';
      }
      return message.toString('latin1', from, from + length);
    },
    bytes: (most: number): Uint8Array<ArrayBuffer> => {
      const length = wide();
      const from = length > most ? null : take(length);
      if (from === null) {
        breakOff();
        return new Uint8Array(0);
      }
      return new Uint8Array(message.subarray(from, from + length));
    },
    isAtEnd: () => at >= message.length,
    isBroken: () => isBroken,
    breakOff,
  };
};

const name = (text: string): Buffer => {
  const bytes = Buffer.from(` ${text}`, 'latin1');
  bytes[0] = text.length;
  return bytes;
};

const number = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
