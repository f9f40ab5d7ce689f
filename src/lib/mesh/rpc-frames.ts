import { isCallName } from '../kernel/bus/call-name.ts';
import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList, isCborMap, type Cbor } from '../kernel/codec.ts';
import { isFailureCode, type Failure } from '../kernel/errors.ts';
import { bytesToText, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { LargeInput } from '../kernel/ports/call-inputs.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';

export type CallFrame = {
  readonly t: 'call';
  readonly id: number;
  readonly cap: string;
  /** CBOR inside a byte string, decoded only by who may see it; or where a long one can be fetched. */
  readonly input: Bytes | LargeInput;
  readonly params: Readonly<Record<string, string>>;
  /** Tokens that may open the command to the caller (protocol 9); absent when there are none. */
  readonly tokens?: readonly Bytes[];
  /** Milliseconds left when it was sent; 0 for none. */
  readonly deadlineMs: number;
  readonly session?: string;
  readonly trace: string;
  readonly clientId: string;
  /** The caller streams items of its own: `item` and `end` with `up` follow. */
  readonly streams?: true;
};

/**
 * What travels on a link's `rpc` channel (protocol 8), each one CBOR map. `id` is the caller's and grows with every call of its link
 * and direction. `up` marks what belongs to the caller's stream: items from the caller, credit from who serves. Values are CBOR
 * inside byte strings, so that what nobody waits for is not decoded.
 */
export type RpcFrame =
  | CallFrame
  | { readonly t: 'item'; readonly id: number; readonly value: Bytes; readonly up?: true }
  | { readonly t: 'end'; readonly id: number }
  | { readonly t: 'done'; readonly id: number; readonly value: Bytes }
  | { readonly t: 'error'; readonly id: number; readonly failure: Failure }
  | { readonly t: 'cancel'; readonly id: number }
  | { readonly t: 'credit'; readonly id: number; readonly n: number; readonly up?: true }
  | { readonly t: 'presence'; readonly presence: Bytes };

export type RpcRefusal = 'rpc-malformed' | 'rpc-type';

const reasonCharsMax = 120;
const retryAfterMsMax = 3_600_000;

export const encodeRpc = (frame: RpcFrame): Bytes => {
  if (frame.t === 'call') {
    const { input, ...rest } = frame;
    if (input instanceof Uint8Array) return encodeCbor({ ...rest, input });
    const { cid, key, size } = input;
    return encodeCbor({ ...rest, inputCid: textToBytes(cid), inputKey: key, inputSize: size });
  }
  if (frame.t !== 'error') return encodeCbor(frame);
  const { code, reason, retryAfterMs } = frame.failure;
  return encodeCbor({
    t: 'error',
    id: frame.id,
    code,
    reason: reason.slice(0, reasonCharsMax),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.max(0, Math.round(retryAfterMs)) }),
  });
};

type Fields = { readonly [key: string]: Cbor };

/** Total: a frame or a reason, for any bytes. */
export const parseRpc = (bytes: Uint8Array): Result<RpcFrame, RpcRefusal> => {
  const decoded = decodeCbor(bytes);
  return decoded.ok && isCborMap(decoded.value) ? parseFields(decoded.value) : err('rpc-malformed');
};

/** Who sent a call that cannot be read shall hear so: its id, where at least that much can be read. */
export const callIdOf = (bytes: Uint8Array): number | null => {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isCborMap(decoded.value)) return null;
  const { t, id } = decoded.value;
  return t === 'call' && isCborCount(id) ? id : null;
};

const parseFields = (fields: Fields): Result<RpcFrame, RpcRefusal> => {
  const { t, id, up } = fields;
  if (t === 'presence') {
    const { presence } = fields;
    return isCborBytes(presence) ? ok({ t, presence }) : err('rpc-malformed');
  }
  if (!isCborCount(id) || (up !== undefined && up !== true)) return err('rpc-malformed');
  const upwards = up === true ? { up } : {};
  switch (t) {
    case 'call':
      return parseCall(id, fields);
    case 'item': {
      const { value } = fields;
      const isItem = isCborBytes(value) && value.length <= limits.streamItemBytesMax;
      return isItem ? ok({ t, id, value, ...upwards }) : err('rpc-malformed');
    }
    case 'done':
      return isCborBytes(fields.value) ? ok({ t, id, value: fields.value }) : err('rpc-malformed');
    case 'end':
    case 'cancel':
      return ok({ t, id });
    case 'credit': {
      const { n } = fields;
      const isGrant = isCborCount(n) && n > 0 && n <= limits.streamQueueItemsMax;
      return isGrant ? ok({ t, id, n, ...upwards }) : err('rpc-malformed');
    }
    case 'error':
      return parseError(id, fields);
    default:
      return err('rpc-type');
  }
};

const parseCall = (id: number, fields: Fields): Result<RpcFrame, RpcRefusal> => {
  const { cap, tokens, deadlineMs, session, trace, clientId, streams } = fields;
  const input = parseInput(fields);
  const params = parseParams(fields.params);
  if (typeof cap !== 'string' || input === null || params === null) return err('rpc-malformed');
  if (tokens !== undefined && !areTokens(tokens)) return err('rpc-malformed');
  if (!isCborCount(deadlineMs) || deadlineMs > limits.callDeadlineMsMax) return err('rpc-malformed');
  if (!isCallName(trace) || !isCallName(clientId)) return err('rpc-malformed');
  if (session !== undefined && !isCallName(session)) return err('rpc-malformed');
  if (streams !== undefined && streams !== true) return err('rpc-malformed');
  return ok({
    t: 'call',
    id,
    cap,
    input,
    params,
    deadlineMs,
    trace,
    clientId,
    ...(tokens === undefined ? {} : { tokens }),
    ...(session === undefined ? {} : { session }),
    ...(streams === undefined ? {} : { streams }),
  });
};

/** Exactly one of the two ways. */
const parseInput = ({ input, inputCid, inputKey, inputSize }: Fields): CallFrame['input'] | null => {
  if (inputCid === undefined) return isCborBytes(input) && input.length <= limits.inlineInputBytesMax ? input : null;
  if (input !== undefined || !isCborBytes(inputCid, 32) || !isCborBytes(inputKey, 32)) return null;
  return isCborCount(inputSize) ? { cid: bytesToText(inputCid), key: inputKey, size: inputSize } : null;
};

const parseParams = (params: Cbor | undefined): Readonly<Record<string, string>> | null => {
  if (!isCborMap(params)) return null;
  const entries = Object.entries(params);
  if (entries.length > limits.callParamsMax) return null;
  const wished: Record<string, string> = {};
  for (const [name, text] of entries) {
    if (typeof text !== 'string' || text.length > limits.callParamCharsMax || name.length > limits.callParamCharsMax)
      return null;
    wished[name] = text;
  }
  return wished;
};

/** Few and short, so that judging them cannot cost much; what they say is judged by the bus. */
const areTokens = (value: Cbor): value is readonly Bytes[] =>
  isCborList(value) &&
  value.length > 0 &&
  value.length <= limits.tokensPerCallMax &&
  value.every((token) => isCborBytes(token) && token.length <= limits.tokenBytesMax);

/** A failure from outside is believed only as far as the closed list goes. */
const parseError = (id: number, { code, reason, retryAfterMs }: Fields): Result<RpcFrame, RpcRefusal> => {
  if (!isFailureCode(code) || typeof reason !== 'string' || reason.length > reasonCharsMax) return err('rpc-malformed');
  const failure: Failure = isCborCount(retryAfterMs)
    ? { code, reason, retryAfterMs: Math.min(retryAfterMs, retryAfterMsMax) }
    : { code, reason };
  return ok({ t: 'error', id, failure });
};
