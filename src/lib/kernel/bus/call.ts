import type { Caller, Capability } from './capability.ts';
import { failure, isFailureCode, type Failure } from '../errors.ts';
import type { Result } from '../result.ts';
import type { RouteWish } from './router.ts';

/**
 * What every reply carries beside its output: who served, by which way, in how many milliseconds, the trace under which the
 * decision is kept, and how many providers were tried.
 */
export type Meta = {
  readonly servedBy: string;
  readonly route: 'local' | 'neighbour';
  readonly ms: number;
  readonly trace: string;
  readonly attempts: number;
};
export type Reply<O> = Result<{ readonly output: O; readonly meta: Meta }, Failure>;

export type CallOptions = RouteWish & {
  readonly signal?: AbortSignal;
  readonly localOnly?: boolean;
  /** Those the caller has presented over its link; a local caller has none (protocol 9). */
  readonly tokens?: readonly Uint8Array[];
  /** Milliseconds this call may take at most where that is less than the capability's own; an outer call's rest is never exceeded. */
  readonly deadlineMs?: number;
  /** The trace this call belongs to: made by the first bus, carried to the one that serves. */
  readonly trace?: string;
  /** Names one call of one caller over all its retries, so that a provider does the work once. Made by the bus when absent. */
  readonly clientId?: string;
  /** What the caller streams to the handler (`inputItem`); pulled no faster than the handler reads. */
  readonly items?: AsyncIterable<unknown>;
};

/** What a handler gets. It calls the bus only through `call` and `stream`, which carry the original caller (no confused deputy). */
export type CallContext<U = unknown> = {
  readonly caller: Caller;
  readonly signal: AbortSignal;
  readonly trace: string;
  /** The caller's stream, each item validated; empty where the capability takes none. */
  readonly items: AsyncIterable<U>;
  call<I, O, S, U>(capability: Capability<I, O, S, U>, input: I, options?: CallOptions): Promise<Reply<O>>;
  stream<I, O, S, U>(capability: Capability<I, O, S, U>, input: I, options?: CallOptions): AsyncGenerator<S, Reply<O>>;
};

/** A capability whose types are known only at run time: what a frame or a window names. */
export type AnyCapability = Capability<unknown, unknown, unknown, unknown>;

const lazyMark = Symbol('lazy-input');

/**
 * An input that is not here yet: what it takes to decode or fetch it is spent only when the first gate and the caller's rate have
 * opened. `read` is called once at most; its signal aborts when the call is over. What it refuses with is the call's outcome.
 */
export type LazyInput = {
  readonly [lazyMark]: true;
  readonly read: (signal: AbortSignal) => Promise<Result<unknown, Failure>> | Result<unknown, Failure>;
};
export const lazyInput = (read: LazyInput['read']): LazyInput => ({ [lazyMark]: true, read });

/** By a mark that no frame and no message can carry: an input that only looks like one is an input. */
export const isLazyInput = (input: unknown): input is LazyInput =>
  typeof input === 'object' && input !== null && lazyMark in input;

/** Why a call was stopped: the failure its signal was aborted with, or `cancelled` when whoever did it gave none. */
export const failureOfAbort = ({ reason }: AbortSignal): Failure =>
  typeof reason === 'object' && reason !== null && isFailureCode((reason as { code?: unknown }).code)
    ? (reason as Failure)
    : failure('cancelled', 'by-caller');

/** Reads a stream to its end, for what it returns. */
export const endOf = async <R>(items: AsyncGenerator<unknown, R>): Promise<R> => {
  let step = await items.next();
  while (!step.done) step = await items.next();
  return step.value;
};
