type Grant = (lock: Lock | null) => Promise<unknown> | void;
type Request = { readonly tab: string; readonly grant: Grant; readonly end: (error: unknown) => void };

/** The Web Locks of one name among simulated tabs: a queue, `ifAvailable`, `steal`, `signal`, and the sudden end of a tab. */
export const createTabLocks = () => {
  const queue: Request[] = [];
  let holder: Request | null = null;

  const hand = (request: Request): void => {
    holder = request;
    const held = Promise.resolve(request.grant({ name: 'node', mode: 'exclusive' }));
    void held.then(() => {
      request.end(null);
      if (holder === request) next();
    });
  };
  const next = (): void => {
    holder = null;
    const first = queue.shift();
    if (first) hand(first);
  };
  const stolen = (): Error => new DOMException('stolen', 'AbortError');

  return {
    of: (tab: string): Pick<LockManager, 'request'> => ({
      request: ((_name: string, options: LockOptions, grant: Grant) =>
        new Promise<void>((resolve, reject) => {
          const end = (error: unknown): void => (error === null ? resolve() : reject(error));
          const request: Request = { tab, grant, end };
          if (options.steal === true) {
            holder?.end(stolen());
            return hand(request);
          }
          if (holder === null) return hand(request);
          if (options.ifAvailable === true) return void Promise.resolve(grant(null)).then(() => resolve());
          queue.push(request);
          options.signal?.addEventListener('abort', () => {
            const at = queue.indexOf(request);
            if (at >= 0) queue.splice(at, 1);
            reject(stolen());
          });
        })) as LockManager['request'],
    }),
    /** The browser's own clearing up after a crash: nobody in the dead tab hears of it. */
    died: (tab: string): void => {
      for (let at = queue.length - 1; at >= 0; at--) if (queue[at]?.tab === tab) queue.splice(at, 1);
      if (holder?.tab === tab) next();
    },
  };
};
