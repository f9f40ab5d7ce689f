import type { GenericSchema } from 'valibot';
import type { Failure } from '../errors.ts';

/** Who calls: this device's own screens, or a neighbour's device proven by its link (P5). Never a field of a body. */
export type Caller = { readonly kind: 'self' } | { readonly kind: 'device'; readonly device: string };

export type Role = 'member' | 'trusted' | 'anchor';

/** open: any verified peer < member < trusted < anchor; self: only this device's own screens. */
export type Policy = 'open' | Role | 'self';

/** What a `permit` may look at beside the input: facts folded from the log, no clock and no I/O. */
export type PermitViews = { roleOf(device: string): Role | null };

/** Pure and total: null allows, a Failure refuses. Runs after the schema, so the input is well formed. */
export type Permit<I> = (caller: Caller, input: I, views: PermitViews) => Failure | null;

export type Version = { readonly major: number; readonly minor: number };

/** cheap: milliseconds, may be asked twice at once; normal; heavy: seconds of computing, the first to go when power is short. */
export type Cost = 'cheap' | 'normal' | 'heavy';

/**
 * One ability of a device (protocol 8). The same object types the code, validates what arrives, decides who may call
 * and tells the router what it may retry. `item` is the schema of what the handler streams, `inputItem` of what the caller
 * streams to it while the call runs; each absent where there is no such stream.
 */
export type Capability<I, O, S = never, U = never> = {
  readonly name: string;
  readonly version: Version;
  readonly stability: 'stable' | 'experimental';
  readonly input: GenericSchema<unknown, I>;
  readonly output: GenericSchema<unknown, O>;
  readonly item?: GenericSchema<unknown, S>;
  readonly inputItem?: GenericSchema<unknown, U>;
  /** The names of the params by which one provider may be preferred to another (a corpus, a model); others are refused. */
  readonly params: readonly string[];
  readonly policy: Policy;
  readonly permit: Permit<I>;
  readonly timeoutMs: number;
  readonly idempotent: boolean;
  readonly maxConcurrent: number;
  readonly cost: Cost;
  /** A handler of another device may serve the call. False for views of one's own node. */
  readonly routable: boolean;
};

/** For capabilities whose policy says everything: any caller that passed `authorize` may call with any valid input. */
export const permitAll: Permit<unknown> = () => null;

/** Text like `ask.answer@1.0`, as it travels. */
export const capabilityId = (capability: { name: string; version: Version }): string =>
  `${capability.name}@${capability.version.major}.${capability.version.minor}`;

/** Compatible iff the majors are equal and the offered minor is at least the asked one. */
export const isCompatible = (offered: Version, asked: Version): boolean =>
  offered.major === asked.major && offered.minor >= asked.minor;

const idPattern = /^([a-z]+(?:\.[a-zA-Z]+)+)@(\d{1,4})\.(\d{1,4})$/;

export const parseCapabilityId = (text: string): { name: string; version: Version } | null => {
  const match = text.length <= 80 ? idPattern.exec(text) : null;
  if (!match?.[1]) return null;
  return { name: match[1], version: { major: Number(match[2]), minor: Number(match[3]) } };
};
