import { safeParse } from 'valibot';
import { authorize, type GateViews } from './authorize.ts';
import type { AnyCapability, CallContext, CallOptions, Reply } from './call.ts';
import type { Caller, Capability } from './capability.ts';
import { failure, type Failure } from './errors.ts';
import { createHealthBook } from './health.ts';
import { createLocalProviders, type Handler } from './local-providers.ts';
import type { Clock } from './ports/clock.ts';
import { createRegistry } from './registry.ts';
import { err, type Result } from './result.ts';
import { runRouted, type RemoteCaller } from './routed-call.ts';
import { permitByPolicy } from './token-policy.ts';
import { createTokenRates, type TokenRates } from './token-rates.ts';
import type { TokenGrant, TokensFor } from './token-view.ts';
import { createTraceRing } from './trace.ts';

export type BusDeps = {
  readonly clock: Clock;
  /** This device's id; a function because the identity may be made after the bus. */
  readonly self: () => string;
  readonly views: GateViews;
  readonly remote: RemoteCaller;
  /** What this device's own calls to others may carry; nothing when absent. */
  readonly tokensFor?: TokensFor | undefined;
};

type BusRequest = {
  readonly caller: Caller;
  readonly capability: AnyCapability;
  readonly input: unknown;
  readonly options: CallOptions;
};

/**
 * The capability bus: the only place where services, screens and neighbours meet. Every call passes the same walk:
 * authorize (before the input is read) -> schema -> permit -> route -> handler -> schema of what came back -> trace.
 */
export const createBus = (deps: BusDeps) => {
  const { clock, views } = deps;
  const rates = createTokenRates({ clock });
  const health = createHealthBook();
  const registry = createRegistry({ self: deps.self });
  const traces = createTraceRing();
  const local = createLocalProviders({ registry });

  const run = async function* (request: BusRequest): AsyncGenerator<unknown, Reply<unknown>> {
    const startedAt = clock.now();
    const { caller, capability, options } = request;
    const note = (outcome: string) =>
      traces.add({
        at: startedAt,
        capability: capability.name,
        caller: caller.kind === 'self' ? 'self' : caller.device,
        candidates: [],
        attempts: [],
        servedBy: null,
        outcome,
        ms: clock.now() - startedAt,
      });
    const admitted = await admit(request, views, rates);
    if (!admitted.ok) {
      note(admitted.error.code);
      return admitted;
    }
    const context = (signal: AbortSignal): CallContext => contextFor(caller, options.tokens ?? [], signal);
    return yield* runRouted(
      { ...deps, health, registry, traces, local },
      { caller, capability, input: admitted.value, options, context },
    );
  };

  const contextFor = (caller: Caller, tokens: readonly Uint8Array[], signal: AbortSignal): CallContext => {
    // A call caused by a neighbour's call is served on this device only: nobody forwards for others. It stands on the caller's
    // rights and on the tokens the caller has presented, never on a handler's.
    const bound = (options: CallOptions = {}): CallOptions => ({
      signal,
      ...options,
      tokens,
      localOnly: options.localOnly === true || caller.kind !== 'self',
    });
    return {
      caller,
      signal,
      call: (capability, input, options) => callAs(caller, capability, input, bound(options)),
      stream: (capability, input, options) => streamAs(caller, capability, input, bound(options)),
    };
  };

  const streamAs = <I, O, S>(caller: Caller, capability: Capability<I, O, S>, input: unknown, options: CallOptions) =>
    run({ caller, capability: capability as unknown as AnyCapability, input, options }) as AsyncGenerator<S, Reply<O>>;

  const callAs = async <I, O, S>(
    caller: Caller,
    capability: Capability<I, O, S>,
    input: unknown,
    options: CallOptions,
  ): Promise<Reply<O>> => {
    const items = streamAs(caller, capability, input, options);
    let step = await items.next();
    while (!step.done) step = await items.next();
    return step.value;
  };

  return {
    registry,
    health,
    traces,
    /** Registration without a policy, permit and schemas is a type error and a refusal at run time. Returns the closer. */
    register: <I, O, S>(
      capability: Capability<I, O, S>,
      handler: Handler<I, O, S>,
      params?: () => Readonly<Record<string, readonly string[]>>,
    ) => local.register(capability, handler, params),
    call: <I, O, S>(capability: Capability<I, O, S>, input: I, options: CallOptions = {}) =>
      callAs<I, O, S>({ kind: 'self' }, capability, input, options),
    stream: <I, O, S>(capability: Capability<I, O, S>, input: I, options: CallOptions = {}) =>
      streamAs<I, O, S>({ kind: 'self' }, capability, input, options),
    /** The entrance for what came over a link or from a window: the caller is whom the link proved, never who the body says. */
    serve: (caller: Caller, capability: AnyCapability, input: unknown, options: CallOptions) =>
      run({ caller, capability, input, options: caller.kind === 'self' ? options : { ...options, localOnly: true } }),
    inFlight: local.inFlight,
  };
};
export type Bus = ReturnType<typeof createBus>;

/** The two gates with the schema between them. The input is not read before the first gate has opened. */
const admit = async (
  { caller, capability, input, options }: BusRequest,
  views: GateViews,
  rates: TokenRates,
): Promise<Result<unknown, Failure>> => {
  const opened = await authorize(caller, capability, options.params ?? {}, options.tokens ?? [], views);
  if (!opened.ok) return opened;
  const parsed = safeParse(capability.input, input);
  if (!parsed.success) return err(failure('schema_mismatch', parsed.issues[0].message));
  const forbidden = capability.permit(caller, parsed.output, views);
  if (forbidden) return err(forbidden);
  const beyond = permitByGrants(opened.value, parsed.output, rates);
  if (beyond) return err(beyond);
  return { ok: true, value: parsed.output };
};

/** Who was let in by tokens must have one whose every link permits this input and has a call left in this minute. */
const permitByGrants = (grants: readonly TokenGrant[], input: unknown, rates: TokenRates): Failure | null => {
  let firstRefusal: Failure | null = null;
  for (const { links } of grants) {
    const refused = links.map(({ policy }) => permitByPolicy(policy, input)).find((each) => each !== null);
    const verdict = refused ?? rates.take(links);
    if (verdict === null) return null;
    firstRefusal ??= verdict;
  }
  return firstRefusal;
};
