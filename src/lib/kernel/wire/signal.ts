import { limits } from '../limits.ts';
import { err, ok, type Result } from '../result.ts';

/**
 * The signalling socket's frames, as both `src/` and `signaling/` read them: JSON text, the verbs of y-webrtc 10.3
 * (subscribe, unsubscribe, publish, ping, and the answers publish and pong) plus our own answer `refused`, which a stock client
 * ignores. Both parsers are total: they return a frame or one refusal of a closed list and never throw on text from outside.
 */
export const parseSignalFrame = (text: string): Result<SignalFrame, SignalFailure> => {
  const parsed = parseTypedObject(text);
  if (!parsed.ok) return parsed;
  const { type, whole } = parsed.value;
  if (type === 'ping') return ok({ type });
  if (type === 'publish') {
    const topic = parseTopic(whole['topic']);
    return topic.ok ? ok({ type, topic: topic.value, whole }) : topic;
  }
  if (type !== 'subscribe' && type !== 'unsubscribe') return refuseSignal('unknown-verb');
  const topics = parseTopics(whole['topics']);
  return topics.ok ? ok({ type, topics: topics.value }) : topics;
};

/** What a client sends. `whole` is the parsed publish frame with every field it came with: the server hands all of them on, as y-webrtc's does. */
export type SignalFrame =
  | { readonly type: 'subscribe' | 'unsubscribe'; readonly topics: readonly string[] }
  | { readonly type: 'publish'; readonly topic: string; readonly whole: JsonObject }
  | { readonly type: 'ping' };

/** What a HearthNet client sends: `topic` is a tag without meaning to the server, `data` base64url text of sealed bytes. */
export type SignalRequest =
  | { readonly type: 'subscribe' | 'unsubscribe'; readonly topics: readonly string[] }
  | { readonly type: 'publish'; readonly topic: string; readonly data: string }
  | { readonly type: 'ping' };

/** What a HearthNet client may hear. `clients` counts the topic's subscribers at that moment, the hearer included. */
export type SignalAnswer =
  | { readonly type: 'publish'; readonly topic: string; readonly data: string; readonly clients: number }
  | { readonly type: 'pong' }
  | {
      readonly type: 'refused';
      readonly code: SignalRefusalCode;
      readonly reason: string;
      readonly retryAfterMs?: number;
    };

export const encodeSignalRequest = (request: SignalRequest): string => JSON.stringify(request);

/** The client's side. A publish of a stock client (data that is not sealed text) is refused here, so nothing unsealed gets past it. */
export const parseSignalAnswer = (text: string): Result<SignalAnswer, SignalFailure> => {
  const parsed = parseTypedObject(text);
  if (!parsed.ok) return parsed;
  const { type, whole } = parsed.value;
  if (type === 'pong') return ok({ type });
  if (type === 'refused') return parseRefused(whole);
  if (type !== 'publish') return refuseSignal('unknown-verb');
  const topic = parseTopic(whole['topic']);
  if (!topic.ok) return topic;
  const { data, clients } = whole;
  if (typeof data !== 'string' || !sealedText.test(data)) return refuseSignal('data-not-sealed-text');
  if (!isCount(clients)) return refuseSignal('clients-not-a-count');
  return ok({ type, topic: topic.value, data, clients });
};

/** Every refusal of the socket and its code, a subset of the codes of `kernel/errors.ts` (a test compares them). */
export const signalRefusals = {
  'not-json': 'bad_request',
  'not-an-object': 'bad_request',
  'too-deep': 'bad_request',
  'type-not-text': 'bad_request',
  'unknown-verb': 'not_implemented',
  'topic-not-text': 'bad_request',
  'topic-empty': 'bad_request',
  'topic-too-long': 'too_large',
  'topics-not-a-list': 'bad_request',
  'topics-per-frame': 'too_large',
  'binary-frame': 'bad_request',
  'frame-too-large': 'too_large',
  'data-not-sealed-text': 'bad_request',
  'clients-not-a-count': 'bad_request',
  'refusal-malformed': 'bad_request',
  'message-rate': 'rate_limited',
  'byte-rate': 'rate_limited',
  'fan-out-rate': 'rate_limited',
  'topics-per-connection': 'capacity_exceeded',
  'topics-total': 'capacity_exceeded',
  'connections-total': 'capacity_exceeded',
  'connections-per-address': 'capacity_exceeded',
  'server-fault': 'internal',
} as const satisfies Record<string, string>;

export type SignalRefusalReason = keyof typeof signalRefusals;
export type SignalRefusalCode = (typeof signalRefusals)[SignalRefusalReason];

/** Has the shape of the kernel's Failure; spelled here because the wire knows only result, limits and codec (D10). */
export type SignalFailure = {
  readonly code: SignalRefusalCode;
  readonly reason: SignalRefusalReason;
  readonly retryAfterMs?: number;
};
export type JsonObject = { readonly [key: string]: unknown };

export const signalFailure = (reason: SignalRefusalReason, retryAfterMs?: number): SignalFailure => {
  const code = signalRefusals[reason];
  return retryAfterMs === undefined ? { code, reason } : { code, reason, retryAfterMs };
};

export const encodeRefused = (refused: SignalFailure): string => JSON.stringify({ type: 'refused', ...refused });

/** The server's bounds and results are the kernel's; `signaling/` reaches them through the wire only. */
export { limits, err, ok, type Result };

const sealedText = /^[A-Za-z0-9_-]+$/;
const refusalCodes: ReadonlySet<string> = new Set(Object.values(signalRefusals));

const isRefusalCode = (value: unknown): value is SignalRefusalCode =>
  typeof value === 'string' && refusalCodes.has(value);

const refuseSignal = (reason: SignalRefusalReason): Result<never, SignalFailure> => err(signalFailure(reason));

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Size and depth come first: a deep text would overflow the stack of whoever writes it out again. */
const parseTypedObject = (text: string): Result<{ type: string; whole: JsonObject }, SignalFailure> => {
  if (text.length > limits.signalFrameBytesMax) return refuseSignal('frame-too-large');
  if (isDeeperThan(text, limits.signalFrameDepthMax)) return refuseSignal('too-deep');
  const whole = parseJson(text);
  if (whole === undefined) return refuseSignal('not-json');
  if (!isJsonObject(whole)) return refuseSignal('not-an-object');
  const type = whole['type'];
  return typeof type === 'string' ? ok({ type, whole }) : refuseSignal('type-not-text');
};

/** undefined is no JSON value, so it can stand for "not JSON". */
const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

/** Counts brackets outside of strings; on text that is not JSON the count means nothing and JSON.parse refuses it. */
const isDeeperThan = (text: string, depthMax: number): boolean => {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (isInString && char === '\\') at += 1;
    else if (char === '"') isInString = !isInString;
    else if (isInString) continue;
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    if (depth > depthMax) return true;
  }
  return false;
};

const parseTopic = (topic: unknown): Result<string, SignalFailure> => {
  if (typeof topic !== 'string') return refuseSignal('topic-not-text');
  if (topic === '') return refuseSignal('topic-empty');
  return topic.length > limits.signalTopicChars ? refuseSignal('topic-too-long') : ok(topic);
};

/** A stock client that has no room yet subscribes to an empty list when it connects; that is valid. */
const parseTopics = (topics: unknown): Result<readonly string[], SignalFailure> => {
  if (!Array.isArray(topics)) return refuseSignal('topics-not-a-list');
  if (topics.length > limits.signalTopicsPerFrameMax) return refuseSignal('topics-per-frame');
  const parsed: string[] = [];
  for (const item of topics) {
    const topic = parseTopic(item);
    if (!topic.ok) return topic;
    parsed.push(topic.value);
  }
  return ok(parsed);
};

const parseRefused = (whole: JsonObject): Result<SignalAnswer, SignalFailure> => {
  const { code, reason, retryAfterMs } = whole;
  if (!isRefusalCode(code) || typeof reason !== 'string') return refuseSignal('refusal-malformed');
  if (reason.length > limits.signalTopicChars) return refuseSignal('refusal-malformed');
  if (retryAfterMs === undefined) return ok({ type: 'refused', code, reason });
  if (!isCount(retryAfterMs)) return refuseSignal('refusal-malformed');
  return ok({ type: 'refused', code, reason, retryAfterMs });
};
