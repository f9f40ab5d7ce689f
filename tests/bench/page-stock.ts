import { WebrtcProvider } from 'y-webrtc';
import * as Y from 'yjs';

/** A page for `bench sync` only: stock y-webrtc 10.3 as its own README uses it, with no foreign STUN server. */
const start = (signalUrl: string, room: string) => {
  const doc = new Y.Doc();
  const provider = new WebrtcProvider(room, doc, { signaling: [signalUrl], peerOpts: { config: { iceServers: [] } } });
  const list = doc.getArray<Uint8Array>('log');
  return {
    linkCount: (): number =>
      [...(provider.room?.webrtcConns.values() ?? [])].filter(({ connected }) => connected).length,
    isOnline: (): boolean => provider.signalingConns.some(({ connected }) => connected),
    count: (): number => list.length,
    /** One item a transaction, as events come; the page gets a turn after each hundred. */
    write: async (count: number, bytes: number): Promise<void> => {
      for (let at = 0; at < count; at++) {
        list.push([crypto.getRandomValues(new Uint8Array(bytes))]);
        if (at % 100 === 99) await new Promise((resolve) => setTimeout(resolve));
      }
    },
  };
};
export type StockPage = ReturnType<typeof start>;
Object.assign(globalThis, { startStock: start });
