import type { CallContext } from './call.ts';
import type { Capability } from './capability.ts';
import { failure, type Failure } from './errors.ts';
import type { Registry } from './registry.ts';
import { err, type Result } from './result.ts';

/** A unary handler returns its result; a streaming one yields items and returns the result at the end. */
export type Handler<I, O, S> = (
  input: I,
  context: CallContext,
) => Promise<Result<O, Failure>> | Result<O, Failure> | AsyncGenerator<S, Result<O, Failure>>;

type Entry = { readonly handler: Handler<unknown, unknown, unknown>; readonly maxConcurrent: number; inFlight: number };

/** This node's own handlers, with their load. At most one handler a capability name. */
export const createLocalProviders = ({ registry }: { registry: Registry }) => {
  const entriesByName = new Map<string, Entry>();
  return {
    register: <I, O, S>(
      capability: Capability<I, O, S>,
      handler: Handler<I, O, S>,
      params: () => Readonly<Record<string, readonly string[]>> = () => ({}),
    ): (() => void) => {
      assertComplete(capability);
      if (entriesByName.has(capability.name)) throw new Error(`capability ${capability.name} is registered twice`);
      const entry: Entry = {
        handler: handler as Handler<unknown, unknown, unknown>,
        maxConcurrent: capability.maxConcurrent,
        inFlight: 0,
      };
      entriesByName.set(capability.name, entry);
      const removeOffer = registry.addLocal(capability.name, () => ({
        name: capability.name,
        version: capability.version,
        params: params(),
        loadPercent: Math.round((entry.inFlight * 100) / entry.maxConcurrent),
        isFull: entry.inFlight >= entry.maxConcurrent,
      }));
      return () => {
        if (entriesByName.get(capability.name) === entry) entriesByName.delete(capability.name);
        removeOffer();
      };
    },
    inFlight: (): number => [...entriesByName.values()].reduce((total, entry) => total + entry.inFlight, 0),
    /** Runs the handler; a thrown bug becomes `internal`, an aborted signal `cancelled`. */
    run: async function* (
      name: string,
      input: unknown,
      context: CallContext,
    ): AsyncGenerator<unknown, Result<unknown, Failure>> {
      const entry = entriesByName.get(name);
      if (!entry) return err(failure('not_found', 'no-handler'));
      if (entry.inFlight >= entry.maxConcurrent) return err(failure('capacity_exceeded', 'busy', 1000));
      entry.inFlight += 1;
      try {
        const outcome = entry.handler(input, context);
        if (isGenerator(outcome)) return yield* outcome;
        return await outcome;
      } catch (error) {
        if (context.signal.aborted) return err(failure('cancelled', 'cancelled'));
        return err(failure('internal', error instanceof Error ? error.message : 'handler-threw'));
      } finally {
        entry.inFlight -= 1;
      }
    },
  };
};
export type LocalProviders = ReturnType<typeof createLocalProviders>;

const isGenerator = (value: unknown): value is AsyncGenerator<unknown, Result<unknown, Failure>> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/** TypeScript already asks for these; a capability that came another way is refused here (default deny). */
const assertComplete = (capability: {
  name: string;
  policy?: unknown;
  permit?: unknown;
  input?: unknown;
  output?: unknown;
}): void => {
  for (const part of ['policy', 'permit', 'input', 'output'] as const) {
    if (capability[part] === undefined) throw new Error(`capability ${capability.name} has no ${part}`);
  }
};
