import {
  boolean,
  check,
  integer,
  literal,
  maxLength,
  maxValue,
  minLength,
  minValue,
  nullable,
  number,
  object,
  optional,
  pipe,
  record,
  safeParse,
  string,
  unknown,
  variant,
  type GenericSchema,
  type InferOutput,
} from 'valibot';
import type { Reply } from '../kernel/bus/call.ts';
import { isFailureCode } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';

/**
 * What windows (pages) and the node say to each other, over a port of its own or over the one broadcast channel of the
 * profile. Everything names the window or the node it is for, because on a broadcast channel everybody hears everything;
 * `node` is one run of the node worker, `term` grows from one leader to the next.
 */
export type WindowMessage = FromWindow | FromNode | FromLeader;
export type FromWindow = InferOutput<typeof fromWindow>;
export type FromNode =
  Exclude<InferOutput<typeof fromNode>, { type: 'done' }> | (Omit<DoneMessage, 'reply'> & { reply: Reply<unknown> });
/** Said by the page that holds the lock, also while its node is still starting. `trouble` is why there is no node. */
export type FromLeader = InferOutput<typeof leading>;

/** null for whatever is not one of our messages: it is ignored, nobody can answer it. */
export const parseWindowMessage = (value: unknown): WindowMessage | null => {
  const schema = typeof value === 'object' && value !== null && 'type' in value ? schemasByType.get(value.type) : null;
  const parsed = schema && safeParse(schema, value);
  return parsed?.success ? (parsed.output as WindowMessage) : null;
};

const id = pipe(string(), minLength(1), maxLength(limits.windowIdCharsMax));
const callId = pipe(number(), integer(), minValue(0), maxValue(Number.MAX_SAFE_INTEGER));
const credit = pipe(number(), integer(), minValue(1), maxValue(limits.streamQueueItemsMax));
const shortText = pipe(string(), maxLength(200));
const params = pipe(
  record(string(), shortText),
  check((all) => Object.keys(all).length <= 16, 'too many params'),
);
const callName = pipe(string(), minLength(1), maxLength(limits.callNameCharsMax));
const wish = object({
  params: optional(params),
  device: optional(shortText),
  localOnly: optional(boolean()),
  session: optional(callName),
  deadlineMs: optional(pipe(number(), integer(), minValue(0), maxValue(limits.callDeadlineMsMax))),
  trace: optional(callName),
  clientId: optional(callName),
});

const fromWindow = variant('type', [
  object({ type: literal('hello'), window: id, build: shortText }),
  object({
    type: literal('call'),
    window: id,
    node: id,
    id: callId,
    capability: shortText,
    input: unknown(),
    options: wish,
    credit,
    /** The caller streams items of its own, as many as the node says it wants. */
    streams: optional(literal(true)),
  }),
  object({ type: literal('feed'), window: id, node: id, id: callId, value: unknown() }),
  object({ type: literal('fed'), window: id, node: id, id: callId }),
  object({ type: literal('cancel'), window: id, node: id, id: callId }),
  object({ type: literal('credit'), window: id, node: id, id: callId, items: credit }),
  object({ type: literal('alive'), window: id, node: id }),
  object({ type: literal('bye'), window: id }),
]);

const failureShape = object({
  code: pipe(
    string(),
    check((code: string) => isFailureCode(code), 'not a failure code'),
  ),
  reason: string(),
  retryAfterMs: optional(number()),
});
const metaShape = object({
  servedBy: string(),
  route: pipe(
    string(),
    check((route) => route === 'local' || route === 'neighbour'),
  ),
  ms: number(),
  // A node of an older build tells neither.
  trace: optional(shortText, ''),
  attempts: optional(callId, 1),
});
const replyShape = variant('ok', [
  object({ ok: literal(true), value: object({ output: unknown(), meta: metaShape }) }),
  object({ ok: literal(false), error: failureShape }),
]);

const done = object({ type: literal('done'), window: id, node: id, id: callId, reply: replyShape });
type DoneMessage = InferOutput<typeof done>;
const fromNode = variant('type', [
  object({ type: literal('beat'), node: id, term: callId, build: shortText }),
  object({ type: literal('item'), window: id, node: id, id: callId, value: unknown() }),
  done,
  /** Room for so many more items of the caller's stream. */
  object({ type: literal('want'), window: id, node: id, id: callId, items: credit }),
  /** The node had given this window up; whatever it still wants it has to ask for again. */
  object({ type: literal('gone'), window: id, node: id }),
  object({ type: literal('end'), node: id }),
]);
const leading = object({ type: literal('leading'), tab: id, build: shortText, trouble: nullable(shortText) });

/** Looked up by the type: every call of a screen passes here twice, and trying one schema after the other took most of its time. */
const schemasByType = new Map<unknown, GenericSchema>(
  [...fromWindow.options, ...fromNode.options, leading].map((schema) => [schema.entries.type.literal, schema]),
);
