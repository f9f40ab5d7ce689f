import { limits } from '../kernel/limits.ts';
import { channels, type Channel } from '../kernel/ports/transport.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/**
 * What the two ends of a relayed pipe send each other over a server, behind the byte that names the lane:
 * `session` (16 bytes, the receiver's own name of the pipe, told it sealed), a type byte, then
 * open, opened, close: nothing; data: number (4), channel (1), more (0 or 1), bytes; ack: the number that is expected next (4).
 * The server can drop, repeat or forge all of it: order and truth of what matters are the link's own seal (protocol 5).
 */
export type RelayFrame =
  | { readonly type: 'open' | 'opened' | 'close' }
  | {
      readonly type: 'data';
      readonly number: number;
      readonly channel: Channel;
      readonly hasMore: boolean;
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  | { readonly type: 'ack'; readonly next: number };
export type RelayRefusal = 'relay-length' | 'relay-type' | 'relay-channel';

export const relaySessionBytes = 16;
const types = ['open', 'opened', 'close', 'data', 'ack'] as const;
const dataHeaderBytes = 6;

export const encodeRelayFrame = (session: Uint8Array, frame: RelayFrame): Uint8Array<ArrayBuffer> => {
  const bodyBytes = frame.type === 'data' ? dataHeaderBytes + frame.bytes.length : frame.type === 'ack' ? 4 : 0;
  const bytes = new Uint8Array(relaySessionBytes + 1 + bodyBytes);
  const view = new DataView(bytes.buffer, relaySessionBytes + 1);
  bytes.set(session);
  bytes[relaySessionBytes] = types.indexOf(frame.type);
  if (frame.type === 'ack') view.setUint32(0, frame.next);
  if (frame.type === 'data') {
    view.setUint32(0, frame.number);
    view.setUint8(4, channels.indexOf(frame.channel));
    view.setUint8(5, frame.hasMore ? 1 : 0);
    bytes.set(frame.bytes, relaySessionBytes + 1 + dataHeaderBytes);
  }
  return bytes;
};

/** Total. Whose pipe it is about is read first by `relaySessionOf`. */
export const parseRelayFrame = (bytes: Uint8Array<ArrayBuffer>): Result<RelayFrame, RelayRefusal> => {
  const type = types[bytes[relaySessionBytes] ?? types.length];
  const body = bytes.subarray(relaySessionBytes + 1);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (type === undefined) return err('relay-type');
  if (type === 'ack') return body.length === 4 ? ok({ type, next: view.getUint32(0) }) : err('relay-length');
  if (type !== 'data') return body.length === 0 ? ok({ type }) : err('relay-length');
  const length = body.length - dataHeaderBytes;
  if (length < 0 || length > limits.relayFragmentBytes) return err('relay-length');
  const channel = channels[view.getUint8(4)];
  const more = view.getUint8(5);
  if (channel === undefined || more > 1) return err('relay-channel');
  return ok({ type, number: view.getUint32(0), channel, hasMore: more === 1, bytes: body.subarray(dataHeaderBytes) });
};

export const relaySessionOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, relaySessionBytes);
