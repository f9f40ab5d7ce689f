import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList, isCborMap, type Cbor } from '../kernel/codec.ts';
import { isFailureCode, type Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/** What travels on a link's `rpc` channel (protocol 8), each one CBOR map. `id` is the caller's, unique on its link and direction. */
export type RpcFrame =
  | {
      readonly t: 'call';
      readonly id: number;
      readonly cap: string;
      readonly input: Cbor;
      readonly params: Readonly<Record<string, string>>;
      /** Tokens that may open the command to the caller (protocol 9); absent when there are none. */
      readonly tokens?: readonly Bytes[];
    }
  | { readonly t: 'item'; readonly id: number; readonly value: Cbor }
  | { readonly t: 'done'; readonly id: number; readonly value: Cbor }
  | { readonly t: 'error'; readonly id: number; readonly failure: Failure }
  | { readonly t: 'cancel'; readonly id: number }
  | { readonly t: 'credit'; readonly id: number; readonly n: number }
  | { readonly t: 'presence'; readonly presence: Bytes };

export type RpcRefusal = 'rpc-malformed' | 'rpc-type';

export const encodeRpc = (frame: RpcFrame): Bytes => {
  if (frame.t !== 'error') return encodeCbor(frame as unknown as Cbor);
  const { code, reason, retryAfterMs } = frame.failure;
  return encodeCbor({
    t: 'error',
    id: frame.id,
    code,
    reason,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.round(retryAfterMs) }),
  });
};

/** Total: a frame or a reason, for any bytes. */
export const parseRpc = (bytes: Uint8Array): Result<RpcFrame, RpcRefusal> => {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isCborMap(decoded.value)) return err('rpc-malformed');
  const { t, id, value = null } = decoded.value;
  if (t === 'presence') {
    const { presence } = decoded.value;
    return isCborBytes(presence) ? ok({ t, presence }) : err('rpc-malformed');
  }
  if (!isCborCount(id)) return err('rpc-malformed');
  switch (t) {
    case 'call':
      return parseCall(id, decoded.value);
    case 'item':
    case 'done':
      return ok({ t, id, value });
    case 'cancel':
      return ok({ t, id });
    case 'credit': {
      const { n } = decoded.value;
      return isCborCount(n) && n <= 1024 ? ok({ t, id, n }) : err('rpc-malformed');
    }
    case 'error':
      return parseError(id, decoded.value);
    default:
      return err('rpc-type');
  }
};

const parseCall = (
  id: number,
  { cap, input = null, params, tokens }: { readonly [key: string]: Cbor },
): Result<RpcFrame, RpcRefusal> => {
  if (typeof cap !== 'string' || !isCborMap(params)) return err('rpc-malformed');
  if (tokens !== undefined && !areTokens(tokens)) return err('rpc-malformed');
  const wished: Record<string, string> = {};
  const entries = Object.entries(params);
  if (entries.length > limits.callParamsMax) return err('rpc-malformed');
  for (const [name, text] of entries) {
    if (typeof text !== 'string' || text.length > limits.callParamCharsMax || name.length > limits.callParamCharsMax)
      return err('rpc-malformed');
    wished[name] = text;
  }
  return ok({ t: 'call', id, cap, input, params: wished, ...(tokens === undefined ? {} : { tokens }) });
};

/** Few and short, so that judging them cannot cost much; what they say is judged by the bus. */
const areTokens = (value: Cbor): value is readonly Bytes[] =>
  isCborList(value) &&
  value.length > 0 &&
  value.length <= limits.tokensPerCallMax &&
  value.every((token) => isCborBytes(token) && token.length <= limits.tokenBytesMax);

/** A failure from outside is believed only as far as the closed list goes. */
const parseError = (
  id: number,
  { code, reason, retryAfterMs }: { readonly [key: string]: Cbor },
): Result<RpcFrame, RpcRefusal> => {
  if (!isFailureCode(code) || typeof reason !== 'string' || reason.length > 120) return err('rpc-malformed');
  const failure: Failure = isCborCount(retryAfterMs)
    ? { code, reason, retryAfterMs: Math.min(retryAfterMs, 3_600_000) }
    : { code, reason };
  return ok({ t: 'error', id, failure });
};
