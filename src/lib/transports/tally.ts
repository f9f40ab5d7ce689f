export type Tally = { add(reason: string): void; counts(): ReadonlyMap<string, number> };

const reasonsMax = 64;

/** How often each reason came up, for Details and for tests: what is refused is refused in silence, but not uncounted. */
export const createTally = (): Tally => {
  const countsByReason = new Map<string, number>();
  return {
    add: (reason) => {
      const key = countsByReason.has(reason) || countsByReason.size < reasonsMax ? reason : 'other';
      countsByReason.set(key, (countsByReason.get(key) ?? 0) + 1);
    },
    counts: () => new Map(countsByReason),
  };
};
