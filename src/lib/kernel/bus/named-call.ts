import { capabilityId } from './capability.ts';
import { failure, type Failure } from '../errors.ts';
import type { LocalProviders } from './local-providers.ts';
import type { NamedCall } from './repeat-book.ts';
import { err, ok, type Result } from '../result.ts';
import type { Underway } from './underway.ts';

/**
 * The call by its caller's name for it, where the work must not be done twice: a neighbour's, unary, not idempotent, and called by
 * that neighbour, not by a handler here. null for any other. `raw` is its input as it came.
 */
export const namedCall = ({ caller, capability, options, isFresh }: Underway, raw: unknown): NamedCall | null => {
  const { clientId, items } = options;
  const isUnary = capability.item === undefined && items === undefined;
  if (!isFresh || caller.kind === 'self' || capability.idempotent || !isUnary || clientId === undefined) return null;
  return { device: caller.device, clientId, capability: capabilityId(capability), input: raw };
};

/** Told once how a call has really ended; `wasCut` when it was stopped before. */
export type Settle = (answer: Result<unknown, Failure>, wasCut: boolean) => void;

/**
 * This node's handlers, telling how the one that ran has really ended: also when nobody waits for it any more. `end` is for the call
 * that reached none.
 */
export const recordTo = (settle: Settle, local: LocalProviders) => {
  let wasRun = false;
  const run: LocalProviders['run'] = async function* (capability, input, context) {
    wasRun = true;
    let answer: Result<unknown, Failure> = err(failure('cancelled', 'left'));
    try {
      answer = yield* local.run(capability, input, context);
      return answer;
    } finally {
      settle(answer, context.signal.aborted);
    }
  };
  return {
    local: { ...local, run },
    end: (reply: Result<{ readonly output: unknown }, Failure>): void => {
      if (!wasRun) settle(reply.ok ? ok(reply.value.output) : err(reply.error), false);
    },
  };
};
