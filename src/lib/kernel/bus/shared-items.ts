/**
 * A caller's stream that several tries may be handed, one after the other: none of them closes it, and once one has read from it
 * no other can begin, because what was read is gone.
 */
export const shareItems = (source: AsyncIterable<unknown>) => {
  let iterator: AsyncIterator<unknown> | null = null;
  let wasRead = false;
  const read: AsyncIterable<unknown> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        wasRead = true;
        iterator ??= source[Symbol.asyncIterator]();
        return iterator.next();
      },
      return: async () => ({ done: true, value: undefined }),
    }),
  };
  return {
    read,
    wasRead: (): boolean => wasRead,
    /** The call is over: whoever makes the items may stop. Not waited for. */
    close: (): void => {
      iterator ??= source[Symbol.asyncIterator]();
      iterator.return?.().catch(() => {});
    },
  };
};
export type SharedItems = ReturnType<typeof shareItems>;
