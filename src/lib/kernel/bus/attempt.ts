import { safeParse } from 'valibot';
import { failureOfAbort, type AnyCapability, type CallContext, type CallOptions } from './call.ts';
import type { Caller } from './capability.ts';
import { failure, type Failure } from '../errors.ts';
import { timeIsUp, type Ended } from './failover.ts';
import type { LocalProviders } from './local-providers.ts';
import type { Clock } from '../ports/clock.ts';
import type { Bytes } from '../ports/crypto.ts';
import type { Provider } from './registry.ts';
import { err, ok, type Result } from '../result.ts';
import type { SharedItems } from './shared-items.ts';
import type { TokensFor } from './token-view.ts';

/** One call as it goes to a neighbour. `deadlineMs` is what is left when it is sent, 0 for none. */
export type RemoteRequest = {
  readonly capability: AnyCapability;
  readonly input: unknown;
  readonly params: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
  readonly tokens: readonly Bytes[];
  readonly trace: string;
  readonly clientId: string;
  readonly session?: string | undefined;
  readonly items?: AsyncIterable<unknown> | undefined;
};

/** Carries a call to one neighbour's device. Called by the router only; frames and credits are its affair. */
export type RemoteCaller = {
  stream(
    device: string,
    request: RemoteRequest,
    signal: AbortSignal,
  ): AsyncGenerator<unknown, Result<unknown, Failure>>;
};

export type RoutedCall = {
  readonly caller: Caller;
  readonly capability: AnyCapability;
  readonly input: unknown;
  readonly options: CallOptions;
  readonly trace: string;
  readonly clientId: string;
  readonly context: (signal: AbortSignal, items: AsyncIterable<unknown> | undefined) => CallContext;
};

export type AttemptDeps = {
  readonly clock: Clock;
  readonly remote: RemoteCaller;
  readonly local: LocalProviders;
  readonly tokensFor?: TokensFor | undefined;
};

/** What one try may take. `patienceMs`: until its first sign of life; `restMs`: in all; Infinity where there is no end. */
export type Span = { readonly patienceMs: number; readonly restMs: number };

/**
 * One try of one provider. It ends in time, whatever the provider does; what comes from a neighbour is held against the contract
 * before anybody sees it; and its signal is aborted in every case, so that nobody works for a call that is over.
 */
export const attempt = async function* (
  deps: AttemptDeps,
  call: RoutedCall,
  provider: Provider,
  { patienceMs, restMs }: Span,
  items: SharedItems | null,
  isLost: AbortSignal | undefined,
): AsyncGenerator<unknown, Ended> {
  const { capability } = call;
  const { isLocal } = provider;
  const control = new AbortController();
  const unfollow = [call.options.signal, isLost].map((signal) => follow(signal, control));
  const endAfter = (ms: number) => (ms === Infinity ? () => {} : deps.clock.after(ms, () => control.abort(timeIsUp)));
  const startedAt = deps.clock.now();
  let cancelTimer = endAfter(patienceMs);
  let hadItems = false;
  const endedBy = (result: Result<unknown, Failure>): Ended => ({ result, hadItems, isLocal });
  const source = open(deps, call, provider, restMs, items, control.signal);
  try {
    for (;;) {
      const step = await untilAborted(source.next(), control.signal);
      if (step.done) return endedBy(isLocal ? step.value : checkReply(capability, step.value));
      if (!isLocal && !isItem(capability, step.value)) return endedBy(err(failure('schema_mismatch', 'reply')));
      if (!hadItems && patienceMs < restMs) {
        cancelTimer();
        cancelTimer = endAfter(restMs - (deps.clock.now() - startedAt));
      }
      hadItems = true;
      yield step.value;
    }
  } catch (error) {
    if (control.signal.aborted) return endedBy(err(failureOfAbort(control.signal)));
    return endedBy(err(failure('internal', error instanceof Error ? error.message : 'provider-threw')));
  } finally {
    cancelTimer();
    for (const stop of unfollow) stop();
    control.abort(failure('cancelled', 'call-ended'));
    // The source is told to end but not waited for: a handler stuck in an await must not hold the caller.
    source.return({ ok: false, error: failure('cancelled', 'call-ended') }).catch(() => {});
  }
};

const open = (
  deps: AttemptDeps,
  { caller, capability, input, options, trace, clientId, context }: RoutedCall,
  { isLocal, device }: Provider,
  restMs: number,
  items: SharedItems | null,
  signal: AbortSignal,
): AsyncGenerator<unknown, Result<unknown, Failure>> => {
  if (isLocal) return deps.local.run(capability, input, context(signal, items?.read));
  const request: RemoteRequest = {
    capability,
    input,
    params: options.params ?? {},
    deadlineMs: restMs === Infinity ? 0 : Math.max(1, Math.ceil(restMs)),
    // This device's tokens speak for its own screens only, never for a neighbour whose call brought us here.
    tokens: caller.kind === 'self' ? (deps.tokensFor?.(capability.name) ?? []) : [],
    trace,
    clientId,
    session: options.session,
    items: items?.read,
  };
  return deps.remote.stream(device, request, signal);
};

/** Aborts with the same reason when the other one does; the returned function lets go of it. */
const follow = (signal: AbortSignal | undefined, control: AbortController): (() => void) => {
  if (!signal) return () => {};
  const onAbort = (): void => control.abort(failureOfAbort(signal));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  return () => signal.removeEventListener('abort', onAbort);
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
    if (signal.aborted) {
      work.catch(() => {});
      return onAbort();
    }
    signal.addEventListener('abort', onAbort);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
