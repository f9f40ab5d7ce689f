import { limits } from '../kernel/limits.ts';
import { openPairCertificate } from './webrtc-pair-certificate.ts';

export type PairDriverDeps = {
  /** Makes our channels in its constructor. */
  readonly Connection: typeof RTCPeerConnection;
  readonly described: (sdp: string) => void;
  readonly failed: (reason: string) => void;
};

/** What moves one connection on the page; simple-peer is the other kind. */
export type ConnectionDriver = { accept(sdp: string): void; destroy(): void };

/**
 * A connection for two people who show each other codes. Both ends offer, and the answer that comes in was made up here from the
 * other's code. No server is named to the browser: it would be told that we exist, and there is none. Until the channels are open
 * nothing but a wrong certificate ends it: the other person may scan a minute later, and ICE, which has given up by then, tries again
 * when it hears from them. The pairing has a time of its own.
 */
export const createPairDriver = ({ Connection, described, failed }: PairDriverDeps): ConnectionDriver => {
  let connection: RTCPeerConnection | null = null;
  let isOver = false;
  const destroy = (): void => {
    isOver = true;
    connection?.close();
  };
  const begin = async (): Promise<void> => {
    const certificate = await openPairCertificate();
    if (isOver) return;
    connection = new Connection({ iceServers: [], ...(certificate ? { certificates: [certificate] } : {}) });
    const made = connection;
    let hasConnected = false;
    made.addEventListener('connectionstatechange', () => {
      if (isOver) return;
      if (made.connectionState === 'connected') hasConnected = true;
      if (made.sctp?.transport.state === 'failed') failed('dtls-failed');
      else if (made.connectionState === 'failed' && hasConnected) failed('connection-ended');
    });
    await made.setLocalDescription();
    await gathered(made);
    const sdp = made.localDescription?.sdp;
    if (isOver) return;
    if (sdp === undefined) failed('not-described');
    else described(sdp);
  };
  begin().catch((error: unknown) => {
    if (!isOver) failed(error instanceof Error ? error.name : 'not-made');
  });
  return {
    accept: (sdp) => {
      connection?.setRemoteDescription({ type: 'answer', sdp }).catch((error: unknown) => {
        if (!isOver) failed(error instanceof Error ? `not-accepted: ${error.name}` : 'not-accepted');
      });
    },
    destroy,
  };
};

/** All addresses, or those found in time: without any network Chromium gathers for ever. */
const gathered = (connection: RTCPeerConnection): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (connection.iceGatheringState === 'complete') resolve();
    };
    connection.addEventListener('icegatheringstatechange', look);
    setTimeout(resolve, limits.iceGatherMs);
    look();
  });
