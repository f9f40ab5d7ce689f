import { permitAll, type Capability, type Permit, type Policy } from '../kernel/capability.ts';
import { limits } from '../kernel/limits.ts';
import type { GenericSchema } from 'valibot';

type Shape<I, O, S> = {
  readonly name: string;
  readonly input: GenericSchema<unknown, I>;
  readonly output: GenericSchema<unknown, O>;
  readonly item?: GenericSchema<unknown, S>;
  readonly policy: Policy;
  readonly permit?: Permit<I>;
  readonly timeoutMs?: number;
  readonly idempotent?: boolean;
  readonly maxConcurrent?: number;
  readonly routable?: boolean;
};

/**
 * A capability with the defaults of a question to one's own node: version 1.0, read-only, not routed, 15 s.
 * `policy` has no default: whoever defines a capability says who may call it.
 */
export const define = <I, O, S = never>(shape: Shape<I, O, S>): Capability<I, O, S> => ({
  version: { major: 1, minor: 0 },
  stability: 'stable',
  permit: permitAll,
  timeoutMs: limits.callTimeoutMs,
  idempotent: true,
  maxConcurrent: 64,
  routable: false,
  ...shape,
});

/** A stream that ends only when its reader leaves: snapshots of a view, a new one at each change. */
export const noDeadline = 0;
