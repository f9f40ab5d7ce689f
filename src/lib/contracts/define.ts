import { permitAll, type Capability, type Cost, type Permit, type Policy } from '../kernel/bus/capability.ts';
import { limits } from '../kernel/limits.ts';
import type { GenericSchema } from 'valibot';

type Shape<I, O, S, U> = {
  readonly name: string;
  readonly input: GenericSchema<unknown, I>;
  readonly output: GenericSchema<unknown, O>;
  readonly item?: GenericSchema<unknown, S>;
  readonly inputItem?: GenericSchema<unknown, U>;
  readonly params?: readonly string[];
  readonly policy: Policy;
  readonly permit?: Permit<I>;
  readonly timeoutMs?: number;
  readonly idempotent?: boolean;
  readonly maxConcurrent?: number;
  readonly cost?: Cost;
  readonly routable?: boolean;
};

/**
 * A capability with the defaults of a question to one's own node: version 1.0, read-only, not routed, without params, 15 s.
 * `policy` has no default: whoever defines a capability says who may call it.
 */
export const define = <I, O, S = never, U = never>(shape: Shape<I, O, S, U>): Capability<I, O, S, U> => ({
  version: { major: 1, minor: 0 },
  stability: 'stable',
  permit: permitAll,
  timeoutMs: limits.callTimeoutMs,
  idempotent: true,
  maxConcurrent: 64,
  params: [],
  cost: 'normal',
  routable: false,
  ...shape,
});

/** A stream that ends only when its reader leaves: snapshots of a view, a new one at each change. */
export const noDeadline = 0;
