import { decodeCbor, encodeCbor, isCborMap, type Cbor } from '../codec.ts';
import { limits } from '../limits.ts';
import { err, ok, type Result } from '../result.ts';

/**
 * What devices that share a meeting place say to each other through a server that must not understand it, before sealing.
 * `session` is fresh each time a device enters the place; an offer names the session it is meant for, so that an offer
 * recorded earlier is stale. `attempt` is fresh for each offer, so that an answer can belong to one offer only.
 */
export type MeetingMessage =
  | MeetingAnnounce
  | { readonly type: 'leave'; readonly from: string; readonly session: string }
  | MeetingOffer
  | MeetingAnswer;
/** `isRelayOnly`: no direct pipe can be made to it now. */
export type MeetingAnnounce = {
  readonly type: 'announce';
  readonly from: string;
  readonly session: string;
  readonly isRelayOnly?: true;
};
export type MeetingOffer = {
  readonly type: 'offer';
  readonly from: string;
  readonly session: string;
  readonly to: string;
  readonly toSession: string;
  readonly attempt: string;
  readonly sdp: string;
};
export type MeetingAnswer = {
  readonly type: 'answer';
  readonly from: string;
  readonly session: string;
  readonly to: string;
  readonly attempt: string;
  readonly sdp: string;
};

export type MeetingRefusal = 'oversized' | 'padding' | 'not-cbor' | 'version' | 'shape';

const version = 1;
const lengthBytes = 4;

/**
 * Length (4 bytes, big-endian), deterministic CBOR, zeros up to the next multiple of `limits.meetingPadBytes`: the server sees
 * few different sizes. Throws on a message that its own parser would refuse: that is a bug of the caller.
 */
export const encodeMeeting = (message: MeetingMessage): Uint8Array<ArrayBuffer> => {
  const body = encodeCbor({ ...message, v: version });
  const padded = new Uint8Array(paddedLength(body.length));
  if (padded.length > limits.meetingMessageBytesMax) throw new RangeError(`meeting: ${body.length} bytes are too many`);
  new DataView(padded.buffer).setUint32(0, body.length);
  padded.set(body, lengthBytes);
  return padded;
};

/** Total: a message or the reason why it is none. One message has one encoding, padding included. */
export const parseMeeting = (bytes: Uint8Array): Result<MeetingMessage, MeetingRefusal> => {
  if (bytes.length > limits.meetingMessageBytesMax) return err('oversized');
  if (bytes.length < lengthBytes) return err('padding');
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (bytes.length !== paddedLength(length)) return err('padding');
  if (bytes.subarray(lengthBytes + length).some((byte) => byte !== 0)) return err('padding');
  const decoded = decodeCbor(bytes.subarray(lengthBytes, lengthBytes + length));
  if (!decoded.ok || !isCborMap(decoded.value)) return err('not-cbor');
  if (decoded.value.v !== version) return err('version');
  const message = readMessage(decoded.value);
  return message === null ? err('shape') : ok(message);
};

const paddedLength = (bodyLength: number): number =>
  Math.ceil((bodyLength + lengthBytes) / limits.meetingPadBytes) * limits.meetingPadBytes;

type Fields = { readonly [key: string]: Cbor };

const readMessage = (fields: Fields): MeetingMessage | null => {
  const { type } = fields;
  const from = readName(fields.from);
  const session = readId(fields.session);
  if (from === null || session === null) return null;
  if (type === 'announce' && fields.isRelayOnly === true)
    return hasCount(fields, 5) ? { type, from, session, isRelayOnly: true } : null;
  if (type === 'announce' || type === 'leave') return hasCount(fields, 4) ? { type, from, session } : null;
  const to = readName(fields.to);
  const attempt = readId(fields.attempt);
  const sdp = readSdpText(fields.sdp);
  if (to === null || attempt === null || sdp === null) return null;
  if (type === 'answer') return hasCount(fields, 7) ? { type, from, session, to, attempt, sdp } : null;
  const toSession = readId(fields.toSession);
  if (type !== 'offer' || toSession === null || !hasCount(fields, 8)) return null;
  return { type, from, session, to, toSession, attempt, sdp };
};

const hasCount = (fields: Fields, count: number): boolean => Object.keys(fields).length === count;

const readName = (value: Cbor | undefined): string | null =>
  typeof value === 'string' && value.length <= limits.participantCharsMax && /^[\x21-\x7e]+$/.test(value)
    ? value
    : null;

/** 16 random bytes as base64url. */
const readId = (value: Cbor | undefined): string | null =>
  typeof value === 'string' && /^[A-Za-z0-9_-]{22}$/.test(value) ? value : null;

const readSdpText = (value: Cbor | undefined): string | null =>
  typeof value === 'string' && value.length > 0 && value.length <= limits.meetingSdpCharsMax ? value : null;
