import type { Caller, Capability } from './capability.ts';
import type { Failure } from './errors.ts';
import type { Result } from './result.ts';
import type { RouteWish } from './router.ts';

/** What every reply carries beside its output: who served, by which way, in how many milliseconds. */
export type Meta = { readonly servedBy: string; readonly route: 'local' | 'neighbour'; readonly ms: number };
export type Reply<O> = Result<{ readonly output: O; readonly meta: Meta }, Failure>;

/** `tokens` are those the caller has presented over its link; a local caller has none (protocol 9). */
export type CallOptions = RouteWish & {
  readonly signal?: AbortSignal;
  readonly localOnly?: boolean;
  readonly tokens?: readonly Uint8Array[];
};

/** What a handler gets. It calls the bus only through `call` and `stream`, which carry the original caller (no confused deputy). */
export type CallContext = {
  readonly caller: Caller;
  readonly signal: AbortSignal;
  call<I, O, S>(capability: Capability<I, O, S>, input: I, options?: CallOptions): Promise<Reply<O>>;
  stream<I, O, S>(capability: Capability<I, O, S>, input: I, options?: CallOptions): AsyncGenerator<S, Reply<O>>;
};

/** A capability whose types are known only at run time: what a frame or a window names. */
export type AnyCapability = Capability<unknown, unknown, unknown>;
