import { admit } from './admission.ts';
import type { GateViews } from './authorize.ts';
import { endOf, failureOfAbort, type AnyCapability, type CallOptions, type Reply } from './call.ts';
import { createCallerRates } from './caller-rates.ts';
import { capabilityId, type Caller, type Capability } from './capability.ts';
import { failure, type Failure } from '../errors.ts';
import { createHealthBook } from './health.ts';
import { bytesToText } from '../ids.ts';
import { inputItemsOf, noItems } from './input-items.ts';
import { createLocalProviders, type Handler, type LocalProviders } from './local-providers.ts';
import { namedCall, recordTo, type Settle } from './named-call.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { createRegistry } from './registry.ts';
import { createRepeatBook } from './repeat-book.ts';
import { err, ok, type Result } from '../result.ts';
import { runRouted, type RemoteCaller } from './routed-call.ts';
import { createServedCalls, type Serving } from './serving.ts';
import { createSessions } from './sessions.ts';
import { createTokenRates } from './token-rates.ts';
import type { TokensFor } from './token-view.ts';
import { createTraceRing } from './trace.ts';
import { contextOf, openCall, type BusRequest, type Underway } from './underway.ts';

export type BusDeps = {
  readonly clock: Clock;
  /** Makes this run's part of the names of traces and calls. */
  readonly random: Random;
  /** This device's id; a function because the identity may be made after the bus. */
  readonly self: () => string;
  readonly views: GateViews;
  readonly remote: RemoteCaller;
  /** What this device's own calls to others may carry; nothing when absent. */
  readonly tokensFor?: TokensFor | undefined;
  /** What this device gives to neighbours; all when absent. */
  readonly serving?: Serving | undefined;
  /** The first bytes of the hash of a capability's schemas as text, by its id; '' where none is known. */
  readonly schemaOf?: ((capabilityId: string) => string) | undefined;
};

/**
 * The capability bus: the only place where services, screens and neighbours meet. Every call passes the same walk: the caller's rate ->
 * authorize (before the input is read) -> what this device gives -> schema -> permit -> seen before? -> route -> handler -> schema of
 * what came back -> trace. However it ends, it is one trace.
 */
export const createBus = (deps: BusDeps) => {
  const { clock, views, serving } = deps;
  const callerRates = createCallerRates({ clock });
  const tokenRates = createTokenRates({ clock });
  const repeats = createRepeatBook({ clock });
  const served = createServedCalls(serving);
  const health = createHealthBook();
  const registry = createRegistry({ self: deps.self });
  const sessions = createSessions({ registry });
  const traces = createTraceRing();
  const local = createLocalProviders({ clock, registry, schemaOf: deps.schemaOf });
  const ownRun = bytesToText(deps.random.bytes(12));
  let namesGiven = 0;
  /** Unlike every other name of a call, here and at the neighbours. */
  const nameNext = (): string => `${ownRun}${(namesGiven += 1).toString(36)}`;

  const note = (
    { capability, options, caller, trace, startedAt }: Underway,
    outcome: string,
    servedBy: string | null,
  ) =>
    traces.add({
      trace,
      at: startedAt,
      capability: capabilityId(capability),
      session: options.session ?? null,
      caller: caller.kind === 'self' ? 'self' : caller.device,
      candidates: [],
      attempts: [],
      servedBy,
      outcome,
      ms: clock.now() - startedAt,
    });

  const refuse = (call: Underway, error: Failure): Reply<unknown> => {
    note(call, error.code, null);
    return err(error);
  };

  /** What this node itself has against a neighbour's call. Own screens are asked by the gates alone. */
  const refusalOf = ({ caller, capability, options: { clientId } }: Underway): Failure | null => {
    if (caller.kind === 'self') return null;
    const notGiven = serving?.mayServe(capability, caller) ?? null;
    const isKnown = clientId !== undefined && repeats.knows(caller.device, clientId);
    return notGiven || isKnown ? notGiven : local.refusalOf(capability, caller);
  };
  const gates = { views, tokenRates, refusalOf };

  /** A gate that breaks is shut. */
  const pass = async (call: Underway): Promise<Awaited<ReturnType<typeof admit>>> => {
    try {
      return await admit(gates, call);
    } catch (error) {
      return err(failure('internal', error instanceof Error ? error.message : 'gate-threw'));
    }
  };

  const run = async function* (request: BusRequest): AsyncGenerator<unknown, Reply<unknown>> {
    const call = openCall(clock, nameNext, request);
    const { leash } = call;
    const endServed = leash ? served.add({ ...call, cut: leash.cut }) : null;
    try {
      const tooOften = call.isFresh ? callerRates.take(call.caller) : null;
      const admitted = tooOften ? err(tooOften) : await pass(call);
      if (!admitted.ok) return refuse(call, admitted.error);
      const { raw, value } = admitted.value;
      const named = namedCall(call, raw);
      if (!named) return yield* route(call, value, local);
      const entered = repeats.enter(named);
      if (!entered.isNew) return await repeat(call, entered.answer);
      return yield* runOnce(call, value, entered.settle);
    } finally {
      endServed?.();
      leash?.end();
    }
  };

  /** Whoever repeats it is told how it ended here, also when its caller did not wait for that. */
  const runOnce = async function* (
    call: Underway,
    input: unknown,
    settle: Settle,
  ): AsyncGenerator<unknown, Reply<unknown>> {
    const recorder = recordTo(settle, local);
    let reply: Reply<unknown> = err(failure('unavailable', 'not-run'));
    try {
      reply = yield* route(call, input, recorder.local);
      return reply;
    } finally {
      recorder.end(reply);
    }
  };

  /** The answer of the call that this one repeats, waited for no longer than this one may take. */
  const repeat = async (call: Underway, earlier: Promise<Result<unknown, Failure>>): Promise<Reply<unknown>> => {
    const waited = call.leash ? await call.leash.wait(earlier) : ok(await earlier);
    const answer = waited.ok ? waited.value : waited;
    if (!answer.ok) return refuse(call, answer.error);
    const servedBy = deps.self();
    const { ms } = note(call, 'ok', servedBy);
    return ok({ output: answer.value, meta: { servedBy, route: 'local', ms, trace: call.trace, attempts: 1 } });
  };

  const route = async function* (
    call: Underway,
    input: unknown,
    providers: LocalProviders,
  ): AsyncGenerator<unknown, Reply<unknown>> {
    const { caller, capability, options, leash, trace, clientId } = call;
    const signal = leash?.signal ?? options.signal;
    if (signal?.aborted) return refuse(call, failureOfAbort(signal));
    const restMs = call.endsAt - clock.now();
    if (restMs <= 0) return refuse(call, failure('timeout', 'deadline'));
    const stream = leash && inputItemsOf(call, leash);
    const deadlineMs = restMs === Infinity ? 0 : Math.ceil(restMs);
    const rest: CallOptions = signal ? { ...options, deadlineMs, signal } : { ...options, deadlineMs };
    try {
      return yield* runRouted(
        { ...deps, health, registry, sessions, traces, local: providers },
        {
          caller,
          capability,
          input,
          options: stream ? { ...rest, items: stream.items } : rest,
          trace,
          clientId,
          context: (handlerSignal, read = noItems) => contextOf(run, call, handlerSignal, read),
        },
      );
    } finally {
      stream?.end();
    }
  };

  const streamFrom = <I, O, S, U>(
    capability: Capability<I, O, S, U>,
    input: I,
    options: CallOptions,
  ): AsyncGenerator<S, Reply<O>> =>
    run({
      caller: self,
      capability: capability as unknown as AnyCapability,
      input,
      options,
      endsAt: Infinity,
      isFresh: false,
    }) as AsyncGenerator<S, Reply<O>>;

  return {
    registry,
    health,
    traces,
    /** Registration without a policy, permit and schemas is a type error and a refusal at run time. Returns the closer. */
    register: <I, O, S, U>(
      capability: Capability<I, O, S, U>,
      handler: Handler<I, O, S, U>,
      params?: () => Readonly<Record<string, readonly string[]>>,
    ) => local.register(capability, handler, params),
    call: <I, O, S, U>(capability: Capability<I, O, S, U>, input: I, options: CallOptions = {}): Promise<Reply<O>> =>
      endOf(streamFrom(capability, input, options)),
    stream: <I, O, S, U>(capability: Capability<I, O, S, U>, input: I, options: CallOptions = {}) =>
      streamFrom(capability, input, options),
    /**
     * The entrance for what came over a link or from a window: the caller is whom the link proved, never who the body says. An input
     * that is not here yet (`lazyInput`) is read only when the caller may call.
     */
    serve: (caller: Caller, capability: AnyCapability, input: unknown, options: CallOptions) =>
      run({
        caller,
        capability,
        input,
        options: caller.kind === 'self' ? options : { ...options, localOnly: true },
        endsAt: Infinity,
        isFresh: true,
      }),
    /** What both gates say to such a call, without making it: nothing is served, routed or recorded. For a node that proves itself. */
    judge: async (caller: Caller, capability: AnyCapability, input: unknown): Promise<Failure | null> => {
      const call = openCall(clock, nameNext, {
        caller,
        capability,
        input,
        options: {},
        endsAt: Infinity,
        isFresh: true,
      });
      const admitted = await pass(call);
      call.leash?.end();
      return admitted.ok ? null : admitted.error;
    },
    inFlight: local.inFlight,
  };
};
export type Bus = ReturnType<typeof createBus>;

const self: Caller = { kind: 'self' };
