/**
 * A view as a stream of snapshots: one now, and a new one after every change, until the reader leaves. Changes that come
 * while the reader is busy are folded into one: a slow screen sees fewer snapshots, never an old one last.
 */
export const watch = async function* <T>(
  snapshot: () => T | Promise<T>,
  onChange: (listener: () => void) => () => void,
  signal: AbortSignal,
): AsyncGenerator<T, T> {
  let isDirty = true;
  let wake = (): void => {};
  const mark = (): void => {
    isDirty = true;
    wake();
  };
  const stop = onChange(mark);
  signal.addEventListener('abort', mark, { once: true });
  try {
    let latest = await snapshot();
    while (!signal.aborted) {
      if (isDirty) {
        isDirty = false;
        latest = await snapshot();
        yield latest;
        continue;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (isDirty || signal.aborted) resolve();
      });
    }
    return latest;
  } finally {
    stop();
    signal.removeEventListener('abort', mark);
  }
};

/** Something that can be listened to; `tell` calls every listener. */
export const createSignal = (): { tell(): void; on(listener: () => void): () => void } => {
  const listeners = new Set<() => void>();
  return {
    tell: () => {
      for (const listener of listeners) listener();
    },
    on: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};

/** One subscription to several sources of change. */
export const onAny =
  (...sources: readonly ((listener: () => void) => () => void)[]) =>
  (listener: () => void): (() => void) => {
    const ends = sources.map((source) => source(listener));
    return () => ends.forEach((end) => end());
  };
