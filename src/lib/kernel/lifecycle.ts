/** Long-lived things are started and stopped by whoever created them; both are safe to call twice, in any order. */
export type Startable = { start(): void | Promise<void>; stop(): void | Promise<void> };

/** What an opener returns: call it once more and nothing happens. */
export type Stop = () => void;

/** Collects closers; running them twice runs each once. The newest is closed first; one that throws keeps none of the others open. */
export const createStops = (): { add(stop: Stop): void; run(): void } => {
  const stops: Stop[] = [];
  return {
    add: (stop) => void stops.push(stop),
    run: () => {
      const errors: unknown[] = [];
      for (const stop of stops.splice(0).reverse()) {
        try {
          stop();
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) throw errors[0];
    },
  };
};

/**
 * One run of a whole: start and stop are safe to call twice and in any order. Each does its work once; a stop waits for a start that
 * is under way; what has been stopped stays so, because what it was given (a store, a transport) ended with it. A start that failed
 * has to be stopped like one that did not.
 */
export const createRun = ({ start, stop }: Startable): { start(): Promise<void>; stop(): Promise<void> } => {
  let started: Promise<void> | null = null;
  let stopped: Promise<void> | null = null;
  return {
    start: () => {
      if (stopped) return Promise.resolve();
      started ??= Promise.resolve().then(start);
      return started;
    },
    stop: () => {
      stopped ??= (started ?? Promise.resolve()).then(
        () => stop(),
        () => stop(),
      );
      return stopped;
    },
  };
};
