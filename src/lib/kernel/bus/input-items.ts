import { safeParse, type GenericSchema } from 'valibot';
import { failure } from '../errors.ts';
import type { Leash } from './leash.ts';
import type { Stop } from '../lifecycle.ts';
import type { Underway } from './underway.ts';

/** The stream of a call that has none. */
export const noItems: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

type InputItems = { readonly items: AsyncIterable<unknown>; readonly end: Stop };

/** The checked stream of a call; null where it has none. */
export const inputItemsOf = (
  { options: { items }, capability: { inputItem } }: Underway,
  leash: Leash,
): InputItems | null => (items && inputItem ? createInputItems(items, inputItem, leash) : null);

/**
 * A caller's stream as its handler sees it: each item is checked when the handler asks for it, and none is pulled before. A bad item
 * ends the call. Once the call is over, reading throws: a stream that broke off is never taken for one that has ended.
 */
export const createInputItems = (source: AsyncIterable<unknown>, schema: GenericSchema, leash: Leash): InputItems => {
  let iterator: AsyncIterator<unknown> | null = null;
  let state: 'open' | 'read' | 'left' = 'open';
  const next = async (): Promise<IteratorResult<unknown, undefined>> => {
    if (state === 'read') return { done: true, value: undefined };
    if (state === 'left') throw new Error('call-ended');
    iterator ??= source[Symbol.asyncIterator]();
    const step = await leash.wait(iterator.next());
    if (!step.ok) throw new Error(step.error.reason);
    if (step.value.done === true) {
      state = 'read';
      return { done: true, value: undefined };
    }
    const parsed = safeParse(schema, step.value.value);
    if (parsed.success) return { done: false, value: parsed.output };
    leash.cut(failure('schema_mismatch', 'input-item'));
    throw new Error('input-item');
  };
  const leave = (): void => {
    if (state !== 'open') return;
    state = 'left';
    // Told, not waited for: a caller's stream that is stuck holds nothing here.
    iterator?.return?.().catch(() => {});
  };
  const close = async (): Promise<IteratorResult<unknown, undefined>> => {
    leave();
    return { done: true, value: undefined };
  };
  const end = (): void => {
    leave();
    leash.cut(failure('cancelled', 'call-ended'));
  };
  return { items: { [Symbol.asyncIterator]: () => ({ next, return: close }) }, end };
};
