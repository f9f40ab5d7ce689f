import type { AnyCapability, CallOptions, Reply } from '../kernel/bus/call.ts';
import { isCallName } from '../kernel/bus/call-name.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import { sendOwnItems } from '../kernel/bus/own-items.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { err } from '../kernel/result.ts';
import { callMessage, createWindowCall, isSubscription, timeOf, type WindowCall } from './window-call.ts';
import type { FromNode, FromWindow } from './window-message.ts';

/** The way to the node as the calls see it. */
export type WindowRoute = {
  post(message: FromWindow): void;
  /** The run of the node that is spoken with; null while there is none. */
  node(): string | null;
  /** Whether that node was heard of lately. */
  isAlive(): boolean;
  /** Asks whoever leads to show itself. */
  hello(): void;
};

export type WindowCallsDeps = { readonly clock: Clock; readonly window: string; readonly route: WindowRoute };

/** The open calls of one window: sent when there is a node, answered once, and carried over to the next node or ended honestly. */
export const createWindowCalls = ({ clock, window, route }: WindowCallsDeps) => {
  const callsById = new Map<number, WindowCall>();
  let nextId = 0;

  const settle = (call: WindowCall, reply: Reply<unknown>): void => {
    callsById.delete(call.id);
    call.settle(reply);
  };

  const send = (call: WindowCall): void => {
    const node = route.node();
    if (node === null || call.sentTo !== null) return;
    call.sentTo = node;
    const refusal = tryPost(route, callMessage(call, window, node), 'input-cannot-be-copied');
    if (refusal) settle(call, err(refusal));
  };

  /** The reader left, or cannot go on: the node is told, so that the handler stops. */
  const cancel = (call: WindowCall, reply: Reply<unknown>): void => {
    if (callsById.get(call.id) !== call) return;
    if (call.sentTo !== null && call.sentTo === route.node())
      route.post({ type: 'cancel', window, node: call.sentTo, id: call.id });
    settle(call, reply);
  };

  /** The caller's stream, as far as the node has room for it. A call that streams is never sent to a second node. */
  const feed = async (call: WindowCall, items: AsyncIterable<unknown>): Promise<void> => {
    const post = (message: FromWindow): Failure | null => tryPost(route, message, 'item-cannot-be-copied');
    const refusal = await sendOwnItems(items, call.credit, call.over.signal, {
      item: (value) => post({ type: 'feed', window, node: call.sentTo ?? '', id: call.id, value }),
      end: () => void post({ type: 'fed', window, node: call.sentTo ?? '', id: call.id }),
    });
    if (refusal) cancel(call, err(refusal));
  };

  return {
    size: (): number => callsById.size,
    cancel,
    open: (capability: AnyCapability, input: unknown, options: CallOptions): WindowCall => {
      const call = createWindowCall((nextId += 1), capability, input, options);
      if (callsById.size >= limits.windowCallsMax) {
        call.settle(err(failure('capacity_exceeded', 'too-many-calls')));
        return call;
      }
      if (![options.session, options.trace, options.clientId].every((name) => name === undefined || isCallName(name))) {
        call.settle(err(failure('bad_request', 'call-name')));
        return call;
      }
      callsById.set(call.id, call);
      if (options.items) void feed(call, options.items);
      watchCall(call, clock, route, (reason) => cancel(call, err(reason)));
      send(call);
      return call;
    },
    sendAll: (): void => {
      for (const call of [...callsById.values()]) send(call);
    },
    /** The reader made room for so many more items. */
    grant: (call: WindowCall, items: number): void => {
      if (callsById.get(call.id) !== call || call.sentTo === null || call.sentTo !== route.node()) return;
      route.post({ type: 'credit', window, node: call.sentTo, id: call.id, items });
    },
    /** `isTrusted`: the node is of this build. Another build's is read like a neighbour: everything it says is checked. */
    hear: (message: Extract<FromNode, { type: 'item' | 'done' | 'want' }>, isTrusted: boolean): void => {
      const call = callsById.get(message.id);
      if (!call) return;
      if (message.type === 'want') {
        call.hasFed = true;
        return void call.credit.add(message.items);
      }
      if (message.type === 'done') settle(call, isTrusted ? message.reply : call.checkReply(message.reply));
      else if (isTrusted || call.isItem(message.value)) call.push(message.value);
      else cancel(call, err(failure('schema_mismatch', 'reply')));
    },
    /** The node that had them is gone: each is made ready to be asked again, or answered with what can be said. */
    loseNode: (): void => {
      for (const call of [...callsById.values()].filter(({ sentTo }) => sentTo !== null)) {
        const { capability } = call;
        if (call.hasFed || (!isSubscription(capability) && (call.isRepeat || !capability.idempotent))) {
          settle(call, err(failure(capability.idempotent ? 'unavailable' : 'unknown_outcome', 'leader-changed')));
          continue;
        }
        callsById.delete(call.id);
        call.restart((nextId += 1));
        callsById.set(call.id, call);
      }
    },
    endAll: (reason: Failure): void => {
      for (const call of [...callsById.values()]) settle(call, err(reason));
    },
  };
};
export type WindowCalls = ReturnType<typeof createWindowCalls>;

/** null when it went; a refusal for what cannot be copied to another thread. */
const tryPost = (route: WindowRoute, message: FromWindow, reason: string): Failure | null => {
  try {
    route.post(message);
    return null;
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'DataCloneError') throw error;
    return failure('bad_request', reason);
  }
};

/** The bus keeps the deadline of each attempt. This one, longer, is for the case that there is no bus any more to keep it. */
const watchCall = (call: WindowCall, clock: Clock, route: WindowRoute, giveUp: (reason: Failure) => void): void => {
  const { idempotent } = call.capability;
  const timeoutMs = timeOf(call);
  if (timeoutMs === 0) return;
  let turns = 0;
  const judge = (): void => {
    turns += 1;
    if (route.isAlive() && turns < limits.nodeAnswerTurnsMax) return plan();
    const wasNeverSent = call.sentTo === null && !call.isRepeat;
    giveUp(
      wasNeverSent
        ? failure('unavailable', 'no-node')
        : failure(idempotent ? 'timeout' : 'unknown_outcome', 'no-answer'),
    );
  };
  const plan = (): void => {
    call.stopWatch = clock.after(timeoutMs, () => {
      // After a sleep of the machine this page may only have missed the beats: it asks once, then believes the silence.
      route.hello();
      call.stopWatch = clock.after(limits.nodeAnswerGraceMs, judge);
    });
  };
  plan();
};
