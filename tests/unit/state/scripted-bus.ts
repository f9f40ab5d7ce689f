import type { BusClient } from '../../../src/lib/kernel/bus/bus-client.ts';
import { failure, type FailureCode } from '../../../src/lib/kernel/errors.ts';
import { err, ok } from '../../../src/lib/kernel/result.ts';

type Answer = Record<string, unknown> | { readonly refuse: FailureCode; readonly reason: string };

/** A node that answers from a script, by the name of the capability, and notes what it was asked. */
export const createScriptedBus = (answers: Readonly<Record<string, Answer>>) => {
  const asked: { readonly name: string; readonly input: Record<string, unknown> }[] = [];
  const bus = {
    call: async ({ name }: { name: string }, input: Record<string, unknown>) => {
      asked.push({ name, input });
      const answer = answers[name] ?? { refuse: 'not_found' as const, reason: 'no-such-capability' };
      if ('refuse' in answer && typeof answer.refuse === 'string')
        return err(failure(answer.refuse as FailureCode, String(answer.reason)));
      return ok({ output: answer, meta: { servedBy: 'anna', route: 'local', ms: 1 } });
    },
  } as unknown as BusClient;
  return { bus, asked };
};
