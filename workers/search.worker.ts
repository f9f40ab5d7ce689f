import { expose } from 'comlink';
import { createSearchRoom, type SearchRoom } from '../src/lib/search/search-room.ts';
import { loadStemmer } from '../src/lib/search/stemmers.ts';

/** What the page and the node worker call: one search room, wrapped by comlink, so that every method returns a promise. */
export type SearchWorker = SearchRoom;

/** Sent by the page to hand the node worker its own line: `worker.postMessage({ port }, [port])`. */
export type SearchWorkerMessage = { readonly port: MessagePort };

const room = createSearchRoom({ loadStemmer, now: () => performance.now() });

addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (typeof data === 'object' && data !== null && 'port' in data && data.port instanceof MessagePort)
    expose(room, data.port);
});
expose(room);
