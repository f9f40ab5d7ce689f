import { limits } from '../limits.ts';

/** What the other side lets us send of a stream, `items` at first. Waiters are woken by more of it, and by the end of the call. */
export const createCredit = (items: number) => {
  let left = items;
  let wake = (): void => {};
  const isSpent = (): boolean => left === 0;
  return {
    /** False when it is more than any honest reader grants: the bound is kept, whatever is granted. */
    add: (n: number): boolean => {
      const isHonest = left + n <= limits.streamQueueItemsMax;
      left = Math.min(left + n, limits.streamQueueItemsMax);
      wake();
      return isHonest;
    },
    /** Takes credit for one item, waiting for it; false when the signal ended the waiting. */
    spend: async (signal: AbortSignal): Promise<boolean> => {
      const onAbort = (): void => wake();
      signal.addEventListener('abort', onAbort);
      while (isSpent() && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
      signal.removeEventListener('abort', onAbort);
      if (signal.aborted) return false;
      left -= 1;
      return true;
    },
  };
};
export type Credit = ReturnType<typeof createCredit>;

const grantEvery = limits.streamCreditItems / 2;

/** Items that came and were not read: never more than were granted. Room goes back in halves, as they are read. */
export const createIncomingItems = <T>(grant: (items: number) => void) => {
  const items: T[] = [];
  let granted: number = limits.streamCreditItems;
  let taken = 0;
  return {
    /** False for an item beyond what was granted; it is not kept. */
    push: (item: T): boolean => {
      if (granted <= 0) return false;
      granted -= 1;
      items.push(item);
      return true;
    },
    /** null when there is none. */
    take: (): { readonly item: T } | null => {
      const [item] = items;
      if (items.length === 0) return null;
      items.shift();
      taken += 1;
      if (taken % grantEvery === 0) {
        granted += grantEvery;
        grant(grantEvery);
      }
      return { item: item as T };
    },
  };
};
export type IncomingItems<T> = ReturnType<typeof createIncomingItems<T>>;
