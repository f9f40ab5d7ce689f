import { limits } from '../kernel/limits.ts';
import { createHostPeer, type HostPeer } from './webrtc-host-peer.ts';
import { createConnectionRoom } from './webrtc-host-room.ts';
import { tryLoopBack } from './webrtc-loop-back.ts';
import type { ChannelHands, IceServer, RtcReport, RtcRequest } from './webrtc-port.ts';

export type RtcHostOptions = {
  /** `page` forwards every message even where channels could be given to the worker; for comparisons and tests. */
  readonly hands?: ChannelHands;
};

/**
 * The page's side of WebRTC: makes the peer connections that the node worker asks for over `port`, and gives it their channels, or
 * forwards bytes both ways as transferred ArrayBuffers where a channel cannot be given away. Ends with the page, with the port, or
 * with the returned function; every connection closes then.
 */
export const serveRtcHost = (port: MessagePort, options: RtcHostOptions = {}): (() => void) => {
  const peersById = new Map<number, HostPeer>();
  const room = createConnectionRoom();
  const report = (message: RtcReport, transfer: Transferable[] = []): void => port.postMessage(message, transfer);
  const isAvailable = typeof RTCPeerConnection === 'function';
  // STUN and TURN: none before the worker names some. Within a neighbourhood none is needed, and none is told that we exist.
  let iceServers: readonly IceServer[] = [];
  const stopping = new AbortController();
  const hands = chooseHands({
    wish: isAvailable ? (options.hands ?? 'worker') : 'page',
    give: (channel) => report({ type: 'echo', channel }, [channel]),
    signal: stopping.signal,
    chosen: (chosen) => report({ type: 'ready', isAvailable, hands: chosen }),
  });

  const open = (id: number, isOfferer: boolean, isPair: boolean): void => {
    const refuse = (reason: string): void => report({ type: 'closed', peer: id, reason });
    const hasRoom = isAvailable && peersById.size < limits.rtcPeersMax && room.hasRoom();
    if (!hasRoom || peersById.has(id)) return refuse('no-room-on-page');
    try {
      const peer = createHostPeer({
        id,
        isOfferer,
        isPair,
        config: { iceServers: iceServers.map((server) => ({ ...server, urls: [...server.urls] })) },
        hands: hands.current(),
        made: room.made,
        report,
        opened: hands.lookAgain,
        notGiven: hands.neverAgain,
        closed: () => void peersById.delete(id),
      });
      peersById.set(id, peer);
    } catch (error) {
      // No more connections fit into this browser, or a server's address is none.
      if (!(error instanceof DOMException || error instanceof TypeError)) throw error;
      refuse(`not-made: ${error.name}`);
    }
  };
  const serve = ({ data: request }: MessageEvent<RtcRequest>): void => {
    if (request.type === 'ice-servers') return void (iceServers = request.servers);
    if (request.type === 'open') return open(request.peer, request.isOfferer, request.isPair === true);
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
    stopping.abort();
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
  void hands.choose();
  return stop;
};

type HandsDeps = {
  readonly wish: ChannelHands;
  readonly give: (channel: RTCDataChannel) => void;
  readonly signal: AbortSignal;
  /** Before the first connection, and again should the choice change. */
  readonly chosen: (hands: ChannelHands) => void;
};

/**
 * Tries a channel before any is trusted to the worker. Without a network nothing can be tried: the page forwards then, and tries again
 * when a connection has come about.
 */
const chooseHands = ({ wish, give, signal, chosen }: HandsDeps) => {
  let current: ChannelHands = 'page';
  let isUnclear = false;
  const choose = async (): Promise<void> => {
    isUnclear = false;
    const outcome = wish === 'worker' ? await tryLoopBack(give, signal) : 'fails';
    isUnclear = outcome === 'unclear';
    current = outcome === 'works' ? 'worker' : 'page';
    if (!signal.aborted) chosen(current);
  };
  return {
    current: () => current,
    choose,
    lookAgain: (): void => {
      if (isUnclear) void choose();
    },
    neverAgain: (): void => {
      isUnclear = false;
      current = 'page';
      chosen(current);
    },
  };
};
