import type { Bus } from '../kernel/bus/bus.ts';
import { lazyInput, type AnyCapability, type CallOptions } from '../kernel/bus/call.ts';
import { createCallerItems, type CallerItems } from '../kernel/bus/caller-items.ts';
import { isCompatible, parseCapabilityId } from '../kernel/bus/capability.ts';
import { decodeCbor } from '../kernel/codec.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { CallInputs } from '../kernel/ports/call-inputs.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Link } from '../kernel/ports/links.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { createCredit, type Credit } from '../kernel/bus/stream-credit.ts';
import { encodeItem, encodeValue } from './encoded-values.ts';
import { createLateFrames, type StrayReason } from './late-frames.ts';
import { encodeRpc, type CallFrame, type RpcFrame } from './rpc-frames.ts';
import type { RpcOutbox } from './rpc-outbox.ts';

export type ServedDeps = {
  readonly link: Link;
  readonly outbox: RpcOutbox;
  readonly contractsByName: ReadonlyMap<string, AnyCapability>;
  readonly serve: Bus['serve'];
  readonly inputs: CallInputs | undefined;
  readonly onRefused: (reason: string) => void;
};

type Served = { readonly control: AbortController; readonly credit: Credit; readonly items: CallerItems<Bytes> | null };

/**
 * A neighbour's calls on one link, each handed to the bus with the proven device as caller and answered once. What it says beside
 * the call frame is taken only for a call that runs; the input is not decoded or fetched before the bus asks for it.
 */
export const createServedCalls = (deps: ServedDeps) => {
  const { link, outbox, onRefused } = deps;
  const servedById = new Map<number, Served>();
  const late = createLateFrames();
  let lastId = -1;

  const refuse = (id: number, refusal: Failure): void => {
    if (!outbox.offer(encodeRpc({ t: 'error', id, failure: refusal }))) onRefused('rpc-not-sent');
  };

  /** Bounds that hold for any caller, before anything is looked up; then the bus decides. */
  const find = ({ cap }: CallFrame): Result<AnyCapability, Failure> => {
    if (servedById.size >= limits.callsInFlightPerPeerMax)
      return err(failure('rate_limited', 'calls-in-flight', 1_000));
    const asked = parseCapabilityId(cap);
    const capability = asked ? deps.contractsByName.get(asked.name) : undefined;
    if (!asked || !capability) return err(failure('not_found', 'capability-unknown'));
    return isCompatible(capability.version, asked.version) ? ok(capability) : err(failure('not_found', 'version'));
  };

  const readInput = async ({ input }: CallFrame, signal: AbortSignal): Promise<Result<unknown, Failure>> => {
    const fetched: Result<Bytes, Failure> =
      input instanceof Uint8Array
        ? ok(input)
        : ((await deps.inputs?.fetch(link.peer.device, input, signal)) ?? err(failure('too_large', 'input')));
    if (!fetched.ok) return fetched;
    const decoded = decodeCbor(fetched.value);
    return decoded.ok ? decoded : err(failure('bad_request', `input-${decoded.error}`));
  };

  const open = ({ id, streams }: CallFrame): Served => {
    const control = new AbortController();
    const grant = (n: number): void => outbox.urge(encodeRpc({ t: 'credit', id, n, up: true }));
    const items = streams ? createCallerItems(grant, control.signal, readItem) : null;
    const served = { control, credit: createCredit(limits.streamCreditItems), items };
    servedById.set(id, served);
    return served;
  };

  /** Pulls one item ahead of the credit, and no further. Resolves with the reply; never throws. */
  const run = async (frame: CallFrame, capability: AnyCapability, served: Served): Promise<Result<Bytes, Failure>> => {
    const { control, credit, items } = served;
    const input = lazyInput((signal) => readInput(frame, signal));
    const caller = { kind: 'device', device: link.peer.device } as const;
    const source = deps.serve(caller, capability, input, optionsOf(frame, control.signal, items));
    try {
      for (;;) {
        const step = await source.next();
        if (step.done) return step.value.ok ? encodeReply(step.value.value.output) : step.value;
        if (!(await credit.spend(control.signal))) continue; // the bus ends it by the same signal
        const item = encodeItem(step.value);
        if (!item.ok) return err(ownMistake(item.error));
        const bytes = encodeRpc({ t: 'item', id: frame.id, value: item.value });
        await outbox.send(bytes, { signal: control.signal });
      }
    } catch (error) {
      return err(failure('internal', error instanceof Error ? error.name : 'rpc'));
    } finally {
      void source.return(err(failure('cancelled', 'call-ended')));
    }
  };

  const answer = async (frame: CallFrame, capability: AnyCapability): Promise<void> => {
    const { id } = frame;
    const served = open(frame);
    const reply = await run(frame, capability, served);
    servedById.delete(id);
    late.ended(id);
    served.control.abort(failure('cancelled', 'call-ended'));
    const last: RpcFrame = reply.ok ? { t: 'done', id, value: reply.value } : { t: 'error', id, failure: reply.error };
    await outbox.send(encodeRpc(last));
  };

  /** One answer an id: a second call under an old one gets none. */
  const isNew = (id: number): boolean => {
    if (id <= lastId) {
      onRefused('rpc-duplicate-id');
      return false;
    }
    lastId = id;
    return true;
  };

  const takeItem = (value: Bytes, { items, control }: Served): StrayReason | null => {
    const reason = items ? items.push(value) : 'no-stream';
    if (reason !== null) control.abort(failure('bad_request', reason));
    return reason && `rpc-${reason}`;
  };

  return {
    call: (frame: CallFrame): void => {
      if (!isNew(frame.id)) return;
      const capability = find(frame);
      if (capability.ok) void answer(frame, capability.value);
      else refuse(frame.id, capability.error);
    },
    /** A call that could not be read any further than its id. */
    malformed: (id: number): void => {
      if (isNew(id)) refuse(id, failure('bad_request', 'call-malformed'));
    },
    /** A frame for a call of theirs; why not, when no call that runs has use for it. */
    take: (frame: Extract<RpcFrame, { t: 'item' | 'end' | 'cancel' | 'credit' }>): StrayReason | null => {
      const served = servedById.get(frame.id);
      if (!served || served.control.signal.aborted) return late.take(frame.id, false) ? null : 'rpc-unknown-id';
      if (frame.t === 'item') return takeItem(frame.value, served);
      if (frame.t === 'credit') return served.credit.add(frame.n) ? null : 'rpc-credit-overrun';
      if (frame.t === 'end') return served.items?.end() ? null : 'rpc-after-end';
      served.control.abort(failure('cancelled', 'by-caller'));
      late.ended(frame.id);
      return null;
    },
    lost: (): void => {
      for (const { control } of servedById.values()) control.abort(failure('cancelled', 'link-lost'));
    },
    size: () => servedById.size,
  };
};
export type ServedCalls = ReturnType<typeof createServedCalls>;

const optionsOf = (frame: CallFrame, signal: AbortSignal, items: CallerItems<Bytes> | null): CallOptions => {
  const { params, tokens = [], deadlineMs, session, trace, clientId } = frame;
  return {
    params,
    tokens,
    signal,
    trace,
    clientId,
    ...(deadlineMs === 0 ? {} : { deadlineMs }),
    ...(session === undefined ? {} : { session }),
    ...(items === null ? {} : { items }),
  };
};

/** What is no CBOR is no item of any schema: the bus ends the call for it as for any other wrong item. */
const readItem = (bytes: Bytes): unknown => {
  const decoded = decodeCbor(bytes);
  return decoded.ok ? decoded.value : undefined;
};

const encodeReply = (output: unknown): Result<Bytes, Failure> => {
  const encoded = encodeValue(output, 'reply-not-encodable');
  if (!encoded.ok) return err(ownMistake(encoded.error));
  return encoded.value.length <= limits.replyBytesMax ? encoded : err(failure('too_large', 'reply'));
};

/** What a handler made and cannot travel (a fraction, say) is a bug of ours and is told as one. */
const ownMistake = ({ code, reason }: Failure): Failure =>
  code === 'bad_request' ? failure('internal', reason) : failure(code, reason);
