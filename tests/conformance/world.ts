import {
  array,
  maxLength,
  nullable,
  object,
  optional,
  picklist,
  pipe,
  record,
  string,
  type InferOutput,
} from 'valibot';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { count } from '../../src/lib/contracts/fields.ts';
import { schemaOf } from '../../src/lib/contracts/schema-hashes.ts';
import { createTokenJudge, type TokenCourt } from '../../src/lib/crypto/token-judge.ts';
import { createBus } from '../../src/lib/kernel/bus/bus.ts';
import type { AnyCapability, CallContext } from '../../src/lib/kernel/bus/call.ts';
import type { PermitViews } from '../../src/lib/kernel/bus/capability.ts';
import { decodeCbor, encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { failure, failureCodes, type Failure, type FailureCode } from '../../src/lib/kernel/errors.ts';
import { hlcEpochMs } from '../../src/lib/kernel/hlc.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { pause } from '../../src/lib/kernel/ports/clock.ts';
import { err, ok, type Result } from '../../src/lib/kernel/result.ts';
import type { Serving } from '../../src/lib/kernel/bus/serving.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createVirtualClock } from '../support/virtual-clock.ts';
import { crypto } from './engine.ts';
import { anyBytes, bytesOf } from './op.ts';

const code = picklist(Object.keys(failureCodes) as FailureCode[]);

/** What a handler does, step by step on the clock of the request: items, then a result, a failure, or nothing until it is stopped. */
const script = object({
  items: optional(pipe(array(object({ afterMs: optional(count, 0), value: anyBytes })), maxLength(10_000)), []),
  afterMs: optional(count, 0),
  output: optional(anyBytes),
  failure: optional(object({ code, reason: string(), retryAfterMs: optional(count) })),
});
type Script = InferOutput<typeof script>;

/** A node as far as a call can see it. Capabilities are those of this build, by name; only what their handlers do is told. */
export const worldFields = object({
  self: optional(bytesOf(32), new Uint8Array(32)),
  roles: optional(array(object({ device: bytesOf(32), role: picklist(['member', 'trusted', 'anchor']) })), []),
  community: optional(nullable(bytesOf(16)), null),
  epoch: optional(nullable(bytesOf(16)), null),
  /** Milliseconds since 1970. */
  now: optional(count, hlcEpochMs),
  /** Hashes of token links that were taken back. */
  revoked: optional(array(bytesOf(32)), []),
  /** `params`: what can be asked for by name (a corpus, say), as it would be told in presence. */
  serves: optional(
    array(
      object({
        capability: string(),
        params: optional(record(string(), array(string())), {}),
        script: optional(script, {}),
      }),
    ),
    [],
  ),
  /** Names of capabilities that are switched off for neighbours. */
  notGiven: optional(array(string()), []),
});
export type World = InferOutput<typeof worldFields>;

export const rolesOf = ({ roles }: World): PermitViews => {
  const roleByDevice = new Map(roles.map(({ device, role }) => [bytesToText(device), role]));
  return { roleOf: (device) => roleByDevice.get(device) ?? null };
};

export const courtOf = ({ community, epoch, revoked }: World, nowMs: () => number): TokenCourt => {
  const takenBack = new Set(revoked.map(bytesToText));
  return {
    community: () => community,
    epoch: () => epoch,
    nowSeconds: () => Math.floor((nowMs() - hlcEpochMs) / 1000),
    isRevoked: (hash) => takenBack.has(hash),
  };
};

export type Handled = { readonly capability: string; readonly input: Cbor; stopped: string | null };

/** The bus of the product with its gates, on a clock of its own; null where the world names a capability nobody knows. */
export const createWorld = (world: World) => {
  const clock = createVirtualClock(world.now);
  const handled: Handled[] = [];
  const bus = createBus({
    clock,
    random: seededRandom('conformance'),
    self: () => bytesToText(world.self),
    views: { ...rolesOf(world), judgeToken: createTokenJudge(crypto, courtOf(world, clock.now)) },
    remote: { stream: noNeighbours },
    serving: servingOf(world),
    schemaOf,
  });
  for (const served of world.serves) {
    const capability = contractsByName.get(served.capability);
    if (!capability) return null;
    const handler = (input: unknown, context: CallContext) => {
      const entry: Handled = { capability: served.capability, input: tellInput(input), stopped: null };
      handled.push(entry);
      context.signal.addEventListener('abort', () => (entry.stopped = reasonOf(context.signal)), { once: true });
      return play(capability, served.script, context, clock);
    };
    bus.register(capability, handler, () => served.params);
  }
  return { bus, clock, handled };
};
export type OpenWorld = NonNullable<ReturnType<typeof createWorld>>;

/** Nobody else is there: what this device does not serve is served by no one. */
const noNeighbours = async function* (): AsyncGenerator<unknown, Result<unknown, Failure>> {
  yield* [];
  return err(failure('peer_offline', 'not-sent'));
};

const servingOf = ({ notGiven }: World): Serving => ({
  mayServe: ({ name }) => (notGiven.includes(name) ? failure('unavailable', 'not-given') : null),
  leansOnNeighbours: () => false,
  onChange: () => () => {},
});

/** Handlers get their input after its schema; a file of the page is the one thing that cannot be told. */
const tellInput = (input: unknown): Cbor => {
  try {
    return encodeCbor(input as Cbor);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    return null;
  }
};

const reasonOf = ({ reason }: AbortSignal): string => {
  const { code: why = 'cancelled', reason: check = '' } = (reason ?? {}) as { code?: string; reason?: string };
  return `${why} ${check}`.trim();
};

const play = (capability: AnyCapability, told: Script, context: CallContext, clock: OpenWorld['clock']) =>
  capability.item === undefined ? endOf(told, context, clock) : streamOf(told, context, clock);

const streamOf = async function* (
  told: Script,
  context: CallContext,
  clock: OpenWorld['clock'],
): AsyncGenerator<unknown, Result<unknown, Failure>> {
  for (const { afterMs, value } of told.items) {
    if (afterMs > 0) await pause(clock, afterMs, context.signal);
    yield valueOf(value);
  }
  return endOf(told, context, clock);
};

const endOf = async (
  told: Script,
  { signal }: CallContext,
  clock: OpenWorld['clock'],
): Promise<Result<unknown, Failure>> => {
  if (told.afterMs > 0) await pause(clock, told.afterMs, signal);
  if (told.failure) {
    const { code: why, reason, retryAfterMs } = told.failure;
    return err(failure(why, reason, retryAfterMs));
  }
  if (told.output) return ok(valueOf(told.output));
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  );
};

/** A script whose bytes are no CBOR is a mistake of the request; it is told as a handler that broke. */
const valueOf = (bytes: Uint8Array): Cbor => {
  const value = decodeCbor(bytes);
  if (!value.ok) throw new TypeError(`the script's bytes are no CBOR: ${value.error}`);
  return value.value;
};
