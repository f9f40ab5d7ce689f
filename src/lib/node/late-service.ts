import type { Bus } from '../kernel/bus/bus.ts';
import type { AnyCapability, CallContext } from '../kernel/bus/call.ts';
import type { Handler } from '../kernel/bus/local-providers.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { LoadPart } from './load-part.ts';

type AnyHandler = Handler<unknown, unknown, unknown, unknown>;
type OfferParams = () => Readonly<Record<string, readonly string[]>>;
type Registered = { readonly handler: AnyHandler; readonly params: OfferParams };

export type LateServiceDeps = {
  readonly bus: Bus;
  /** What the part's services register, and nothing else. */
  readonly capabilities: readonly unknown[];
  /** Makes the services, given the bus to register at. */
  readonly load: LoadPart<(bus: Bus) => readonly Startable[]>;
  /** Loaded behind the start, because it has something to do before anybody calls; else by the first call. */
  readonly isWantedSoon?: boolean;
};

/**
 * Services in a file of their own. The bus knows their capabilities from the start on; behind each stands a stand-in that loads the
 * part and hands the call on. A part that cannot be had is told to the caller as `unavailable not-loaded`, and tried again by the next.
 */
export const createLateService = ({ bus, capabilities, load, isWantedSoon = false }: LateServiceDeps): Startable => {
  const stops = createStops();
  let isRunning = false;
  let loading: Promise<Result<null, Failure>> | null = null;
  const registeredByName = new Map<string, Registered>();

  const open = async (): Promise<Result<null, Failure>> => {
    const part = await load();
    if (!part.ok) return err(failure('unavailable', part.error));
    if (!isRunning) return err(failure('unavailable', 'stopped'));
    for (const service of part.value({ ...bus, register: registerIn(registeredByName, capabilities) })) {
      await service.start();
      stops.add(() => void service.stop());
    }
    // What an offer says of itself (the corpora, say) is known from now on.
    if ([...registeredByName.values()].some(({ params }) => Object.keys(params()).length > 0))
      bus.registry.noteLocalChange();
    return ok(null);
  };
  const loaded = async (): Promise<Result<null, Failure>> => {
    loading ??= open();
    const result = await loading;
    if (!result.ok) loading = null;
    return result;
  };

  const standIn = (name: string): AnyHandler =>
    async function* (input: unknown, context: CallContext<unknown>): AsyncGenerator<unknown, Result<unknown, Failure>> {
      const part = await loaded();
      if (!part.ok) return part;
      const registered = registeredByName.get(name);
      if (!registered) return err(failure('not_found', 'no-handler'));
      const outcome = registered.handler(input, context);
      return Symbol.asyncIterator in outcome ? yield* outcome : await outcome;
    };

  return {
    start: () => {
      if (isRunning) return;
      isRunning = true;
      for (const capability of capabilities as readonly AnyCapability[])
        stops.add(
          bus.register(
            capability,
            standIn(capability.name),
            () => registeredByName.get(capability.name)?.params() ?? {},
          ),
        );
      if (isWantedSoon) void loaded();
    },
    stop: () => {
      isRunning = false;
      loading = null;
      stops.run();
    },
  };
};

/** Registers behind the stand-ins. What has no stand-in would never be called, so it is a bug. */
const registerIn = (registeredByName: Map<string, Registered>, capabilities: readonly unknown[]): Bus['register'] => {
  const names = new Set((capabilities as readonly AnyCapability[]).map(({ name }) => name));
  return ({ name }, handler, params = () => ({})) => {
    if (!names.has(name)) throw new Error(`capability ${name} has no stand-in`);
    registeredByName.set(name, { handler: handler as unknown as AnyHandler, params });
    return () => void registeredByName.delete(name);
  };
};
