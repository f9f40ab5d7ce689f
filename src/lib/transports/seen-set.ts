export type SeenSet = { /** True the first time. */ add(id: string): boolean };

/** Remembers the last `max` ids, oldest forgotten first: tells a repetition from news with bounded memory. */
export const createSeenSet = (max: number): SeenSet => {
  const ids = new Set<string>();
  return {
    add: (id) => {
      if (ids.has(id)) return false;
      ids.add(id);
      if (ids.size > max) {
        const [oldest] = ids;
        if (oldest !== undefined) ids.delete(oldest);
      }
      return true;
    },
  };
};
