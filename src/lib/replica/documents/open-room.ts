import { WebrtcProvider } from 'y-webrtc';
import * as Y from 'yjs';
import { limits } from '../../kernel/limits.ts';

export type OpenRoomAddress = {
  /** A random name; whoever runs the signalling server sees it. */
  readonly room: string;
  /** Seals what goes over the signalling server. */
  readonly password: string;
  /** A meeting server, by the address that the app itself uses. */
  readonly signalUrl: string;
};

export type OpenRoom = {
  /** null when there is more than a screen can show. */
  text(): string | null;
  /** Makes the text of the room this one, touching only what differs. */
  setText(next: string): void;
  /** Others whose links stand. */
  guests(): number;
  close(): void;
};

/**
 * A room that outsiders can enter: an ordinary Y.Doc with one Y.Text behind a stock y-webrtc provider. Nothing guards it, so
 * it is a Y.Doc of its own that no document of the street ever hears from; what stands in it is read as plain text.
 */
export const openRoom = ({ room, password, signalUrl }: OpenRoomAddress, onChange: () => void): OpenRoom => {
  const doc = new Y.Doc();
  const text = doc.getText('text');
  const provider = new WebrtcProvider(room, doc, {
    signaling: [roomsUrl(signalUrl)],
    password,
    // No servers that tell addresses: people in one room are near, or come through a server of their own.
    peerOpts: { config: { iceServers: [] } },
  });
  let guests = 0;
  provider.on('peers', ({ webrtcPeers, bcPeers }) => {
    guests = webrtcPeers.length + bcPeers.length;
    onChange();
  });
  text.observe(onChange);

  return {
    text: () => (text.length > 2 * limits.documentCharsMax ? null : text.toJSON()),
    setText: (next) => {
      const now = text.toJSON();
      if (now === next) return;
      let at = 0;
      const most = Math.min(now.length, next.length);
      while (at < most && now[at] === next[at]) at += 1;
      if (/[\uD800-\uDBFF]/.test(now[at - 1] ?? '')) at -= 1; // an emoji of two units is never torn
      let tail = 0;
      while (tail < most - at && now[now.length - 1 - tail] === next[next.length - 1 - tail]) tail += 1;
      if (/[\uDC00-\uDFFF]/.test(now[now.length - tail] ?? '')) tail -= 1;
      doc.transact(() => {
        text.delete(at, now.length - tail - at);
        text.insert(at, next.slice(at, next.length - tail));
      });
    },
    guests: () => guests,
    close: () => {
      provider.destroy();
      doc.destroy();
    },
  };
};

/** Where that server speaks y-webrtc's verbs: beside the app's own socket. An address with a path of its own is taken as it is. */
const roomsUrl = (url: string): string => url.replace(/^(wss?:\/\/[^/?#]+)(?:\/|\/mesh\/?)?$/, '$1/signal');
