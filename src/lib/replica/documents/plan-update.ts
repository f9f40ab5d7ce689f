import * as encoding from 'lib0/encoding';
import { areBytesEqual, utf8ToText } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import type { Bytes } from '../../kernel/ports/crypto.ts';
import type { CharId, CharRange, DocumentReason } from '../../kernel/ports/documents.ts';
import { err, ok, type Result } from '../../kernel/result.ts';

/** The two lists of a plan: its text, and the ticks on its task lines. Nothing else may be in one. */
export type Place = 'text' | 'ticks';
export type PlanContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'ticks'; readonly ticks: readonly string[] }
  | { readonly kind: 'deleted' };
export type PlanStruct = {
  readonly clock: number;
  readonly length: number;
  readonly origin: CharId | null;
  readonly rightOrigin: CharId | null;
  /** Only of a struct without neighbours; the place of the others is that of their neighbours. */
  readonly root: Place | null;
  readonly content: PlanContent;
};
/** One update of one device: new structs without a gap from `clock` on, and ranges that are deleted. */
export type PlanUpdate = {
  readonly client: number;
  readonly clock: number;
  readonly structs: readonly PlanStruct[];
  readonly deletes: readonly CharRange[];
};

/** "client:clock" of the first character of a task line, then done or not. */
export const tickPattern = /^(\d{1,16}):(\d{1,10})([+-])$/;

const contentRefs = { deleted: 1, text: 4, any: 8 } as const;
const gcRef = 0;
const skipRef = 10;
const anyTextTag = 119;
const flags = { content: 0x1f, mapKey: 0x20, rightOrigin: 0x40, origin: 0x80 } as const;

class Refused extends Error {
  readonly reason: DocumentReason;
  constructor(reason: DocumentReason) {
    super(reason);
    this.reason = reason;
  }
}
const refuse = (reason: DocumentReason): never => {
  throw new Refused(reason);
};

/**
 * Reads foreign bytes of Yjs' V1 update format (yjs INTERNALS.md) without Yjs: no more is made in memory than the bytes
 * carry, and only what a plan is made of passes. The bytes must be the one spelling of what they say.
 */
export const parsePlanUpdate = (bytes: Uint8Array): Result<PlanUpdate, DocumentReason> => {
  if (bytes.length > limits.documentUpdateBytesMax) return err('document-too-large');
  try {
    const update = readUpdate(createReader(bytes));
    return areBytesEqual(encodePlanUpdate(update), bytes) ? ok(update) : err('document-not-canonical');
  } catch (error) {
    if (error instanceof Refused) return err(error.reason);
    throw error;
  }
};

type Reader = ReturnType<typeof createReader>;
const createReader = (bytes: Uint8Array) => {
  let at = 0;
  const byte = (): number => bytes[at++] ?? refuse('document-malformed');
  const count = (): number => {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const next = byte();
      value += (next & 0x7f) * scale;
      if (next < 0x80) return Number.isSafeInteger(value) ? value : refuse('document-malformed');
    }
    return refuse('document-malformed');
  };
  return {
    byte,
    count,
    text: (): string => {
      const length = count();
      if (length > bytes.length - at) refuse('document-malformed');
      at += length;
      return utf8ToText(bytes.subarray(at - length, at)) ?? refuse('document-malformed');
    },
    left: () => bytes.length - at,
  };
};

const readUpdate = (reader: Reader): PlanUpdate => {
  const clients = reader.count();
  // Whoever names a second client would write in another's name, whatever follows.
  if (clients > 1) refuse('document-client');
  const structs: PlanStruct[] = [];
  let client = 0;
  let start = 0;
  if (clients === 1) {
    const structCount = reader.count();
    if (structCount > limits.documentUpdateStructsMax) refuse('document-too-many');
    client = reader.count();
    start = reader.count();
    for (let clock = start; structs.length < structCount;) {
      const struct = readStruct(reader, clock);
      structs.push(struct);
      clock += struct.length;
      if (!Number.isSafeInteger(clock)) refuse('document-malformed');
    }
    if (structCount === 0) refuse('document-malformed');
  }
  const deletes = readDeletes(reader, structs.length);
  if (reader.left() > 0) refuse('document-malformed');
  if (structs.length === 0 && deletes.length === 0) refuse('document-empty');
  return { client, clock: start, structs, deletes };
};

const readStruct = (reader: Reader, clock: number): PlanStruct => {
  const info = reader.byte();
  const ref = info & flags.content;
  if (ref === gcRef || ref === skipRef) refuse('document-struct');
  if (info & flags.mapKey) refuse('document-map-key');
  const origin = info & flags.origin ? readId(reader) : null;
  const rightOrigin = info & flags.rightOrigin ? readId(reader) : null;
  const root = origin === null && rightOrigin === null ? readRoot(reader) : null;
  return { clock, origin, rightOrigin, root, ...readContent(reader, ref) };
};

const readId = (reader: Reader): CharId => ({ client: reader.count(), clock: reader.count() });

/** A parent by id would be a type inside a type: a plan has none. */
const readRoot = (reader: Reader): Place => {
  if (reader.count() !== 1) refuse('document-parent');
  const name = reader.text();
  return name === 'text' || name === 'ticks' ? name : refuse('document-parent');
};

const readContent = (reader: Reader, ref: number): { length: number; content: PlanContent } => {
  if (ref === contentRefs.deleted) {
    const length = reader.count();
    if (length === 0 || length > limits.documentDeviceUnitsMax) refuse('document-malformed');
    return { length, content: { kind: 'deleted' } };
  }
  if (ref === contentRefs.text) {
    const text = reader.text();
    return text === '' ? refuse('document-malformed') : { length: text.length, content: { kind: 'text', text } };
  }
  if (ref !== contentRefs.any) return refuse('document-content');
  const length = reader.count();
  if (length === 0 || length > limits.documentUpdateStructsMax) refuse('document-malformed');
  const ticks: string[] = [];
  while (ticks.length < length) {
    if (reader.byte() !== anyTextTag) refuse('document-content');
    const tick = reader.text();
    ticks.push(tickPattern.test(tick) ? tick : refuse('document-content'));
  }
  return { length, content: { kind: 'ticks', ticks } };
};

const readDeletes = (reader: Reader, structs: number): CharRange[] => {
  const deletes: CharRange[] = [];
  let clients = reader.count();
  if (clients > limits.documentUpdateStructsMax) refuse('document-too-many');
  for (; clients > 0; clients--) {
    const client = reader.count();
    let ranges = reader.count();
    if (ranges === 0) refuse('document-malformed');
    if (structs + deletes.length + ranges > limits.documentUpdateStructsMax) refuse('document-too-many');
    for (; ranges > 0; ranges--) {
      const range = { client, clock: reader.count(), length: reader.count() };
      if (range.length === 0 || !Number.isSafeInteger(range.clock + range.length)) refuse('document-malformed');
      deletes.push(range);
    }
  }
  return deletes;
};

/** The bytes of an update, as Yjs would write them. Deleted ranges of one client stand together, in the order given. */
export const encodePlanUpdate = ({ client, clock, structs, deletes }: PlanUpdate): Bytes => {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, structs.length > 0 ? 1 : 0);
  if (structs.length > 0) {
    encoding.writeVarUint(encoder, structs.length);
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
    for (const struct of structs) writeStruct(encoder, struct);
  }
  const rangesByClient = new Map<number, CharRange[]>();
  for (const range of deletes) {
    const ranges = rangesByClient.get(range.client);
    if (ranges) ranges.push(range);
    else rangesByClient.set(range.client, [range]);
  }
  encoding.writeVarUint(encoder, rangesByClient.size);
  for (const [owner, ranges] of rangesByClient) {
    encoding.writeVarUint(encoder, owner);
    encoding.writeVarUint(encoder, ranges.length);
    for (const range of ranges) {
      encoding.writeVarUint(encoder, range.clock);
      encoding.writeVarUint(encoder, range.length);
    }
  }
  return encoding.toUint8Array(encoder) as Bytes;
};

const writeStruct = (encoder: encoding.Encoder, { origin, rightOrigin, root, length, content }: PlanStruct): void => {
  const ref = content.kind === 'ticks' ? contentRefs.any : contentRefs[content.kind];
  encoding.writeUint8(encoder, ref | (origin ? flags.origin : 0) | (rightOrigin ? flags.rightOrigin : 0));
  for (const id of [origin, rightOrigin]) {
    if (!id) continue;
    encoding.writeVarUint(encoder, id.client);
    encoding.writeVarUint(encoder, id.clock);
  }
  if (root !== null) {
    encoding.writeVarUint(encoder, 1);
    encoding.writeVarString(encoder, root);
  }
  if (content.kind === 'text') return encoding.writeVarString(encoder, content.text);
  encoding.writeVarUint(encoder, length);
  if (content.kind === 'deleted') return;
  for (const tick of content.ticks) {
    encoding.writeUint8(encoder, anyTextTag);
    encoding.writeVarString(encoder, tick);
  }
};
