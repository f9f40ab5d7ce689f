import * as Y from 'yjs';
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
 * Decodes foreign Yjs bytes without ever applying them (P2). Only the shape of canonical log structs passes; the events
 * inside are then judged by the log, and what neighbours get from us is our own encoding. V1 only: the V2 decoder
 * can be made to allocate without bound by a few bytes.
 */
export const guardUpdate = (update: Uint8Array): Result<readonly GuardedStruct[], GuardRefusal> => {
  if (update.length > limits.frameBytesMax) return err('update-too-large');
  const decoded = decode(update);
  if (!decoded) return err('update-malformed');
  if (decoded.ds.clients.size > 0) return err('update-delete-set');
  if (decoded.structs.length > limits.syncFrameEventsMax * 8) return err('update-too-many');
  const structs: GuardedStruct[] = [];
  const clockByClient = new Map<number, number>();
  for (const struct of decoded.structs) {
    const guarded = guardStruct(struct);
    if (!guarded.ok) return guarded;
    const { client, clock } = guarded.value;
    const expected = clockByClient.get(client) ?? clock;
    if (clock !== expected) return err('struct-gap');
    clockByClient.set(client, clock + 1);
    structs.push(guarded.value);
  }
  if (!areBytesEqual(encodeRuns(runsOf(structs)), update)) return err('update-not-canonical');
  return ok(structs);
};

/** The structs as runs again, to see that these bytes are the one spelling of them (no bytes after the end, no other order). */
const runsOf = (structs: readonly GuardedStruct[]): Run[] => {
  const runs: (Run & { envelopes: Uint8Array[] })[] = [];
  for (const { client, clock, root, envelope } of structs) {
    const last = runs.at(-1);
    if (last?.client === client) last.envelopes.push(envelope);
    else runs.push({ author: (root ?? '').replace(/^l\//, ''), client, start: clock, envelopes: [envelope] });
  }
  return runs;
};

const decode = (update: Uint8Array): ReturnType<typeof Y.decodeUpdate> | null => {
  try {
    return Y.decodeUpdate(update);
  } catch (error) {
    // lib0 and Yjs throw plain errors of several kinds on bytes that are no update; none of them has had an effect.
    if (error instanceof Error) return null;
    throw error;
  }
};

const guardStruct = (struct: Y.Item | Y.GC | Y.Skip): Result<GuardedStruct, GuardRefusal> => {
  if (!(struct instanceof Y.Item)) return err('struct-not-item');
  const { id, origin, rightOrigin, parent, parentSub, content } = struct;
  if (!(content instanceof Y.ContentBinary) || struct.length !== 1) return err('struct-content');
  if (rightOrigin !== null) return err('struct-right-origin');
  if (parentSub !== null) return err('struct-map-key');
  if (!Number.isSafeInteger(id.client) || id.client <= 0 || !Number.isSafeInteger(id.clock))
    return err('struct-origin');
  if (id.clock === 0) {
    const root: unknown = parent; // before integration Yjs keeps a root parent as its name
    if (origin !== null || typeof root !== 'string') return err('struct-parent');
    return ok({ client: id.client, clock: 0, root, envelope: content.content });
  }
  if (origin === null || origin.client !== id.client || origin.clock !== id.clock - 1) return err('struct-origin');
  return ok({ client: id.client, clock: id.clock, root: null, envelope: content.content });
};
