import * as decoding from 'lib0/decoding';
import { areBytesEqual } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { encodeRuns, type Run } from './canonical.ts';

/** One struct of an incoming update that has the shape of a log event, before its event is judged. */
export type GuardedStruct = {
  readonly client: number;
  readonly clock: number;
  readonly root: string | null;
  readonly envelope: Uint8Array;
};

export type GuardRefusal =
  | 'update-too-large'
  | 'update-malformed'
  | 'update-delete-set'
  | 'update-too-many'
  | 'struct-not-item'
  | 'struct-content'
  | 'struct-right-origin'
  | 'struct-map-key'
  | 'struct-parent'
  | 'struct-origin'
  | 'struct-gap'
  | 'update-not-canonical';

/**
 * Reads foreign Yjs bytes without ever applying them (P2): only the structs of log events, in Yjs' V1 update format (yjs
 * INTERNALS.md), and it stops at the first byte that cannot belong to one. The events inside are then judged by the log, and what
 * neighbours get from us is our own encoding. No decoder of Yjs takes part: those of its other contents allocate what a few
 * bytes ask for, and a tenth of the node's code would be theirs (docs/adr/0034).
 */
export const guardUpdate = (update: Uint8Array): Result<readonly GuardedStruct[], GuardRefusal> => {
  if (update.length > limits.frameBytesMax) return err('update-too-large');
  const structs = readUpdate(update);
  if (!structs.ok) return structs;
  if (!areBytesEqual(encodeRuns(runsOf(structs.value)), update)) return err('update-not-canonical');
  return structs;
};

/** The structs as runs again, to see that these bytes are the one spelling of them (no longer number, no other order). */
const runsOf = (structs: readonly GuardedStruct[]): Run[] => {
  const runs: (Run & { envelopes: Uint8Array[] })[] = [];
  for (const { client, clock, root, envelope } of structs) {
    const last = runs.at(-1);
    if (last?.client === client) last.envelopes.push(envelope);
    else runs.push({ author: (root ?? '').replace(/^l\//, ''), client, start: clock, envelopes: [envelope] });
  }
  return runs;
};

const readUpdate = (update: Uint8Array): Result<GuardedStruct[], GuardRefusal> => {
  const decoder = decoding.createDecoder(update);
  try {
    const structs: GuardedStruct[] = [];
    const refusal = readClients(decoder, structs);
    if (refusal !== null) return err(refusal);
    if (decoding.readVarUint(decoder) > 0) return err('update-delete-set');
    return decoding.hasContent(decoder) ? err('update-not-canonical') : ok(structs);
  } catch (error) {
    // lib0 throws on truncated input and on numbers past 2^53.
    if (error instanceof Error) return err('update-malformed');
    throw error;
  }
};

/** Of every client how many structs, its number, the clock of the first, and the structs. */
const readClients = (decoder: decoding.Decoder, structs: GuardedStruct[]): GuardRefusal | null => {
  const clockByClient = new Map<number, number>();
  for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
    let left = decoding.readVarUint(decoder);
    const client = decoding.readVarUint(decoder);
    let clock = decoding.readVarUint(decoder);
    if (client === 0) return 'struct-origin';
    if (clock !== (clockByClient.get(client) ?? clock)) return 'struct-gap';
    for (; left > 0; left--, clock++) {
      if (structs.length >= limits.syncFrameEventsMax * 8) return 'update-too-many';
      const struct = readStruct(decoder, client, clock);
      if (!struct.ok) return struct.error;
      structs.push(struct.value);
    }
    clockByClient.set(client, clock);
  }
  return null;
};

/** The first byte of a struct: what it is in the lower bits, and what it hangs on in the upper ones. */
const contents = { mask: 0x1f, collected: 0, binary: 3, skip: 10 } as const;
const flags = { origin: 0x80, rightOrigin: 0x40, mapKey: 0x20 } as const;

const readStruct = (decoder: decoding.Decoder, client: number, clock: number): Result<GuardedStruct, GuardRefusal> => {
  const info = decoding.readUint8(decoder);
  const content = info & contents.mask;
  if (content === contents.collected || content === contents.skip) return err('struct-not-item');
  if (content !== contents.binary) return err('struct-content');
  if ((info & flags.rightOrigin) !== 0) return err('struct-right-origin');
  if ((info & flags.mapKey) !== 0) return err('struct-map-key');
  if (clock === 0) {
    const isNamedRoot = (info & flags.origin) === 0 && decoding.readVarUint(decoder) === 1;
    if (!isNamedRoot) return err('struct-parent');
    const root = decoding.readVarString(decoder);
    return ok({ client, clock, root, envelope: readEnvelope(decoder) });
  }
  if ((info & flags.origin) === 0) return err('struct-origin');
  const origin = { client: decoding.readVarUint(decoder), clock: decoding.readVarUint(decoder) };
  if (origin.client !== client || origin.clock !== clock - 1) return err('struct-origin');
  return ok({ client, clock, root: null, envelope: readEnvelope(decoder) });
};

/** lib0 checks a length against the buffer behind the bytes, which may hold more than the update. */
const readEnvelope = (decoder: decoding.Decoder): Uint8Array => {
  const length = decoding.readVarUint(decoder);
  if (length > decoder.arr.length - decoder.pos) throw new RangeError('an envelope reaches past the end');
  return decoding.readUint8Array(decoder, length);
};
