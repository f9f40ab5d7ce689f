import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList, type Cbor } from '../kernel/codec.ts';
import { areBytesEqual, utf8, utf8ToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/** What travels on a link's `sync` channel. Type 0 is y-protocols' sync with its lane in front; the rest is ours (protocol 4). */
export type SyncFrame =
  | { readonly type: 'ask'; readonly lane: number; readonly clocks: ReadonlyMap<number, number> }
  /** `isLast` ends the answer to an `ask` (y-protocols' step 2); without it a live update. */
  | { readonly type: 'update'; readonly lane: number; readonly update: Bytes; readonly isLast: boolean }
  /** Live events in one piece with what they say, where neighbours pass them on; without the payload where it is not here. */
  | {
      readonly type: 'push';
      readonly events: readonly { readonly envelope: Bytes; readonly payload: Bytes | null }[];
    }
  | { readonly type: 'payload'; readonly payloads: readonly { readonly id: Bytes; readonly payload: Bytes }[] }
  | { readonly type: 'want'; readonly ids: readonly Bytes[] }
  | {
      readonly type: 'heads';
      readonly heads: readonly {
        readonly author: Bytes;
        readonly lane: number;
        readonly next: number;
        readonly digest: Bytes;
      }[];
    }
  /** Two events one device signed for one place (`log/fork.ts`). */
  | { readonly type: 'proof'; readonly proof: Bytes }
  | { readonly type: 'receipt'; readonly receipt: Bytes }
  /**
   * From a further device of one's own at the door: its certificate's body and its half of the signatures. Back to it after the
   * tap, where the person wished so: the same with the root entropy sealed. No part of the sync: linking listens for it.
   */
  | { readonly type: 'certify'; readonly body: Bytes; readonly signature: Bytes; readonly sealedRoot: Bytes | null }
  /** The sender ends the link; `reason` is for the other person (an invite that was used, say). */
  | { readonly type: 'bye'; readonly reason: string };

export type FrameRefusal = 'frame-malformed' | 'frame-type' | 'frame-too-many';

const types = {
  sync: 0,
  payload: 100,
  want: 101,
  heads: 102,
  proof: 103,
  receipt: 104,
  bye: 105,
  certify: 106,
  push: 107,
} as const;

/** Letters for one device and what is said of them: type 110, a room of its own (`mail/mail-frames.ts`) on the same channel. */
export const isForMail = (bytes: Uint8Array): boolean => bytes[0] === 110;

/** The steps of y-protocols' sync by their own names; a test holds them against it. Importing it would bring all of Yjs along. */
export const messageYjsSyncStep1 = 0;
export const messageYjsSyncStep2 = 1;
export const messageYjsUpdate = 2;

export const encodeFrame = (frame: SyncFrame): Bytes => {
  const encoder = encoding.createEncoder();
  if (frame.type === 'ask' || frame.type === 'update') {
    encoding.writeVarUint(encoder, types.sync);
    encoding.writeVarUint(encoder, frame.lane);
    if (frame.type === 'ask') {
      encoding.writeVarUint(encoder, messageYjsSyncStep1);
      encoding.writeVarUint8Array(encoder, encodeStateVector(frame.clocks));
    } else {
      encoding.writeVarUint(encoder, frame.isLast ? messageYjsSyncStep2 : messageYjsUpdate);
      encoding.writeVarUint8Array(encoder, frame.update);
    }
    return encoding.toUint8Array(encoder) as Bytes;
  }
  encoding.writeVarUint(encoder, types[frame.type]);
  encoding.writeUint8Array(encoder, encodeBody(frame));
  return encoding.toUint8Array(encoder) as Bytes;
};

const encodeBody = (frame: Exclude<SyncFrame, { type: 'ask' } | { type: 'update' }>): Uint8Array => {
  switch (frame.type) {
    case 'payload':
      return encodeCbor(frame.payloads.map(({ id, payload }) => [id, payload]));
    case 'want':
      return encodeCbor(frame.ids);
    case 'heads':
      return encodeCbor(frame.heads.map(({ author, lane, next, digest }) => [author, lane, next, digest]));
    case 'push':
      return encodeCbor(frame.events.map(({ envelope, payload }) => [envelope, payload]));
    case 'proof':
      return frame.proof;
    case 'receipt':
      return frame.receipt;
    case 'certify':
      return encodeCbor([frame.body, frame.signature, frame.sealedRoot]);
    case 'bye':
      return utf8(frame.reason);
  }
};

/** Total: a frame or a reason, for any bytes. One frame has one spelling; lib0 alone would take longer numbers too. */
export const parseFrame = (bytes: Uint8Array): Result<SyncFrame, FrameRefusal> => {
  const frame = parseAnySpelling(bytes);
  return frame.ok && !areBytesEqual(encodeFrame(frame.value), bytes) ? err('frame-malformed') : frame;
};

const parseAnySpelling = (bytes: Uint8Array): Result<SyncFrame, FrameRefusal> => {
  try {
    const decoder = decoding.createDecoder(bytes);
    const type = decoding.readVarUint(decoder);
    if (type === types.sync) return parseSync(decoder);
    const rest = decoding.readTailAsUint8Array(decoder);
    return parseBody(type, rest.slice() as Bytes);
  } catch (error) {
    // lib0 throws on truncated input and on integers past 2^53.
    if (error instanceof Error) return err('frame-malformed');
    throw error;
  }
};

const parseSync = (decoder: decoding.Decoder): Result<SyncFrame, FrameRefusal> => {
  const lane = decoding.readVarUint(decoder);
  const step = decoding.readVarUint(decoder);
  const body = decoding.readVarUint8Array(decoder).slice() as Bytes;
  if (decoding.hasContent(decoder)) return err('frame-malformed');
  if (step === messageYjsSyncStep1) {
    const clocks = parseStateVector(body);
    return clocks.ok ? ok({ type: 'ask', lane, clocks: clocks.value }) : clocks;
  }
  if (step !== messageYjsSyncStep2 && step !== messageYjsUpdate) return err('frame-type');
  return ok({ type: 'update', lane, update: body, isLast: step === messageYjsSyncStep2 });
};

/** Yjs' state vector: count, then (client, clock) pairs, highest client first. */
export const encodeStateVector = (clocks: ReadonlyMap<number, number>): Bytes => {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, clocks.size);
  for (const [client, clock] of [...clocks].toSorted((a, b) => b[0] - a[0])) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
  }
  return encoding.toUint8Array(encoder) as Bytes;
};

const parseStateVector = (bytes: Bytes): Result<ReadonlyMap<number, number>, FrameRefusal> => {
  const decoder = decoding.createDecoder(bytes);
  const count = decoding.readVarUint(decoder);
  if (count > limits.stateVectorEntriesMax) return err('frame-too-many');
  const clocks = new Map<number, number>();
  for (let i = 0; i < count; i++) clocks.set(decoding.readVarUint(decoder), decoding.readVarUint(decoder));
  return decoding.hasContent(decoder) ? err('frame-malformed') : ok(clocks);
};

const parseBody = (type: number, bytes: Bytes): Result<SyncFrame, FrameRefusal> => {
  if (type === types.receipt) return ok({ type: 'receipt', receipt: bytes });
  if (type === types.proof) return parseProof(bytes);
  if (type === types.certify) return parseCertify(bytes);
  if (type === types.bye) {
    const reason = bytes.length <= 60 ? utf8ToText(bytes) : null;
    return reason !== null && /^[a-z-]*$/.test(reason) ? ok({ type: 'bye', reason }) : err('frame-malformed');
  }
  const isList = type === types.payload || type === types.want || type === types.heads || type === types.push;
  if (!isList) return err('frame-type');
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isCborList(decoded.value)) return err('frame-malformed');
  const list = decoded.value;
  if (type === types.heads)
    return list.length > limits.stateVectorEntriesMax
      ? err('frame-too-many')
      : parseList(list, parseHead, (heads) => ({ type: 'heads', heads }));
  if (list.length > limits.wantIdsMax) return err('frame-too-many');
  if (type === types.push)
    return list.length > limits.pushGapMax
      ? err('frame-too-many')
      : parseList(list, parsePushed, (events) => ({ type: 'push', events }));
  if (type === types.want)
    return parseList(
      list,
      (item) => (isCborBytes(item, 32) ? item : null),
      (ids) => ({ type: 'want', ids }),
    );
  return parseList(list, parsePair, (payloads) => ({ type: 'payload', payloads }));
};

const parseProof = (bytes: Bytes): Result<SyncFrame, FrameRefusal> => {
  if (bytes.length > limits.proofBytesMax) return err('frame-too-many');
  const decoded = decodeCbor(bytes);
  const isPair = decoded.ok && isCborList(decoded.value) && decoded.value.length === 2;
  return isPair && decoded.value.every((each) => isCborBytes(each))
    ? ok({ type: 'proof', proof: bytes })
    : err('frame-malformed');
};

const parseCertify = (bytes: Bytes): Result<SyncFrame, FrameRefusal> => {
  const decoded = bytes.length <= 512 ? decodeCbor(bytes) : null;
  if (!decoded?.ok || !isCborList(decoded.value) || decoded.value.length !== 3) return err('frame-malformed');
  const [body, signature, sealedRoot] = decoded.value;
  if (!isCborBytes(body) || !isCborBytes(signature, 64)) return err('frame-malformed');
  if (sealedRoot !== null && !isCborBytes(sealedRoot)) return err('frame-malformed');
  return ok({ type: 'certify', body, signature, sealedRoot });
};

const parseList = <T>(
  list: readonly Cbor[],
  parse: (item: Cbor) => T | null,
  wrap: (items: T[]) => SyncFrame,
): Result<SyncFrame, FrameRefusal> => {
  const items: T[] = [];
  for (const item of list) {
    const parsed = parse(item);
    if (parsed === null) return err('frame-malformed');
    items.push(parsed);
  }
  return ok(wrap(items));
};

const parsePair = (item: Cbor) => {
  if (!isCborList(item) || item.length !== 2) return null;
  const [id, payload] = item;
  return isCborBytes(id, 32) && isCborBytes(payload) && payload.length <= limits.payloadBytesMax
    ? { id, payload }
    : null;
};

const parsePushed = (item: Cbor) => {
  if (!isCborList(item) || item.length !== 2) return null;
  const [envelope, payload] = item;
  if (!isCborBytes(envelope) || envelope.length > limits.envelopeBytesMax) return null;
  if (payload !== null && !(isCborBytes(payload) && payload.length <= limits.payloadBytesMax)) return null;
  return { envelope, payload };
};

const parseHead = (item: Cbor) => {
  if (!isCborList(item) || item.length !== 4) return null;
  const [author, lane, next, digest] = item;
  return isCborBytes(author, 32) && isCborCount(lane) && isCborCount(next) && isCborBytes(digest, 32)
    ? { author, lane, next, digest }
    : null;
};
