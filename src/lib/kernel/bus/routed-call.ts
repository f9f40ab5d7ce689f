import { attempt, type RoutedCall } from './attempt.ts';
import { endOf, failureOfAbort, type Reply } from './call.ts';
import { capabilityId } from './capability.ts';
import { failure, type Failure } from '../errors.ts';
import { honestEnd, isLinkLost, lostRace, mayFailOver, timeIsUp, verdictOn, type Ended } from './failover.ts';
import { raceHedged } from './hedge.ts';
import { limits } from '../limits.ts';
import { untilBack } from './link-return.ts';
import type { Provider } from './registry.ts';
import { err, ok, type Result } from '../result.ts';
import { beginRun, planRun, restOf, spanOf, type RoutedDeps, type Run } from './routed-run.ts';
import type { Route } from './router.ts';
import type { Attempt } from './trace.ts';

export type { RemoteCaller, RemoteRequest, RoutedCall } from './attempt.ts';

/**
 * Asks the providers in the router's order until one serves, as far as failover is allowed, and records the decision: one trace
 * for every call, also for one whose reader has left.
 */
export const runRouted = async function* (deps: RoutedDeps, call: RoutedCall): AsyncGenerator<unknown, Reply<unknown>> {
  const run = beginRun(deps, call);
  const { capability, options } = call;
  const route = planRun(run, () => true);
  let outcome = 'cancelled';
  try {
    const result = yield* serve(run, route);
    outcome = result.ok ? 'ok' : result.error.code;
    const { servedBy } = run;
    if (!result.ok) return err(soonest(run, route, result.error));
    if (!servedBy) return err(failure('internal', 'no-server'));
    return ok({
      output: result.value,
      meta: {
        servedBy: servedBy.device,
        route: servedBy.isLocal ? 'local' : 'neighbour',
        ms: deps.clock.now() - run.startedAt,
        trace: call.trace,
        attempts: run.attempts.length,
      },
    });
  } finally {
    run.items?.close();
    deps.traces.add({
      trace: call.trace,
      at: run.startedAt,
      capability: capabilityId(capability),
      session: options.session ?? null,
      caller: call.caller.kind === 'self' ? 'self' : call.caller.device,
      candidates: route.candidates,
      attempts: run.attempts,
      servedBy: run.servedBy?.device ?? null,
      outcome,
      ms: deps.clock.now() - run.startedAt,
    });
  }
};

const serve = async function* (
  run: Run,
  { order, candidates }: Route,
): AsyncGenerator<unknown, Result<unknown, Failure>> {
  const queue = [...order];
  let ended: Ended = { result: err(noProvider(candidates)), hadItems: false, isLocal: true };
  for (let next = queue.shift(); next; next = queue.shift()) {
    if (restOf(run) <= 0) return run.attempts.length === 0 ? err(timeIsUp) : ended.result;
    const second = mayHedge(run) ? queue.find((each) => !isProbeDue(run, each)) : undefined;
    if (second) {
      const race = await hedge(run, next, second, queue.length);
      if (race.hadSecond) queue.splice(queue.indexOf(second), 1);
      ended = race.value;
    } else {
      ended = yield* tryOne(run, next, run.attempts.length === 0 ? 'first' : 'failover', queue.length > 0);
    }
    if (isFinal(run, ended)) return ended.result;
  }
  // Only what may be repeated ends as lost; the rest has ended as `unknown_outcome`.
  return run.lost.size > 0 ? yield* askAgain(run, ended) : ended.result;
};

const hedge = (run: Run, first: Provider, second: Provider, others: number) => {
  const { clock, health } = run.deps;
  const { p50Ms } = health.of(first.device, run.call.capability.name, clock.now());
  const why = run.attempts.length === 0 ? 'first' : 'failover';
  return raceHedged({
    clock,
    afterMs: Math.max(2 * p50Ms, limits.hedgeAfterMs),
    first: (isLost) => endOf(tryOne(run, first, why, true, isLost)),
    second: (isLost) => endOf(tryOne(run, second, 'hedge', others > 1, isLost)),
    isFinal: (ended: Ended) => isFinal(run, ended),
    lost: lostRace,
  });
};

/** Nobody else serves, and a link broke under a call that may be repeated: it is asked again where it was lost, once that is back. */
const askAgain = async function* (run: Run, last: Ended): AsyncGenerator<unknown, Result<unknown, Failure>> {
  const { clock, registry } = run.deps;
  const untilMs = Math.min(clock.now() + limits.reconnectGraceMs, run.deadlineAt);
  let ended = last;
  for (let tries = 0; tries < limits.reconnectTriesMax && clock.now() < untilMs; tries++) {
    const provider = await untilBack({
      clock,
      registry,
      find: () => planRun(run, ({ device, isLocal }) => !isLocal && run.lost.has(device)).order[0],
      waitMs: untilMs - clock.now(),
      signal: run.call.options.signal,
      looksAtOnce: tries === 0,
    });
    if (!provider) break;
    ended = yield* tryOne(run, provider, 'again', false);
    if (isFinal(run, ended)) break;
  }
  const { signal } = run.call.options;
  return signal?.aborted && !ended.result.ok ? err(failureOfAbort(signal)) : ended.result;
};

/** One try, with its place in the trace and its mark in the book of health, however it ends. */
const tryOne = async function* (
  run: Run,
  provider: Provider,
  why: Attempt['why'],
  hasNext: boolean,
  isLost?: AbortSignal,
): AsyncGenerator<unknown, Ended> {
  const { deps, call, attempts, items } = run;
  const { device } = provider;
  const { capability } = call;
  const startedAt = deps.clock.now();
  const probe = deps.health.begin(device, capability.name, startedAt);
  const begun = { device, why: probe.isProbe ? 'probe' : why } as const;
  const at = attempts.push({ ...begun, outcome: 'cancelled', ms: 0 }) - 1;
  let ended: Ended | null = null;
  try {
    const raw = yield* attempt(deps, call, provider, spanOf(run, hasNext), items, isLost);
    ended = honestEnd(raw, capability.idempotent);
    if (ended.result.ok) markServed(run, provider);
    return ended;
  } finally {
    probe.end(); // also when the reader of a stream has left
    const ms = deps.clock.now() - startedAt;
    const outcome = ended === null ? 'cancelled' : ended.result.ok ? 'ok' : ended.result.error.code;
    attempts[at] = { ...begun, outcome, ms };
    if (ended && isLinkLost(ended)) run.lost.add(device);
    if (ended) noteHealth(run, provider, ended, ms);
  }
};

const markServed = (run: Run, provider: Provider): void => {
  run.servedBy = provider;
  if (run.sessionKey) run.deps.sessions.bind(run.sessionKey, provider.device, run.deps.clock.now());
};

const noteHealth = ({ deps, call }: Run, { device, isLocal }: Provider, ended: Ended, ms: number): void => {
  // How this device serves others says nothing to its own screens: a neighbour could make it look ill.
  if (call.caller.kind !== 'self') return;
  const { name, timeoutMs } = call.capability;
  const nowMs = deps.clock.now();
  const { p50Ms } = deps.health.of(device, name, nowMs);
  const kind = verdictOn(ended, { ms, p50Ms, timeoutMs }, call.options.device === undefined);
  if (kind) deps.health.record(device, name, { kind, ms }, nowMs);
  if (ended.result.ok || isLocal) return;
  const { code, retryAfterMs } = ended.result.error;
  if (code === 'capacity_exceeded' || code === 'rate_limited')
    deps.health.recordBusy(device, name, retryAfterMs, nowMs);
};

const isFinal = ({ call, items }: Run, ended: Ended): boolean =>
  items?.wasRead() === true || !mayFailOver(ended, call.capability.idempotent);

/** Only what costs little, may happen twice, comes in one piece and belongs to no session. */
const mayHedge = ({ call: { capability, options } }: Run): boolean =>
  capability.cost === 'cheap' &&
  capability.idempotent &&
  capability.item === undefined &&
  options.items === undefined &&
  options.session === undefined;

const isProbeDue = ({ deps, call }: Run, { device }: Provider): boolean =>
  deps.health.of(device, call.capability.name, deps.clock.now()).isProbeDue;

const noProvider = (candidates: Route['candidates']): Failure => {
  if (candidates.length === 0) return failure('not_found', 'no-provider');
  if (candidates.some(({ skipped }) => skipped === 'full')) return failure('capacity_exceeded', 'all-busy');
  return failure('unavailable', candidates[0]?.skipped ?? 'none');
};

/** Where all are busy, the time to come back is that of the one who has room first. */
const soonest = ({ deps, call }: Run, { candidates }: Route, refused: Failure): Failure => {
  if (refused.code !== 'capacity_exceeded') return refused;
  const nowMs = deps.clock.now();
  const waits = candidates
    .map(({ device }) => deps.health.of(device, call.capability.name, nowMs).busyUntil - nowMs)
    .filter((waitMs) => waitMs > 0);
  const known = refused.retryAfterMs === undefined ? waits : [...waits, refused.retryAfterMs];
  return failure(refused.code, refused.reason, known.length === 0 ? limits.retryAfterUnknownMs : Math.min(...known));
};
