import { safeParse } from 'valibot';
import type { AnyCapability, CallOptions, Reply } from '../kernel/bus/call.ts';
import { capabilityId } from '../kernel/bus/capability.ts';
import { failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import { err, ok } from '../kernel/result.ts';
import { createCredit } from '../kernel/bus/stream-credit.ts';
import type { FromWindow } from './window-message.ts';

/**
 * One call of a page that has no answer yet: what was asked, which node it was sent to (null: to none yet), and the items
 * that came and were not read. The queue is bounded by the credit given, and by a limit should a node ignore it.
 */
export const createWindowCall = (firstId: number, capability: AnyCapability, input: unknown, options: CallOptions) => {
  let queue: unknown[] = [];
  let reply: Reply<unknown> | null = null;
  let wake = (): void => {};
  const call = {
    id: firstId,
    capability,
    input,
    options,
    sentTo: null as string | null,
    isRepeat: false,
    stopWatch: (): void => {},
    /** What the node lets this window send of the caller's stream: nothing before it says so. */
    credit: createCredit(0),
    /** Aborts when the call has its reply. */
    over: new AbortController(),
    /** Some of the caller's stream may be with a node: no other one can be asked the same. */
    hasFed: false,
    push: (item: unknown): void => {
      if (queue.length < limits.streamQueueItemsMax) queue.push(item);
      wake();
    },
    settle: (answer: Reply<unknown>): void => {
      reply ??= answer;
      call.stopWatch();
      call.over.abort();
      wake();
    },
    /** Begins again under a new id: what the old node sent and nobody read is of no use beside a new beginning. */
    restart: (id: number): void => {
      call.id = id;
      call.sentTo = null;
      call.isRepeat = true;
      queue = [];
    },
    /** The next item or the reply, in the order they came; null when nothing is there yet. */
    take: (): { item: unknown } | { reply: Reply<unknown> } | null => {
      if (queue.length > 0) return { item: queue.shift() };
      return reply && { reply };
    },
    forgetItems: (): void => void (queue = []),
    changed: (): Promise<void> =>
      new Promise((resolve) => {
        wake = resolve;
      }),
    isItem: (item: unknown): boolean => capability.item !== undefined && safeParse(capability.item, item).success,
    checkReply: (answer: Reply<unknown>): Reply<unknown> => {
      if (!answer.ok) return answer;
      const parsed = safeParse(capability.output, answer.value.output);
      return parsed.success
        ? ok({ output: parsed.output, meta: answer.value.meta })
        : err(failure('schema_mismatch', 'reply'));
    },
  };
  return call;
};
export type WindowCall = ReturnType<typeof createWindowCall>;

/** A stream that ends only when its reader leaves: each new beginning brings the whole state again. */
export const isSubscription = ({ timeoutMs }: AnyCapability): boolean => timeoutMs === 0;

export const callMessage = (
  { id, capability, input, options }: WindowCall,
  window: string,
  node: string,
): FromWindow => {
  const { params, device, localOnly, session, deadlineMs = 0, trace, clientId, items } = options;
  const wish = {
    ...(params === undefined ? {} : { params: { ...params } }),
    ...(device === undefined ? {} : { device }),
    ...(localOnly === undefined ? {} : { localOnly }),
    ...(session === undefined ? {} : { session }),
    ...(deadlineMs > 0 ? { deadlineMs: Math.min(Math.ceil(deadlineMs), limits.callDeadlineMsMax) } : {}),
    ...(trace === undefined ? {} : { trace }),
    ...(clientId === undefined ? {} : { clientId }),
  };
  return {
    type: 'call',
    window,
    node,
    id,
    capability: capabilityId(capability),
    input,
    options: wish,
    credit: limits.streamCreditItems,
    ...(items ? { streams: true } : {}),
  };
};

/** Milliseconds after which the bus ends the call at the latest; 0 when it may go on for ever. */
export const timeOf = ({ capability: { timeoutMs }, options: { deadlineMs = 0 } }: WindowCall): number =>
  timeoutMs > 0 && deadlineMs > 0 ? Math.min(timeoutMs, deadlineMs) : Math.max(timeoutMs, deadlineMs);

type Reading = {
  /** null when this window is closed. */
  readonly open: () => WindowCall | null;
  readonly grant: (call: WindowCall, items: number) => void;
  readonly cancel: (call: WindowCall, reply: Reply<unknown>) => void;
  readonly signal: AbortSignal | undefined;
};

/** Hands out the items and returns the reply. Credit goes back in halves; a reader who leaves cancels. */
export const readCall = async function* ({
  open,
  grant,
  cancel,
  signal,
}: Reading): AsyncGenerator<unknown, Reply<unknown>> {
  const cancelled = err(failure('cancelled', 'by-caller'));
  if (signal?.aborted) return cancelled;
  const call = open();
  if (!call) return err(failure('unavailable', 'window-closed'));
  const onAbort = (): void => {
    call.forgetItems();
    cancel(call, cancelled);
  };
  signal?.addEventListener('abort', onAbort);
  let generation = call.id;
  let read = 0;
  try {
    for (;;) {
      const next = call.take();
      if (next === null) await call.changed();
      else if ('reply' in next) return next.reply;
      else {
        if (generation !== call.id) read = 0;
        generation = call.id;
        read += 1;
        if (read >= limits.streamCreditItems / 2) {
          grant(call, read);
          read = 0;
        }
        yield next.item;
      }
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    cancel(call, cancelled);
  }
};
