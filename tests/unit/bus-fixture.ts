import { object, pipe, string, transform, type GenericSchema } from 'valibot';
import { createBus } from '../../src/lib/kernel/bus.ts';
import type { AnyCapability } from '../../src/lib/kernel/call.ts';
import { permitAll, type Capability, type Role } from '../../src/lib/kernel/capability.ts';
import { failure, type Failure, type FailureCode } from '../../src/lib/kernel/errors.ts';
import type { Offer } from '../../src/lib/kernel/registry.ts';
import { err, ok, type Result } from '../../src/lib/kernel/result.ts';
import type { RemoteCaller } from '../../src/lib/kernel/routed-call.ts';
import type { JudgeToken, TokensFor } from '../../src/lib/kernel/token-view.ts';
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
  routable: true,
  ...over,
});

export const offerOf = (capability: Echo, over: Partial<Offer> = {}): Offer => ({
  name: capability.name,
  version: capability.version,
  params: {},
  loadPercent: 0,
  isFull: false,
  ...over,
});

export const asAny = (capability: unknown): AnyCapability => capability as AnyCapability;

type RemoteAnswer = (
  input: unknown,
  signal: AbortSignal,
) => Result<unknown, Failure> | Promise<Result<unknown, Failure>> | AsyncGenerator<unknown, Result<unknown, Failure>>;

/** A bus on a virtual clock whose neighbours answer as the test says. */
export const createTestBus = (
  roles: Readonly<Record<string, Role>> = {},
  tokens: { readonly judgeToken?: JudgeToken; readonly tokensFor?: TokensFor } = {},
) => {
  const clock = createVirtualClock();
  const answers = new Map<string, RemoteAnswer>();
  const asked: {
    device: string;
    input: unknown;
    params: Readonly<Record<string, string>>;
    tokens: readonly Uint8Array[];
  }[] = [];
  const remote: RemoteCaller = {
    stream: async function* (device, { input, params, tokens: shown }, signal) {
      asked.push({ device, input, params, tokens: shown });
      const outcome = answers.get(device)?.(input, signal) ?? err(failure('peer_offline', 'not-sent'));
      if ('next' in outcome) return yield* outcome;
      return await outcome;
    },
  };
  const bus = createBus({
    clock,
    self: () => 'self',
    views: {
      roleOf: (device) => (Object.hasOwn(roles, device) ? (roles[device] ?? null) : null),
      judgeToken: tokens.judgeToken,
    },
    remote,
    tokensFor: tokens.tokensFor,
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
    callFrom: async (
      device: string,
      capability: unknown,
      input: unknown,
      presented: readonly Uint8Array[] = [],
      params: Readonly<Record<string, string>> = {},
    ) => {
      const items = bus.serve({ kind: 'device', device }, asAny(capability), input, { tokens: presented, params });
      let step = await items.next();
      while (!step.done) step = await items.next();
      return step.value;
    },
  };
};

export const says = (text: string) => async () => ok({ text });
export const fails =
  (code: FailureCode, reason = 'test') =>
  async () =>
    err(failure(code, reason));
export const never = () => new Promise<never>(() => {});
