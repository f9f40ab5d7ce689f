import { expose } from 'comlink';
import { createFallbackCurves } from '../src/lib/crypto/fallback.ts';

/** Sent by the page: the node worker's line to this thread. */
export type FallbackWorkerMessage = { readonly port: MessagePort };

/** A thread that computes what a browser's WebCrypto lacks. It is loaded by such browsers only and keeps no key. */
addEventListener('message', ({ data }: MessageEvent<FallbackWorkerMessage>) =>
  expose(createFallbackCurves(), data.port),
);
