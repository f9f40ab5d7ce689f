import * as encoding from 'lib0/encoding';
import type { Bytes } from '../kernel/ports/crypto.ts';

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
