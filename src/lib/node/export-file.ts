import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList, isCborMap, type Cbor } from '../kernel/codec.ts';
import { areBytesEqual, concatBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/**
 * One person's data as a file: records, each its length in 4 bytes (big endian) and then one CBOR list. ["hearthnet-export", 1,
 * header map] first, then ["events", [[envelope, payload or null], ...]], ["proofs", [proof, ...]] and ["document", map] in any
 * number, and ["end", number of events, SHA-256 of everything before this record] last. The hash finds a damaged file; against
 * a person nothing in it is believed: events are verified like any others, and the sealed keys open only unchanged.
 */
export type ExportHeader = {
  /** null for somebody who is in no neighbourhood. */
  readonly community: Bytes | null;
  readonly name: string;
  readonly signalUrl: string;
  /** Milliseconds since 1970. */
  readonly madeAt: number;
  /** `crypto/export-seal.ts`; null when no keys are in the file. */
  readonly seal: Bytes | null;
};
export type ExportEvent = { readonly envelope: Bytes; readonly payload: Bytes | null };
export type ExportDocument = { readonly [key: string]: Cbor };
export type ExportFileRefusal = 'export-malformed' | 'export-version' | 'export-damaged' | 'export-too-large';

export const encodeExport = async (
  crypto: CryptoPort,
  header: ExportHeader,
  parts: {
    readonly events: readonly ExportEvent[];
    readonly proofs: readonly Bytes[];
    readonly documents: readonly ExportDocument[];
  },
): Promise<Bytes> => {
  const records = [record([formatName, 1, { ...header }])];
  const step = limits.exportEventsPerRecord;
  for (let at = 0; at < parts.events.length; at += step) {
    const some = parts.events.slice(at, at + step);
    records.push(record(['events', some.map(({ envelope, payload }) => [envelope, payload])]));
  }
  for (let at = 0; at < parts.proofs.length; at += step)
    records.push(record(['proofs', parts.proofs.slice(at, at + step)]));
  for (const document of parts.documents) records.push(record(['document', document]));
  const body = concatBytes(...records);
  return concatBytes(body, record(['end', parts.events.length, await crypto.sha256(body)]));
};

export type ExportFile = {
  readonly header: ExportHeader;
  readonly events: number;
  /** The records between header and end, read one at a time. Those that do not read are counted, not thrown. */
  records(): Generator<ExportRecord>;
};
export type ExportRecord =
  | { readonly kind: 'events'; readonly events: readonly ExportEvent[] }
  | { readonly kind: 'proofs'; readonly proofs: readonly Bytes[] }
  | { readonly kind: 'document'; readonly document: ExportDocument }
  | { readonly kind: 'unreadable' };

/** Total: for any bytes a file or a reason. The whole file is checked before the first record is handed out. */
export const openExportFile = async (
  crypto: CryptoPort,
  bytes: Uint8Array,
): Promise<Result<ExportFile, ExportFileRefusal>> => {
  if (bytes.length > limits.exportBytesMax) return err('export-too-large');
  const places = findRecords(bytes);
  const first = places?.[0];
  const last = places?.at(-1);
  if (!places || !first || !last || places.length < 2) return err('export-malformed');
  const [format, version, header] = listIn(bytes, first);
  if (format !== formatName) return err('export-malformed');
  if (version !== 1) return err('export-version');
  const parsed = parseHeader(header);
  const [end, events, hash] = listIn(bytes, last);
  if (!parsed || end !== 'end' || !isCborCount(events) || !isCborBytes(hash, 32)) return err('export-malformed');
  if (!areBytesEqual(await crypto.sha256(bytes.slice(0, last.from - 4)), hash)) return err('export-damaged');
  const records = function* (): Generator<ExportRecord> {
    for (const place of places.slice(1, -1)) yield parseRecord(listIn(bytes, place));
  };
  return ok({ header: parsed, events, records });
};

const formatName = 'hearthnet-export';
type Place = { readonly from: number; readonly to: number };

const record = (value: Cbor): Bytes => {
  const body = encodeCbor(value);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, body.length);
  return concatBytes(length, body);
};

/** null when the lengths do not add up to the file, or one is out of bounds. */
const findRecords = (bytes: Uint8Array): Place[] | null => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const places: Place[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) return null;
    const length = view.getUint32(at);
    if (length === 0 || length > limits.exportRecordBytesMax || at + 4 + length > bytes.length) return null;
    places.push({ from: at + 4, to: at + 4 + length });
    at += 4 + length;
  }
  return places;
};

const listIn = (bytes: Uint8Array, { from, to }: Place): readonly (Cbor | undefined)[] => {
  const decoded = decodeCbor(bytes.subarray(from, to));
  return decoded.ok && isCborList(decoded.value) ? decoded.value : [];
};

const parseHeader = (value: Cbor | undefined): ExportHeader | null => {
  if (!isCborMap(value)) return null;
  const { community = null, name, signalUrl, madeAt, seal = null } = value;
  if (community !== null && !isCborBytes(community, 16)) return null;
  if (typeof name !== 'string' || name.length > limits.nameCharsMax) return null;
  if (typeof signalUrl !== 'string' || signalUrl.length > 300 || !/^(?:wss?:\/\/\S+)?$/.test(signalUrl)) return null;
  if (!isCborCount(madeAt) || (seal !== null && !isCborBytes(seal))) return null;
  return { community, name, signalUrl, madeAt, seal };
};

const parseRecord = ([kind, content]: readonly (Cbor | undefined)[]): ExportRecord => {
  if (kind === 'document' && isCborMap(content)) return { kind, document: content };
  if (!isCborList(content) || content.length > limits.exportEventsPerRecord) return { kind: 'unreadable' };
  if (kind === 'proofs' && content.every((each) => isCborBytes(each))) return { kind, proofs: content };
  if (kind !== 'events') return { kind: 'unreadable' };
  const events = content.flatMap((each) => parseEvent(each) ?? []);
  return events.length === content.length ? { kind, events } : { kind: 'unreadable' };
};

const parseEvent = (value: Cbor): ExportEvent | null => {
  if (!isCborList(value) || value.length !== 2) return null;
  const [envelope, payload] = value;
  if (!isCborBytes(envelope) || envelope.length > limits.envelopeBytesMax) return null;
  if (payload === null) return { envelope, payload };
  return isCborBytes(payload) && payload.length <= limits.payloadBytesMax ? { envelope, payload } : null;
};
