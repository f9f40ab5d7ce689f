import * as encoding from 'lib0/encoding';
import { concatBytes, textToBytes, utf8 } from '../kernel/ids.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';

/**
 * The log as a Yjs document, without one in memory. In the Y.Doc of a (community, lane) every device has a root Y.Array
 * `l/<author>` with one ContentBinary (the envelope) an event; its Yjs client is a hash of (author, lane) and its clock is
 * the event's seq. So the update is a pure function of the events (P3), any Yjs can read it, and nobody can write at
 * another device's place. Bytes are those of Yjs' V1 update format (yjs INTERNALS.md); a test holds them against Yjs.
 */
export type Run = {
  /** base64url of the device key. */
  readonly author: string;
  readonly client: number;
  /** seq of the first envelope. */
  readonly start: number;
  readonly envelopes: readonly Uint8Array[];
};

export const rootName = (author: string): string => `l/${author}`;

/** First 53 bits of SHA-256("HN-CLIENT" || author || lane as 4 bytes, big endian). */
export const clientOf = async (crypto: CryptoPort, author: string, lane: number): Promise<number> => {
  const laneBytes = new Uint8Array(4);
  new DataView(laneBytes.buffer).setUint32(0, lane);
  const hash = await crypto.sha256(concatBytes(utf8('HN-CLIENT'), textToBytes(author) ?? new Uint8Array(0), laneBytes));
  return Number(new DataView(hash.buffer, hash.byteOffset).getBigUint64(0) >> 11n);
};

/** The one update that says these runs and nothing else. Runs are ordered by client, highest first, as Yjs writes them. */
export const encodeRuns = (runs: readonly Run[]): Bytes => {
  const encoder = encoding.createEncoder();
  const ordered = runs.filter(({ envelopes }) => envelopes.length > 0).toSorted((a, b) => b.client - a.client);
  encoding.writeVarUint(encoder, ordered.length);
  for (const run of ordered) writeRun(encoder, run);
  encoding.writeVarUint(encoder, 0); // an empty delete set: nothing is ever deleted in a log document
  return encoding.toUint8Array(encoder) as Bytes;
};

const contentBinaryRef = 3;
const hasOriginFlag = 0x80;

const writeRun = (encoder: encoding.Encoder, { author, client, start, envelopes }: Run): void => {
  encoding.writeVarUint(encoder, envelopes.length);
  encoding.writeVarUint(encoder, client);
  encoding.writeVarUint(encoder, start);
  envelopes.forEach((envelope, index) => {
    const clock = start + index;
    if (clock === 0) {
      encoding.writeUint8(encoder, contentBinaryRef);
      encoding.writeVarUint(encoder, 1); // the parent is a root type, by name
      encoding.writeVarString(encoder, rootName(author));
    } else {
      encoding.writeUint8(encoder, contentBinaryRef | hasOriginFlag);
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, clock - 1);
    }
    encoding.writeVarUint8Array(encoder, envelope);
  });
};
