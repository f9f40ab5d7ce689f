import { err, ok, type Result } from '../kernel/result.ts';

/** `not-loaded`: the part's file could be had neither from this device's copy of the app nor from the network. */
export type PartRefusal = 'not-loaded';
export type LoadPart<T> = () => Promise<Result<T, PartRefusal>>;

/** Loads a part of the node that stands in a file of its own. What is wrong inside of a loaded file is thrown, as anywhere else. */
export const loadPart = async <T>(load: () => Promise<T>): Promise<Result<T, PartRefusal>> => {
  try {
    return ok(await load());
  } catch (error) {
    // What every browser rejects an import() with whose file it cannot get.
    if (error instanceof TypeError) return err('not-loaded');
    throw error;
  }
};

/** Opened once and shared by all who ask; what could not be loaded is tried again by the next. */
export const loadOnce = <T>(load: LoadPart<T>): LoadPart<T> => {
  let opened: ReturnType<LoadPart<T>> | null = null;
  return async () => {
    opened ??= load();
    const result = await opened;
    if (!result.ok) opened = null;
    return result;
  };
};
