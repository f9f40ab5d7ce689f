import { compareBytes, concatBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Channel, PipePath } from '../kernel/ports/transport.ts';
import { createCarrierInbox } from './carrier-inbox.ts';
import type { OpenPipe, Pipe, PipeHandlers, PipeRole } from './pipe.ts';
import { createWebrtcCarrier, type WebrtcCarrier } from './webrtc-carrier.ts';
import { createRtcChannels, type RtcChannels } from './webrtc-channels.ts';
import { echoOnce } from './webrtc-echo.ts';
import type { ChannelHands, RtcHostPort, RtcPeerReport } from './webrtc-port.ts';
import { readSdp } from './webrtc-sdp.ts';

export type RtcPeersDeps = {
  readonly host: RtcHostPort;
  /** Whether connections can be made, or what `candidates` says, is different now. */
  readonly changed: () => void;
  readonly becameAvailable: () => void;
  readonly refused: (reason: string) => void;
};

/** The worker's view of the page's peer connections: opens pipes, turns open ones into carriers. */
export type RtcPeers = {
  readonly openPipe: OpenPipe;
  /** A pipe whose other end was told of on a screen: both ends offer, each accepts an answer that it made up itself. */
  readonly openPair: (handlers: PipeHandlers) => Pipe | null;
  isAvailable(): boolean;
  /** Whether the last description made here named any way to reach this device. */
  candidates(): 'unknown' | 'some' | 'none';
  /** Who drives the channels of connections made from now on; null before the page has said. */
  hands(): ChannelHands | null;
  closeAll(): void;
};

/** At most `limits.linksMax` in the making in each role, so that bogus offers never keep this device from offering; `limits.rtcPeersMax` in all. */
export const createRtcPeers = (deps: RtcPeersDeps): RtcPeers => {
  const peers: Peers = {
    ...deps,
    peersById: new Map(),
    lastId: 0,
    isAvailable: false,
    candidates: 'unknown',
    hands: null,
  };
  deps.host.listen((report) => {
    if (report.type === 'echo') return echoOnce(report.channel);
    if (report.type === 'ready') {
      const isNews = report.isAvailable && !peers.isAvailable;
      peers.isAvailable = report.isAvailable;
      peers.hands = report.hands;
      deps.changed();
      if (isNews) deps.becameAvailable();
      return;
    }
    const peer = peers.peersById.get(report.peer);
    if (peer !== undefined) receive(peers, peer, report);
  });
  return {
    openPipe: (role, handlers) => openRole(peers, role, handlers),
    openPair: (handlers) => openRole(peers, 'pair', handlers),
    isAvailable: () => peers.isAvailable,
    candidates: () => peers.candidates,
    hands: () => peers.hands,
    closeAll: () => {
      for (const peer of peers.peersById.values()) end(peers, peer, 'stopped');
    },
  };
};

type Peers = RtcPeersDeps & {
  readonly peersById: Map<number, Peer>;
  lastId: number;
  isAvailable: boolean;
  candidates: 'unknown' | 'some' | 'none';
  hands: ChannelHands | null;
};

type Peer = {
  readonly id: number;
  readonly role: RtcRole;
  readonly handlers: PipeHandlers;
  readonly end: WebrtcCarrier;
  /** The channels, when the page has given them to this worker; null while the page drives them. */
  own: RtcChannels | null;
  path: PipePath | null;
  localFingerprint: Uint8Array | null;
  remoteFingerprint: Uint8Array | null;
  isOpen: boolean;
  isOver: boolean;
};

type RtcRole = PipeRole | 'pair';

const openRole = (peers: Peers, role: RtcRole, handlers: PipeHandlers): Pipe | null => {
  if (!peers.isAvailable || !hasRoom(peers, role)) return null;
  const peer = openPeer(peers, role, handlers);
  return {
    accept: (sdp) => accept(peers, peer, sdp),
    close: () => {
      if (!peer.isOpen) end(peers, peer, null);
    },
  };
};

/** The offerer's part in binding and Hello. Both ends of a pair have offered: the smaller fingerprint decides. */
const leads = ({ role, localFingerprint: local, remoteFingerprint: remote }: Peer): boolean =>
  role === 'pair' ? local !== null && remote !== null && compareBytes(local, remote) < 0 : role === 'offerer';

const hasRoom = ({ peersById }: Peers, role: RtcRole): boolean => {
  const all = [...peersById.values()];
  return (
    all.length < limits.rtcPeersMax && all.filter((peer) => !peer.isOpen && peer.role === role).length < limits.linksMax
  );
};

const openPeer = (peers: Peers, role: RtcRole, handlers: PipeHandlers): Peer => {
  const id = ++peers.lastId;
  const peer: Peer = {
    id,
    role,
    handlers,
    end: createWebrtcCarrier({
      inbox: createCarrierInbox(),
      get isOfferer() {
        return leads(peer);
      },
      post: (channel, message) => post(peers, peer, channel, message),
      took: (bytes) => {
        if (peer.own === null) peers.host.post({ type: 'took', peer: id, bytes });
      },
      path: () => peer.path,
      close: (reason) => end(peers, peer, reason),
    }),
    own: null,
    path: null,
    localFingerprint: null,
    remoteFingerprint: null,
    isOpen: false,
    isOver: false,
  };
  peers.peersById.set(id, peer);
  peers.host.post({ type: 'open', peer: id, isOfferer: role !== 'answerer', isPair: role === 'pair' });
  return peer;
};

const post = (peers: Peers, peer: Peer, channel: Channel, message: ArrayBuffer): void => {
  if (peer.own === null) return peers.host.post({ type: 'send', peer: peer.id, channel, message }, [message]);
  // Told later, as the page would: whoever sends is not told of an end from within.
  if (!peer.own.send(channel, message)) queueMicrotask(() => end(peers, peer, 'send-failed'));
};

/** The page has given one of its channels to this worker, which drives it from now on. */
const adopt = (peers: Peers, peer: Peer, name: Channel, channel: RTCDataChannel): void => {
  peer.own ??= createRtcChannels({
    opened: () => void opened(peers, peer),
    message: (from, bytes) => peer.end.received(from, new Uint8Array(bytes)),
    sent: peer.end.sent,
    failed: (reason) => end(peers, peer, reason),
  });
  peer.own.adopt(name, channel);
};

const accept = (peers: Peers, peer: Peer, sdp: string): void => {
  if (peer.isOver || peer.remoteFingerprint !== null) return;
  const facts = readSdp(sdp);
  if (!facts.ok) {
    peers.refused(`sdp: ${facts.error}`);
    return end(peers, peer, 'sdp-refused');
  }
  peer.remoteFingerprint = facts.value.fingerprint;
  peers.host.post({ type: 'accept', peer: peer.id, sdp });
};

const receive = (peers: Peers, peer: Peer, report: RtcPeerReport): void => {
  if (report.type === 'channel') return adopt(peers, peer, report.channel, report.data);
  if (report.type === 'described') return described(peers, peer, report.sdp);
  if (report.type === 'opened') return void opened(peers, peer);
  if (report.type === 'message') return peer.end.received(report.channel, new Uint8Array(report.message));
  if (report.type === 'sent') return peer.end.sent(report.channel, report.bytes);
  if (report.type === 'path') {
    peer.path = report.path;
    return peers.changed();
  }
  end(peers, peer, report.reason);
};

const described = (peers: Peers, peer: Peer, sdp: string): void => {
  const facts = readSdp(sdp);
  if (!facts.ok) {
    peers.refused(`own sdp: ${facts.error}`);
    return end(peers, peer, 'description-unusable');
  }
  peer.localFingerprint = facts.value.fingerprint;
  peers.candidates = facts.value.candidateCount > 0 ? 'some' : 'none';
  peers.changed();
  peer.handlers.described(sdp);
};

/** The binding is SHA-256 over both DTLS fingerprints, the offerer's first: DTLS has checked each against its certificate. */
const opened = async (peers: Peers, peer: Peer): Promise<void> => {
  const { localFingerprint: local, remoteFingerprint: remote } = peer;
  if (local === null || remote === null) return end(peers, peer, 'opened-undescribed');
  const both = leads(peer) ? concatBytes(local, remote) : concatBytes(remote, local);
  const binding = new Uint8Array(await crypto.subtle.digest('SHA-256', both));
  if (peer.isOver) return;
  peer.isOpen = true;
  peer.handlers.opened(peer.end.carrier(binding));
};

/** `reason` null: given up by the meeting, which needs no telling. */
const end = (peers: Peers, peer: Peer, reason: string | null): void => {
  if (peer.isOver) return;
  peer.isOver = true;
  peers.peersById.delete(peer.id);
  peer.own?.close();
  peers.host.post({ type: 'close', peer: peer.id });
  if (reason === null) return;
  peer.end.ended(reason);
  peer.handlers.closed(reason);
};
