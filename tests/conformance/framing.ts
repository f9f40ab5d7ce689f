/** The longest message either side of the conformance stream sends, in bytes without the length in front. */
export const messageBytesMax = 4 * 1024 * 1024;
const headBytes = 4;

export type StreamPart =
  | { readonly kind: 'message'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** A length beyond the bound: told as soon as it is read, and the bytes it announces are dropped unread. */
  | { readonly kind: 'too-large'; readonly length: number }
  /** The stream ended inside a message. */
  | { readonly kind: 'truncated' };

/** One message as it travels: its length as four bytes, the highest first, then its bytes. */
export const frameOf = (message: Uint8Array): Uint8Array<ArrayBuffer> => {
  const framed = new Uint8Array(headBytes + message.length);
  new DataView(framed.buffer).setUint32(0, message.length);
  framed.set(message, headBytes);
  return framed;
};

/** Cuts a stream into messages. Total: whatever comes, it keeps at most one message, and ends when the stream does. */
export const readMessages = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamPart, void> {
  let kept: Uint8Array[] = [];
  let keptBytes = 0;
  let toDrop = 0;
  const take = (length: number): Uint8Array<ArrayBuffer> => {
    const whole = new Uint8Array(Buffer.concat(kept));
    kept = [whole.subarray(length)];
    keptBytes -= length;
    return whole.slice(0, length);
  };
  let wanted: number | null = null;
  for await (const chunk of chunks) {
    const dropped = Math.min(toDrop, chunk.length);
    toDrop -= dropped;
    kept.push(chunk.subarray(dropped));
    keptBytes += chunk.length - dropped;
    while (keptBytes >= (wanted ?? headBytes)) {
      if (wanted !== null) {
        const bytes = take(wanted);
        wanted = null;
        yield { kind: 'message', bytes };
        continue;
      }
      const length = new DataView(take(headBytes).buffer).getUint32(0);
      if (length <= messageBytesMax) {
        wanted = length;
        continue;
      }
      yield { kind: 'too-large', length };
      const here = Math.min(length, keptBytes);
      take(here);
      toDrop = length - here;
    }
  }
  if (keptBytes > 0 || wanted !== null || toDrop > 0) yield { kind: 'truncated' };
};
