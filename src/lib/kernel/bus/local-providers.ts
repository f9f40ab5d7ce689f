import { createCapacity, type Capacity } from './capacity.ts';
import type { AnyCapability, CallContext } from './call.ts';
import { capabilityId, isCompatible, type Caller, type Capability, type Version } from './capability.ts';
import { failure, type Failure } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Registry } from './registry.ts';
import { err, type Result } from '../result.ts';

/** A unary handler returns its result; a streaming one yields items and returns the result at the end. */
export type Handler<I, O, S, U = never> = (
  input: I,
  context: CallContext<U>,
) => Promise<Result<O, Failure>> | Result<O, Failure> | AsyncGenerator<S, Result<O, Failure>>;

type Entry = {
  readonly version: Version;
  readonly handler: Handler<unknown, unknown, unknown, unknown>;
  readonly capacity: Capacity;
  readonly isEndless: boolean;
};
type Asked = Pick<AnyCapability, 'name' | 'version'>;

export type LocalProvidersDeps = {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly schemaOf?: ((capabilityId: string) => string) | undefined;
};

/** This node's own handlers, with their load. At most one of a capability's name and major version: two majors stand side by side. */
export const createLocalProviders = ({ clock, registry, schemaOf = () => '' }: LocalProvidersDeps) => {
  const entriesByMajor = new Map<string, Entry>();
  const majorOf = ({ name, version }: Asked): string => `${name}@${version.major}`;
  const entryFor = (asked: Asked): Entry | undefined => {
    const entry = entriesByMajor.get(majorOf(asked));
    return entry && isCompatible(entry.version, asked.version) ? entry : undefined;
  };

  return {
    register: <I, O, S, U>(
      capability: Capability<I, O, S, U>,
      handler: Handler<I, O, S, U>,
      params: () => Readonly<Record<string, readonly string[]>> = () => ({}),
    ): (() => void) => {
      assertComplete(capability);
      const { name, version } = capability;
      const major = majorOf(capability);
      if (entriesByMajor.has(major)) throw new Error(`capability ${major} is registered twice`);
      const capacity = createCapacity(capability.maxConcurrent, clock);
      const isEndless = capability.timeoutMs === 0;
      const entry = { version, handler: handler as unknown as Entry['handler'], capacity, isEndless };
      entriesByMajor.set(major, entry);
      const schema = schemaOf(capabilityId(capability));
      const removeOffer = registry.addLocal(name, () => ({
        name,
        version,
        params: params(),
        loadPercent: capacity.loadPercent(),
        isFull: capacity.isFull(),
        schema,
      }));
      return () => {
        if (entriesByMajor.get(major) === entry) entriesByMajor.delete(major);
        removeOffer();
      };
    },
    /** How many calls are being served. `ending`: without those that have no deadline, a screen's live views, say. */
    inFlight: (which: 'all' | 'ending' = 'all'): number =>
      [...entriesByMajor.values()]
        .filter(({ isEndless }) => which === 'all' || !isEndless)
        .reduce((total, { capacity }) => total + capacity.held(), 0),
    /** Whether a handler here would be asked at all, told before anything of the input is read. */
    refusalOf: (asked: Asked, caller: Caller): Failure | null => {
      const entry = entryFor(asked);
      return entry ? entry.capacity.refusalOf(caller) : failure('not_found', 'no-provider');
    },
    /** When a full handler of this device is likely to have a place again. */
    retryAfterMs: (asked: Asked): number => entryFor(asked)?.capacity.retryAfterMs() ?? limits.retryAfterUnknownMs,
    /** Runs the handler; a thrown bug becomes `internal`, an aborted signal `cancelled`. */
    run: async function* (
      asked: Asked,
      input: unknown,
      context: CallContext,
    ): AsyncGenerator<unknown, Result<unknown, Failure>> {
      const entry = entryFor(asked);
      if (!entry) return err(failure('not_found', 'no-handler'));
      const place = entry.capacity.take(context.caller);
      if (!place.ok) return place;
      try {
        const outcome = entry.handler(input, context);
        if (isGenerator(outcome)) return yield* outcome;
        return await outcome;
      } catch (error) {
        if (context.signal.aborted) return err(failure('cancelled', 'cancelled'));
        return err(failure('internal', error instanceof Error ? error.message : 'handler-threw'));
      } finally {
        place.value();
      }
    },
  };
};
export type LocalProviders = ReturnType<typeof createLocalProviders>;

const isGenerator = (value: unknown): value is AsyncGenerator<unknown, Result<unknown, Failure>> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/** TypeScript already asks for these; a capability that came another way is refused here (default deny). */
const assertComplete = (capability: {
  readonly name: string;
  readonly policy?: unknown;
  readonly permit?: unknown;
  readonly input?: unknown;
  readonly output?: unknown;
}): void => {
  for (const part of ['policy', 'permit', 'input', 'output'] as const) {
    if (capability[part] === undefined) throw new Error(`capability ${capability.name} has no ${part}`);
  }
};
