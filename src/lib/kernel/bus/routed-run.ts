import type { AttemptDeps, RoutedCall, Span } from './attempt.ts';
import { capabilityId } from './capability.ts';
import type { HealthBook } from './health.ts';
import type { Provider, Registry } from './registry.ts';
import { planRoute, type Route } from './router.ts';
import type { Serving } from './serving.ts';
import type { SessionKey, Sessions } from './sessions.ts';
import { shareItems, type SharedItems } from './shared-items.ts';
import type { Attempt, TraceRing } from './trace.ts';

export type RoutedDeps = AttemptDeps & {
  readonly health: HealthBook;
  readonly registry: Registry;
  readonly sessions: Sessions;
  readonly traces: TraceRing;
  readonly serving?: Pick<Serving, 'leansOnNeighbours'> | undefined;
  readonly schemaOf?: ((capabilityId: string) => string) | undefined;
};

/** One call under way. */
export type Run = {
  readonly deps: RoutedDeps;
  readonly call: RoutedCall;
  readonly startedAt: number;
  /** Infinity where the call has no end. */
  readonly deadlineAt: number;
  readonly localOnly: boolean;
  readonly sessionKey: SessionKey | null;
  readonly items: SharedItems | null;
  /** In the order in which they began. */
  readonly attempts: Attempt[];
  /** Whose links broke under it. */
  readonly lost: Set<string>;
  servedBy: Provider | null;
};

export const beginRun = (deps: RoutedDeps, call: RoutedCall): Run => {
  const { capability, caller, options } = call;
  const startedAt = deps.clock.now();
  const localOnly = options.localOnly === true || !capability.routable;
  const { session } = options;
  return {
    deps,
    call,
    startedAt,
    deadlineAt: startedAt + Math.min(capability.timeoutMs || Infinity, options.deadlineMs || Infinity),
    localOnly,
    // Where only this device can serve there is nothing to remember, least of all for a neighbour.
    sessionKey:
      session === undefined || localOnly
        ? null
        : { capability: capability.name, caller: caller.kind === 'self' ? 'self' : caller.device, session },
    items: options.items && capability.inputItem ? shareItems(options.items) : null,
    attempts: [],
    lost: new Set(),
    servedBy: null,
  };
};

/** Who can serve it as things are now, of those that are wanted. */
export const planRun = (
  { deps, call, localOnly, sessionKey }: Run,
  isWanted: (provider: Provider) => boolean,
): Route => {
  const { clock, registry, health, sessions, serving, schemaOf } = deps;
  const { name, version } = call.capability;
  const nowMs = clock.now();
  return planRoute({
    providers: registry
      .providersOf(name, version, nowMs)
      .filter((each) => (each.isLocal || !localOnly) && isWanted(each)),
    asked: { name, version, schema: localOnly ? '' : (schemaOf?.(capabilityId(call.capability)) ?? '') },
    wish: call.options,
    health,
    nowMs,
    sticky: sessionKey && sessions.of(sessionKey, nowMs),
    leansOnNeighbours: !localOnly && serving?.leansOnNeighbours() === true,
  });
};

/** Milliseconds that are left; Infinity where there is no end. */
export const restOf = ({ deps, deadlineAt }: Run): number => deadlineAt - deps.clock.now();

/** While another could be asked, a silent provider gets half of what is left, so that time remains for the other. */
export const spanOf = (run: Run, hasNext: boolean): Span => {
  const { idempotent, cost } = run.call.capability;
  const restMs = restOf(run);
  return { restMs, patienceMs: hasNext && idempotent && cost !== 'heavy' ? Math.ceil(restMs / 2) : restMs };
};
