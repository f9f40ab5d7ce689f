import { failure, type Failure } from '../errors.ts';
import type { Credit } from './stream-credit.ts';

/** Where the items of a caller's stream go. `item` says why one cannot go there; null when it went. */
export type ItemSink = {
  item(value: unknown): Promise<Failure | null> | Failure | null;
  end(): void | Promise<unknown>;
};

/**
 * Sends the caller's stream of one call: an item is asked of it only when the other side has room for it. Ends with the stream or
 * when `over` aborts; a refusal when the stream threw or brought what cannot go. The stream is told to end in every case.
 */
export const sendOwnItems = async (
  items: AsyncIterable<unknown>,
  credit: Credit,
  over: AbortSignal,
  sink: ItemSink,
): Promise<Failure | null> => {
  const source = items[Symbol.asyncIterator]();
  // Told, not waited for: who streams may be stuck in an await of their own.
  const stop = (): void => void source.return?.()?.catch(() => undefined);
  over.addEventListener('abort', stop);
  try {
    while (await credit.spend(over)) {
      const step = await source.next();
      if (over.aborted) return null;
      if (step.done) {
        await sink.end();
        return null;
      }
      const refusal = await sink.item(step.value);
      if (refusal) return refusal;
    }
    return null;
  } catch (error) {
    return failure('bad_request', error instanceof Error ? `input-items: ${error.message}` : 'input-items');
  } finally {
    over.removeEventListener('abort', stop);
    stop();
  }
};
