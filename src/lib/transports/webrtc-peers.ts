import { concatBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Channel } from '../kernel/ports/transport.ts';
import { createCarrierInbox } from './carrier-inbox.ts';
import type { OpenPipe, PipeHandlers, PipeRole } from './pipe.ts';
import { createWebrtcCarrier, type WebrtcCarrier } from './webrtc-carrier.ts';
import type { RtcHostPort, RtcReport } from './webrtc-port.ts';
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
  isAvailable(): boolean;
  /** Whether the last description made here named any way to reach this device. */
  candidates(): 'unknown' | 'some' | 'none';
  closeAll(): void;
};

/** At most `limits.linksMax` in the making in each role, so that bogus offers never keep this device from offering; `limits.rtcPeersMax` in all. */
export const createRtcPeers = (deps: RtcPeersDeps): RtcPeers => {
  const peers: Peers = { ...deps, peersById: new Map(), lastId: 0, isAvailable: false, candidates: 'unknown' };
  deps.host.listen((report) => {
    if (report.type === 'ready') {
      peers.isAvailable = report.isAvailable;
      deps.changed();
      if (report.isAvailable) deps.becameAvailable();
      return;
    }
    const peer = peers.peersById.get(report.peer);
    if (peer !== undefined) receive(peers, peer, report);
  });
  return {
    openPipe: (role, handlers) => {
      if (!peers.isAvailable || !hasRoom(peers, role)) return null;
      const peer = openPeer(peers, role, handlers);
      return {
        accept: (sdp) => accept(peers, peer, sdp),
        close: () => {
          if (!peer.isOpen) end(peers, peer, null);
        },
      };
    },
    isAvailable: () => peers.isAvailable,
    candidates: () => peers.candidates,
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
};

type Peer = {
  readonly id: number;
  readonly role: PipeRole;
  readonly handlers: PipeHandlers;
  readonly end: WebrtcCarrier;
  localFingerprint: Uint8Array | null;
  remoteFingerprint: Uint8Array | null;
  isOpen: boolean;
  isOver: boolean;
};

const hasRoom = ({ peersById }: Peers, role: PipeRole): boolean => {
  const all = [...peersById.values()];
  return (
    all.length < limits.rtcPeersMax && all.filter((peer) => !peer.isOpen && peer.role === role).length < limits.linksMax
  );
};

const openPeer = (peers: Peers, role: PipeRole, handlers: PipeHandlers): Peer => {
  const id = ++peers.lastId;
  const peer: Peer = {
    id,
    role,
    handlers,
    end: createWebrtcCarrier({
      inbox: createCarrierInbox(),
      isOfferer: role === 'offerer',
      post: (channel: Channel, message) => peers.host.post({ type: 'send', peer: id, channel, message }, [message]),
      took: (bytes) => peers.host.post({ type: 'took', peer: id, bytes }),
      close: (reason) => end(peers, peer, reason),
    }),
    localFingerprint: null,
    remoteFingerprint: null,
    isOpen: false,
    isOver: false,
  };
  peers.peersById.set(id, peer);
  peers.host.post({ type: 'open', peer: id, isOfferer: role === 'offerer' });
  return peer;
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

const receive = (peers: Peers, peer: Peer, report: Exclude<RtcReport, { type: 'ready' }>): void => {
  if (report.type === 'described') return described(peers, peer, report.sdp);
  if (report.type === 'opened') return void opened(peers, peer);
  if (report.type === 'message') return peer.end.received(report.channel, new Uint8Array(report.message));
  if (report.type === 'sent') return peer.end.sent(report.channel, report.bytes);
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
  const both = peer.role === 'offerer' ? concatBytes(local, remote) : concatBytes(remote, local);
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
  peers.host.post({ type: 'close', peer: peer.id });
  if (reason === null) return;
  peer.end.ended(reason);
  peer.handlers.closed(reason);
};
