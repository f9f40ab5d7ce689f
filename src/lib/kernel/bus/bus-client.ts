import type { CallOptions, Reply } from './call.ts';
import type { Capability } from './capability.ts';

/** The bus as a screen's state sees it: the same calls, answered by the node wherever it runs (a worker, or another tab's). */
export type BusClient = {
  call<I, O, S, U>(capability: Capability<I, O, S, U>, input: I, options?: CallOptions): Promise<Reply<O>>;
  /** Items until the reader leaves (break, or the signal); then the reply. A subscription survives a change of leader. */
  stream<I, O, S, U>(capability: Capability<I, O, S, U>, input: I, options?: CallOptions): AsyncGenerator<S, Reply<O>>;
};
