import { createIncomingItems } from './stream-credit.ts';

/** What a caller streams to a handler, as it came and no faster than it is read. Ends with the caller's end, or with the call. */
export type CallerItems<T> = AsyncIterable<unknown> & {
  /** Why it was not taken; null when it was. */
  push(item: T): 'credit-overrun' | 'after-end' | null;
  /** False when it has ended before. */
  end(): boolean;
};

/** `read` makes an item of what came, when the handler asks for it. */
export const createCallerItems = <T>(
  grant: (items: number) => void,
  over: AbortSignal,
  read: (raw: T) => unknown,
): CallerItems<T> => {
  const incoming = createIncomingItems<T>((n) => {
    if (!isEnded && !over.aborted) grant(n);
  });
  let isEnded = false;
  let wake = (): void => {};
  over.addEventListener('abort', () => wake());

  const next = async (): Promise<IteratorResult<unknown, undefined>> => {
    for (;;) {
      if (over.aborted) return { done: true, value: undefined };
      const taken = incoming.take();
      if (taken) return { done: false, value: read(taken.item) };
      if (isEnded) return { done: true, value: undefined };
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };

  return {
    push: (item) => {
      if (isEnded) return 'after-end';
      if (!incoming.push(item)) return 'credit-overrun';
      wake();
      return null;
    },
    end: () => {
      const isFirst = !isEnded;
      isEnded = true;
      wake();
      return isFirst;
    },
    [Symbol.asyncIterator]: () => ({ next }),
  };
};
