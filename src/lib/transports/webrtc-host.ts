import { limits } from '../kernel/limits.ts';
import { createHostPeer, type HostPeer } from './webrtc-host-peer.ts';
import type { RtcReport, RtcRequest } from './webrtc-port.ts';

export type RtcHostOptions = {
  /** STUN and TURN servers. None by default: within a neighbourhood none is needed, and none is told that we exist. */
  readonly iceServers?: readonly RTCIceServer[];
};

/**
 * The page's side of WebRTC: makes the peer connections that the node worker asks for over `port`, and forwards bytes both ways as
 * transferred ArrayBuffers. Ends with the page, with the port, or with the returned function; every connection closes then.
 */
export const serveRtcHost = (port: MessagePort, options: RtcHostOptions = {}): (() => void) => {
  const peersById = new Map<number, HostPeer>();
  const report = (message: RtcReport, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  const isAvailable = typeof RTCPeerConnection === 'function';

  const open = (id: number, isOfferer: boolean): void => {
    if (!isAvailable || peersById.size >= limits.rtcPeersMax || peersById.has(id)) {
      return report({ type: 'closed', peer: id, reason: 'no-room-on-page' });
    }
    const config = { iceServers: [...(options.iceServers ?? [])] };
    peersById.set(id, createHostPeer({ id, isOfferer, config, report, closed: () => void peersById.delete(id) }));
  };
  const serve = ({ data: request }: MessageEvent<RtcRequest>): void => {
    if (request.type === 'open') return open(request.peer, request.isOfferer);
    const peer = peersById.get(request.peer);
    if (peer === undefined) return;
    if (request.type === 'accept') peer.accept(request.sdp);
    else if (request.type === 'send') peer.send(request.channel, request.message);
    else if (request.type === 'took') peer.took(request.bytes);
    else peer.close('closed-here');
  };
  const closePeers = (): void => {
    for (const peer of peersById.values()) peer.close('page-left');
  };
  const stop = (): void => {
    removeEventListener('pagehide', closePeers);
    port.removeEventListener('message', serve);
    port.removeEventListener('close', stop);
    closePeers();
    port.close();
  };

  addEventListener('pagehide', closePeers);
  port.addEventListener('message', serve);
  // Told where the browser has it; a worker that is ended on purpose is followed by `stop`.
  port.addEventListener('close', stop);
  port.start();
  report({ type: 'ready', isAvailable });
  return stop;
};
