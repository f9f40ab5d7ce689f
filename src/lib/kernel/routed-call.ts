import { safeParse } from 'valibot';
import type { AnyCapability, CallContext, CallOptions, Reply } from './call.ts';
import type { Caller } from './capability.ts';
import { failure, failureCodes, type Failure } from './errors.ts';
import type { HealthBook } from './health.ts';
import type { LocalProviders } from './local-providers.ts';
import type { Clock } from './ports/clock.ts';
import type { Bytes } from './ports/crypto.ts';
import type { Provider, Registry } from './registry.ts';
import { err, ok, type Result } from './result.ts';
import { planRoute } from './router.ts';
import type { TokensFor } from './token-view.ts';
import type { TraceRing } from './trace.ts';

/** Carries a call to one neighbour's device. Called by the router only; frames and credits are its affair. */
export type RemoteCaller = {
  stream(
    device: string,
    request: {
      capability: AnyCapability;
      input: unknown;
      params: Readonly<Record<string, string>>;
      deadlineMs: number;
      tokens: readonly Bytes[];
    },
    signal: AbortSignal,
  ): AsyncGenerator<unknown, Result<unknown, Failure>>;
};

type RoutedDeps = {
  readonly clock: Clock;
  readonly remote: RemoteCaller;
  readonly health: HealthBook;
  readonly registry: Registry;
  readonly traces: TraceRing;
  readonly local: LocalProviders;
  readonly tokensFor?: TokensFor | undefined;
};
type RoutedCall = {
  readonly caller: Caller;
  readonly capability: AnyCapability;
  readonly input: unknown;
  readonly options: CallOptions;
  readonly context: (signal: AbortSignal) => CallContext;
};
type Attempt = { readonly device: string; readonly outcome: string };
type Ended = { readonly result: Result<unknown, Failure>; readonly hadItems: boolean };

/** Tries the providers in the router's order until one serves, as far as failover is allowed, and records the decision. */
export const runRouted = async function* (deps: RoutedDeps, call: RoutedCall): AsyncGenerator<unknown, Reply<unknown>> {
  const { clock, registry, health, traces } = deps;
  const { capability, options } = call;
  const startedAt = clock.now();
  const localOnly = options.localOnly === true || !capability.routable;
  const providers = registry
    .providersOf(capability.name, capability.version, startedAt)
    .filter((each) => each.isLocal || !localOnly);
  const { order, candidates } = planRoute(providers, capability.name, options, health, startedAt);
  const attempts: Attempt[] = [];
  let last: Result<unknown, Failure> = err(noProvider(providers.length, candidates));
  let servedBy: Provider | null = null;
  for (const provider of order) {
    const attemptAt = clock.now();
    const endProbe = health.begin(provider.device, capability.name);
    let ended: Ended;
    try {
      ended = finishAttempt(yield* attempt(deps, call, provider), provider, capability.idempotent);
    } finally {
      endProbe(); // also when the reader of a stream has left
    }
    const { result, hadItems } = ended;
    const ms = clock.now() - attemptAt;
    last = result;
    attempts.push({ device: provider.device, outcome: result.ok ? 'ok' : result.error.code });
    if (result.ok || countsAgainst(result.error))
      health.record(provider.device, capability.name, { success: result.ok, ms }, clock.now());
    if (result.ok) servedBy = provider;
    if (result.ok || hadItems || !mayFailOver(result.error, capability.idempotent)) break;
  }
  const ms = clock.now() - startedAt;
  traces.add({
    at: startedAt,
    capability: capability.name,
    caller: call.caller.kind === 'self' ? 'self' : call.caller.device,
    candidates,
    attempts,
    servedBy: servedBy?.device ?? null,
    outcome: last.ok ? 'ok' : last.error.code,
    ms,
  });
  if (!last.ok || !servedBy) return last.ok ? err(failure('internal', 'no-server')) : last;
  return ok({
    output: last.value,
    meta: { servedBy: servedBy.device, route: servedBy.isLocal ? 'local' : 'neighbour', ms },
  });
};

const noProvider = (known: number, candidates: readonly { skipped?: string }[]): Failure => {
  if (known === 0 || candidates.length === 0) return failure('not_found', 'no-provider');
  if (candidates.some(({ skipped }) => skipped === 'full')) return failure('capacity_exceeded', 'all-busy', 1000);
  return failure('unavailable', candidates[0]?.skipped ?? 'none');
};

/** A call that must not be repeated, was sent, and got no answer: nobody here knows whether it happened there. */
const finishAttempt = ({ result, hadItems }: Ended, { isLocal }: Provider, idempotent: boolean): Ended => {
  if (result.ok || isLocal || idempotent) return { result, hadItems };
  const { code, reason } = result.error;
  const isUnknown = code === 'timeout' || (code === 'peer_offline' && reason !== 'not-sent');
  return { result: isUnknown ? err(failure('unknown_outcome', reason)) : result, hadItems };
};

/** A caller's mistake never counts against a provider and never fails over. */
const countsAgainst = ({ code }: Failure): boolean =>
  ['timeout', 'unavailable', 'peer_offline', 'internal', 'unknown_outcome'].includes(code);

const mayFailOver = ({ code, reason }: Failure, idempotent: boolean): boolean => {
  if (code === 'schema_mismatch') return reason === 'reply' && idempotent;
  if (['capacity_exceeded', 'not_found', 'rate_limited', 'unavailable'].includes(code)) return true;
  if (code === 'peer_offline' && reason === 'not-sent') return true;
  return idempotent && (failureCodes[code].retry === 'elsewhere' || code === 'timeout' || code === 'internal');
};

/** One provider, with a deadline; items are validated before anybody sees them. */
const attempt = async function* (
  deps: RoutedDeps,
  { caller, capability, input, options, context }: RoutedCall,
  provider: Provider,
): AsyncGenerator<unknown, Ended> {
  // This device's tokens speak for its own screens only, never for a neighbour whose call brought us here.
  const ownTokens = caller.kind === 'self' ? (deps.tokensFor?.(capability.name) ?? []) : [];
  const control = new AbortController();
  const onAbort = () => control.abort(failure('cancelled', 'by-caller'));
  if (options.signal?.aborted) onAbort();
  options.signal?.addEventListener('abort', onAbort);
  const cancelTimer =
    capability.timeoutMs > 0
      ? deps.clock.after(capability.timeoutMs, () => control.abort(failure('timeout', 'deadline')))
      : () => {};
  const source = provider.isLocal
    ? deps.local.run(capability.name, input, context(control.signal))
    : deps.remote.stream(
        provider.device,
        { capability, input, params: options.params ?? {}, deadlineMs: capability.timeoutMs, tokens: ownTokens },
        control.signal,
      );
  let hadItems = false;
  try {
    for (;;) {
      const step = await untilAborted(source.next(), control.signal);
      if (step.done) return { result: provider.isLocal ? step.value : checkReply(capability, step.value), hadItems };
      if (!provider.isLocal && !isItem(capability, step.value))
        return { result: err(failure('schema_mismatch', 'reply')), hadItems };
      hadItems = true;
      yield step.value;
    }
  } catch (error) {
    if (!control.signal.aborted) throw error;
    return { result: err(control.signal.reason as Failure), hadItems };
  } finally {
    cancelTimer();
    options.signal?.removeEventListener('abort', onAbort);
    control.abort(failure('cancelled', 'call-ended'));
    // The source is told to end but not waited for: a handler stuck in an await must not hold the caller.
    void source.return({ ok: false, error: failure('cancelled', 'call-ended') });
  }
};

const isItem = (capability: AnyCapability, item: unknown): boolean =>
  capability.item !== undefined && safeParse(capability.item, item).success;

const checkReply = (capability: AnyCapability, result: Result<unknown, Failure>): Result<unknown, Failure> => {
  if (!result.ok) return result;
  const parsed = safeParse(capability.output, result.value);
  return parsed.success ? ok(parsed.output) : err(failure('schema_mismatch', 'reply'));
};

const untilAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
