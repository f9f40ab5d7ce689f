import { failureOfAbort } from '../kernel/bus/call.ts';
import { decodeCbor } from '../kernel/codec.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import { sendOwnItems, type ItemSink } from '../kernel/bus/own-items.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { createCredit, createIncomingItems, type Credit, type IncomingItems } from '../kernel/bus/stream-credit.ts';
import { encodeItem } from './encoded-values.ts';
import { createLateFrames, type StrayReason } from './late-frames.ts';
import { encodeRpc, type CallFrame, type RpcFrame } from './rpc-frames.ts';
import type { RpcOutbox } from './rpc-outbox.ts';

export type OutgoingRequest = Omit<CallFrame, 't' | 'id' | 'streams'>;

/** A call without an answer. `over` aborts when it has ended, for whatever reason. */
type Waiting = {
  readonly incoming: IncomingItems<Bytes>;
  readonly credit: Credit;
  readonly over: AbortController;
  result: Result<unknown, Failure> | null;
  wake: () => void;
};

/** Our calls on one link. Items wait in a bounded queue: whoever sends more than was granted loses the call. */
export const createOutgoingCalls = (outbox: RpcOutbox) => {
  const waitingById = new Map<number, Waiting>();
  const late = createLateFrames();
  let lastId = 0;

  const finish = (id: number, result: Result<unknown, Failure>): void => {
    const waiting = waitingById.get(id);
    if (!waiting) return;
    waitingById.delete(id);
    waiting.result = result;
    waiting.over.abort();
    waiting.wake();
  };
  /** Ends the call on this side and tells the other to stop; what it had sent before it heard so is no fault of its. */
  const cancel = (id: number, reason: Failure): void => {
    if (!waitingById.has(id)) return;
    late.ended(id);
    outbox.urge(encodeRpc({ t: 'cancel', id }));
    finish(id, err(reason));
  };

  const open = (id: number): Waiting => {
    const grant = (n: number): void => {
      if (waitingById.has(id)) outbox.urge(encodeRpc({ t: 'credit', id, n }));
    };
    const waiting: Waiting = {
      incoming: createIncomingItems(grant),
      credit: createCredit(limits.streamCreditItems),
      over: new AbortController(),
      result: null,
      wake: () => {},
    };
    waitingById.set(id, waiting);
    return waiting;
  };

  const sinkOf = (id: number, signal: AbortSignal): ItemSink => ({
    item: async (value) => {
      const encoded = encodeItem(value);
      if (!encoded.ok) return encoded.error;
      await outbox.send(encodeRpc({ t: 'item', id, value: encoded.value, up: true }), { signal });
      return null;
    },
    end: () => outbox.send(encodeRpc({ t: 'end', id }), { signal }),
  });

  const read = async function* (id: number, waiting: Waiting): AsyncGenerator<unknown, Result<unknown, Failure>> {
    for (;;) {
      const taken = waiting.incoming.take();
      if (taken) {
        const decoded = decodeCbor(taken.item);
        if (!decoded.ok) {
          cancel(id, failure('schema_mismatch', 'reply'));
          return err(failure('schema_mismatch', 'reply'));
        }
        yield decoded.value;
      } else if (waiting.result) return waiting.result;
      else await new Promise<void>((resolve) => (waiting.wake = resolve));
    }
  };

  const call = async function* (
    request: OutgoingRequest,
    items: AsyncIterable<unknown> | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<unknown, Result<unknown, Failure>> {
    if (waitingById.size >= limits.callsInFlightPerPeerMax)
      return err(failure('rate_limited', 'calls-in-flight', 1_000));
    const id = (lastId += 1);
    const frame = encodeRpc({ t: 'call', id, ...request, ...(items ? { streams: true } : {}) });
    if (frame.length > limits.rpcFrameBytesMax) return err(failure('too_large', 'call'));
    const waiting = open(id);
    let isSent = false;
    const onAbort = (): void => {
      // While it waits for its turn the same signal takes it back, and nobody there has to be told.
      if (isSent) cancel(id, failureOfAbort(signal));
    };
    signal.addEventListener('abort', onAbort);
    try {
      isSent = await outbox.send(frame, { signal, isOnce: true });
      if (signal.aborted) onAbort();
      if (!isSent) return err(signal.aborted ? failureOfAbort(signal) : failure('peer_offline', 'not-sent'));
      if (items)
        void sendOwnItems(items, waiting.credit, waiting.over.signal, sinkOf(id, waiting.over.signal)).then(
          (refusal) => refusal && cancel(id, refusal),
        );
      return yield* read(id, waiting);
    } finally {
      signal.removeEventListener('abort', onAbort);
      // The reader of a stream has left, or it was never sent.
      if (isSent) cancel(id, failure('cancelled', 'by-caller'));
      else finish(id, err(failure('cancelled', 'not-sent')));
    }
  };

  const takeItem = ({ id, value }: Extract<RpcFrame, { t: 'item' }>, waiting: Waiting): StrayReason | null => {
    const isGranted = waiting.incoming.push(value);
    if (isGranted) waiting.wake();
    else cancel(id, failure('bad_request', 'credit-overrun'));
    return isGranted ? null : 'rpc-credit-overrun';
  };

  return {
    call,
    /** A frame that answers one of our calls; why not, when no call waits for it. */
    take: (frame: Extract<RpcFrame, { t: 'item' | 'done' | 'error' | 'credit' }>): StrayReason | null => {
      const waiting = waitingById.get(frame.id);
      const isLast = frame.t === 'done' || frame.t === 'error';
      if (!waiting) return late.take(frame.id, isLast) ? null : 'rpc-unknown-id';
      if (frame.t === 'item') return takeItem(frame, waiting);
      if (frame.t === 'credit') return waiting.credit.add(frame.n) ? null : 'rpc-credit-overrun';
      if (frame.t === 'error') finish(frame.id, err(frame.failure));
      else {
        const value = decodeCbor(frame.value);
        finish(frame.id, value.ok ? ok(value.value) : err(failure('schema_mismatch', 'reply')));
      }
      return null;
    },
    /** The link is gone: what was sent may or may not have happened there. */
    lost: (): void => {
      for (const id of [...waitingById.keys()]) finish(id, err(failure('peer_offline', 'link-lost')));
    },
    size: () => waitingById.size,
  };
};
export type OutgoingCalls = ReturnType<typeof createOutgoingCalls>;
