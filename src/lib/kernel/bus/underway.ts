import { endOf, isLazyInput, type AnyCapability, type CallContext, type CallOptions, type Reply } from './call.ts';
import type { Caller } from './capability.ts';
import { createLeash, type Leash } from './leash.ts';
import type { Clock } from '../ports/clock.ts';

/** What somebody asks of the bus. */
export type BusRequest = {
  readonly caller: Caller;
  readonly capability: AnyCapability;
  /** As it came, or a `LazyInput`. */
  readonly input: unknown;
  readonly options: CallOptions;
  /** When the call that caused this one is over, in milliseconds of the clock; Infinity where none did. */
  readonly endsAt: number;
  /** It has just come over a link or from a window; no handler here has caused it. */
  readonly isFresh: boolean;
};

/** One call on its way through the bus, with its names and its end. */
export type Underway = BusRequest & {
  readonly trace: string;
  readonly clientId: string;
  readonly startedAt: number;
  /** There for every call that a neighbour has caused, that streams to its handler, or whose input is not here yet. */
  readonly leash: Leash | null;
};

export const openCall = (clock: Clock, nameNext: () => string, request: BusRequest): Underway => {
  const { caller, capability, input, options } = request;
  const startedAt = clock.now();
  const ownEnd = Math.min(endAfter(startedAt, capability.timeoutMs), endAfter(startedAt, options.deadlineMs));
  const endsAt = Math.min(request.endsAt, ownEnd);
  const needsLeash = caller.kind !== 'self' || options.items !== undefined || isLazyInput(input);
  return {
    caller,
    capability,
    input,
    options,
    isFresh: request.isFresh,
    endsAt,
    startedAt,
    trace: options.trace ?? nameNext(),
    clientId: options.clientId ?? nameNext(),
    leash: needsLeash ? createLeash(clock, endsAt, options.signal) : null,
  };
};

/** 0 and nothing are no deadline at all. */
const endAfter = (startedAt: number, spanMs: number | undefined): number =>
  spanMs === undefined || !(spanMs > 0) ? Infinity : startedAt + spanMs;

type Run = (request: BusRequest) => AsyncGenerator<unknown, Reply<unknown>>;

/**
 * What a handler gets. A call that it causes for a neighbour is served on this device only: nobody forwards for others. It stands on
 * the caller's rights and on the tokens the caller has presented, never on the handler's; and it ends when the outer one does.
 */
export const contextOf = (
  run: Run,
  { caller, options: { tokens = [] }, trace, endsAt }: Underway,
  signal: AbortSignal,
  items: AsyncIterable<unknown>,
): CallContext => {
  const stream = (capability: unknown, input: unknown, options: CallOptions = {}) =>
    run({
      caller,
      capability: capability as AnyCapability,
      input,
      options: {
        ...options,
        signal: options.signal ? AbortSignal.any([signal, options.signal]) : signal,
        trace,
        tokens,
        localOnly: options.localOnly === true || caller.kind !== 'self',
      },
      endsAt,
      isFresh: false,
    });
  // The bus has checked what it hands on against the very capability that gives these their types.
  return {
    caller,
    signal,
    trace,
    items,
    call: (capability, input, options) => endOf(stream(capability, input, options)),
    stream,
  } as CallContext;
};
