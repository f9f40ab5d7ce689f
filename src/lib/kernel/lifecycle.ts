/** Long-lived things are started and stopped by whoever created them; both are safe to call twice, in any order. */
export type Startable = { start(): void | Promise<void>; stop(): void | Promise<void> };

/** What an opener returns: call it once more and nothing happens. */
export type Stop = () => void;

/** Collects closers; running them twice runs each once. The newest is closed first. */
export const createStops = (): { add(stop: Stop): void; run(): void } => {
  const stops: Stop[] = [];
  return {
    add: (stop) => void stops.push(stop),
    run: () => {
      for (const stop of stops.splice(0).reverse()) stop();
    },
  };
};
