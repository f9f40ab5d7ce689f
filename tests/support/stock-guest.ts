import { WebrtcProvider } from 'y-webrtc';
import * as Y from 'yjs';

/** Somebody outside with another app: stock y-webrtc 10.3 and nothing of ours. Built and run in a page by plan.spec.ts. */
const start = (signalUrl: string, room: string, password: string) => {
  const doc = new Y.Doc();
  const text = doc.getText('text');
  const provider = new WebrtcProvider(room, doc, {
    signaling: [signalUrl],
    password,
    peerOpts: { config: { iceServers: [] } },
  });
  return {
    text: (): string => text.toJSON(),
    write: (after: string, words: string): void => text.insert(text.toJSON().indexOf(after) + after.length, words),
    strike: (words: string): void => text.delete(text.toJSON().indexOf(words), words.length),
    leave: (): void => provider.destroy(),
  };
};
export type StockGuest = ReturnType<typeof start>;
Object.assign(globalThis, { startStockGuest: start });
