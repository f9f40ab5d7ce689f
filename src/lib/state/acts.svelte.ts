import type { Reply } from '../kernel/bus/call.ts';
import type { Failure } from '../kernel/errors.ts';

/**
 * Acts of one screen, one at a time: which of them runs, and why the last one was refused, kept for the place on the page
 * where it was asked for. An act that is asked for while another runs is not started and answers null.
 */
export const createActs = <Act extends string>() => {
  let busy = $state<Act | null>(null);
  let failed = $state.raw<{ readonly act: Act; readonly failure: Failure } | null>(null);

  return {
    get busy() {
      return busy;
    },
    failureOf: (act: Act): Failure | null => (failed?.act === act ? failed.failure : null),
    /** Puts the last refusal aside, when the person starts anew. */
    forget: (): void => {
      failed = null;
    },
    /** What the node answered; null when it refused (see `failureOf`). */
    run: async <T>(act: Act, work: () => Promise<Reply<T>>): Promise<T | null> => {
      if (busy) return null;
      busy = act;
      failed = null;
      const reply = await work();
      busy = null;
      if (reply.ok) return reply.value.output;
      failed = { act, failure: reply.error };
      return null;
    },
  };
};
export type Acts<Act extends string> = ReturnType<typeof createActs<Act>>;
