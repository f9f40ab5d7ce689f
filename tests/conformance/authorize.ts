import { array, literal, object, optional, record, string, union } from 'valibot';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { authorize } from '../../src/lib/kernel/bus/authorize.ts';
import { endOf, lazyInput, type AnyCapability } from '../../src/lib/kernel/bus/call.ts';
import { isCompatible, parseCapabilityId, type Caller } from '../../src/lib/kernel/bus/capability.ts';
import { decodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { failure, type Failure } from '../../src/lib/kernel/errors.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import { createTokenJudge } from '../../src/lib/crypto/token-judge.ts';
import { settle } from '../support/virtual-clock.ts';
import { crypto } from './engine.ts';
import { anyBytes, bytesOf, refused, work } from './op.ts';
import { courtOf, createWorld, rolesOf, worldFields } from './world.ts';

const fields = object({
  world: worldFields,
  caller: union([literal('self'), bytesOf(32)]),
  capability: string(),
  params: optional(record(string(), string()), {}),
  tokens: optional(array(anyBytes), []),
  /** CBOR; absent: the first gate alone is asked. */
  input: optional(anyBytes),
});

/** Milliseconds of the world's clock within which a handler of the world must have answered. */
const patienceMs = 120_000;

/**
 * May this caller call this, here and now? With an input the whole way is walked on a real bus, so that `read` tells whether the
 * input was looked at and `handled` how often a handler ran.
 */
export const authorizeWorks = {
  '': work(fields, async ({ world, caller: who, capability: id, params, tokens, input }) => {
    const asked = parseCapabilityId(id);
    const capability = asked ? contractsByName.get(asked.name) : undefined;
    if (!asked || !capability || !isCompatible(capability.version, asked.version))
      return refused('capability-unknown', 'not_found');
    const caller: Caller = who === 'self' ? { kind: 'self' } : { kind: 'device', device: bytesToText(who) };
    if (!input) {
      const judgeToken = createTokenJudge(
        crypto,
        courtOf(world, () => world.now),
      );
      const opened = await authorize(caller, capability, params, tokens, { ...rolesOf(world), judgeToken });
      return ok(verdictOf(opened.ok ? null : opened.error, { read: false, handled: 0 }));
    }
    const open = createWorld(world);
    if (!open) return refused('capability-unknown', 'not_found');
    let isRead = false;
    const lazy = lazyInput(() => {
      isRead = true;
      const value = decodeCbor(input);
      return value.ok ? value : err(failure('bad_request', `input-${value.error}`));
    });
    const reply = await replyOf(open, caller, capability, lazy, { params, tokens });
    return ok(verdictOf(reply, { read: isRead, handled: open.handled.length }));
  }),
};

const verdictOf = (refusal: Failure | null, seen: { readonly read: boolean; readonly handled: number }): Cbor => ({
  allowed: refusal === null,
  ...(refusal === null ? {} : { failure: { ...refusal } }),
  ...seen,
});

/** null when the call was served. */
const replyOf = async (
  { bus, clock }: NonNullable<ReturnType<typeof createWorld>>,
  caller: Caller,
  capability: AnyCapability,
  input: unknown,
  options: { readonly params: Readonly<Record<string, string>>; readonly tokens: readonly Uint8Array[] },
): Promise<Failure | null> => {
  const until = clock.now() + patienceMs;
  let failed: Failure | null = failure('timeout', 'conformance');
  const served = endOf(bus.serve(caller, capability, input, options)).then((reply) => {
    failed = reply.ok ? null : reply.error;
  });
  let isOver = false;
  void served.finally(() => (isOver = true));
  for (;;) {
    await settle();
    if (isOver || !clock.fireNext(until)) return failed;
  }
};
