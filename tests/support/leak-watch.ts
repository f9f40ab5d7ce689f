/** Opened and not closed yet: listeners, subscriptions, meeting places, by the verb that opened them. */
export type LeakWatch = {
  /** The same object, but that everything that is opened on it is counted until its closer is called. */
  watch<T extends object>(name: string, port: T): T;
  open(): readonly string[];
};

const opens = /^(on[A-Z]\w*|meet|listen|after|hold)$/;

/** Whoever opens returns the closer: so a verb that returns a function has opened something. */
export const createLeakWatch = (): LeakWatch => {
  const openById = new Map<number, string>();
  let next = 0;
  const counted =
    (name: string, verb: (...given: unknown[]) => unknown, self: object) =>
    (...given: unknown[]): unknown => {
      const close = verb.apply(self, given);
      if (typeof close !== 'function') return close;
      const id = (next += 1);
      openById.set(id, name);
      return (...last: unknown[]): unknown => {
        openById.delete(id);
        return (close as (...given: unknown[]) => unknown)(...last);
      };
    };
  return {
    watch: (name, port) =>
      new Proxy(port, {
        get: (target, key, receiver) => {
          const value: unknown = Reflect.get(target, key, receiver);
          if (typeof value !== 'function' || typeof key !== 'string' || !opens.test(key)) return value;
          return counted(`${name}.${key}`, value as (...given: unknown[]) => unknown, target);
        },
      }),
    open: () => [...openById.values()].toSorted(),
  };
};
