import { seededRandom } from '../support/test-neighbours.ts';
import { object, pipe, string, transform, type GenericSchema } from 'valibot';
import { createBus } from '../../src/lib/kernel/bus/bus.ts';
import type { BusDeps } from '../../src/lib/kernel/bus/bus.ts';
import { endOf, type AnyCapability, type CallOptions } from '../../src/lib/kernel/bus/call.ts';
import { permitAll, type Capability, type Role } from '../../src/lib/kernel/bus/capability.ts';
import { failure, type Failure, type FailureCode } from '../../src/lib/kernel/errors.ts';
import type { Offer } from '../../src/lib/kernel/bus/registry.ts';
import { err, ok, type Result } from '../../src/lib/kernel/result.ts';
import type { RemoteCaller, RemoteRequest } from '../../src/lib/kernel/bus/routed-call.ts';
import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import type { JudgeToken } from '../../src/lib/kernel/bus/token-view.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';

type Input = { text: string };
type Output = { text: string };
export type Echo = Capability<Input, Output, Output>;

/** How often its input has been looked at: stays 0 for a call that was refused before. */
export const createReadCount = () => {
  let reads = 0;
  return {
    input: pipe(
      object({ text: string() }),
      transform((value) => ((reads += 1), value)),
    ) as GenericSchema<unknown, Input>,
    reads: () => reads,
  };
};

export const echo = (over: Partial<Echo> = {}): Echo => ({
  name: 'test.echo',
  version: { major: 1, minor: 2 },
  stability: 'stable',
  input: object({ text: string() }),
  output: object({ text: string() }),
  item: object({ text: string() }),
  policy: 'member',
  permit: permitAll,
  timeoutMs: 1_000,
  idempotent: true,
  maxConcurrent: 2,
  params: ['corpus'],
  cost: 'normal',
  routable: true,
  ...over,
});

export const offerOf = (capability: Echo, over: Partial<Offer> = {}): Offer => ({
  name: capability.name,
  version: capability.version,
  params: {},
  loadPercent: 0,
  isFull: false,
  schema: '',
  ...over,
});

export const asAny = (capability: unknown): AnyCapability => capability as AnyCapability;

type RemoteAnswer = (
  input: unknown,
  signal: AbortSignal,
  request: RemoteRequest,
) => Result<unknown, Failure> | Promise<Result<unknown, Failure>> | AsyncGenerator<unknown, Result<unknown, Failure>>;

/** A bus on a virtual clock whose neighbours answer as the test says. */
export const createTestBus = (
  roles: Readonly<Record<string, Role>> = {},
  more: { readonly judgeToken?: JudgeToken } & Pick<BusDeps, 'tokensFor' | 'serving' | 'schemaOf'> = {},
) => {
  const clock = countTimers(createVirtualClock());
  const answers = new Map<string, RemoteAnswer>();
  const asked: {
    device: string;
    input: unknown;
    params: Readonly<Record<string, string>>;
    tokens: readonly Uint8Array[];
    request: RemoteRequest;
  }[] = [];
  const remote: RemoteCaller = {
    stream: async function* (device, request, signal) {
      const { input, params, tokens: shown } = request;
      asked.push({ device, input, params, tokens: shown, request });
      const outcome = answers.get(device)?.(input, signal, request) ?? err(failure('peer_offline', 'not-sent'));
      if ('next' in outcome) return yield* outcome;
      return await outcome;
    },
  };
  const bus = createBus({
    clock,
    random: seededRandom('bus'),
    self: () => 'self',
    views: {
      roleOf: (device) => (Object.hasOwn(roles, device) ? (roles[device] ?? null) : null),
      judgeToken: more.judgeToken,
    },
    remote,
    tokensFor: more.tokensFor,
    serving: more.serving,
    schemaOf: more.schemaOf,
  });
  return {
    bus,
    clock,
    asked,
    /** A neighbour that offers the capability and answers so. */
    neighbour: (device: string, capability: Echo, answer: RemoteAnswer, offer: Partial<Offer> = {}): void => {
      answers.set(device, answer);
      bus.registry.setRemote(device, [...bus.registry.remoteOffers(device), offerOf(capability, offer)], clock.now());
    },
    /** A call as it comes over a link from `device`. */
    callFrom: (
      device: string,
      capability: unknown,
      input: unknown,
      presented: readonly Uint8Array[] = [],
      params: Readonly<Record<string, string>> = {},
    ) => endOf(bus.serve({ kind: 'device', device }, asAny(capability), input, { tokens: presented, params })),
    /** The same with whatever else its frame says. */
    serveFrom: (device: string, capability: unknown, input: unknown, options: CallOptions = {}) =>
      endOf(bus.serve({ kind: 'device', device }, asAny(capability), input, options)),
  };
};

/** The same clock, which tells how many timers wait. */
const countTimers = <C extends Clock>(clock: C): C & { pending(): number } => {
  const waiting = new Set<object>();
  return {
    ...clock,
    pending: () => waiting.size,
    after: (delayMs, run) => {
      const timer = {};
      waiting.add(timer);
      const cancel = clock.after(delayMs, () => {
        waiting.delete(timer);
        run();
      });
      return () => {
        waiting.delete(timer);
        cancel();
      };
    },
  };
};

export const says = (text: string) => async () => ok({ text });
export const fails =
  (code: FailureCode, reason = 'test') =>
  async () =>
    err(failure(code, reason));
export const never = () => new Promise<never>(() => {});

/** A handler that waits until the test lets it go, and says how often it began. */
export const createGate = () => {
  const waiting: (() => void)[] = [];
  let begun = 0;
  return {
    handler: async <T>(input: T): Promise<Result<T, Failure>> => {
      begun += 1;
      await new Promise<void>((resolve) => waiting.push(resolve));
      return ok(input);
    },
    begun: () => begun,
    letGo: (): void => waiting.splice(0).forEach((go) => go()),
  };
};
