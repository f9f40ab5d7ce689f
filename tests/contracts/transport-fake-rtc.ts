import { bytesToHex } from '../../src/lib/kernel/ids.ts';
import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import type { Random } from '../../src/lib/kernel/ports/random.ts';
import type { RtcHostPort, RtcReport, RtcRequest } from '../../src/lib/transports/webrtc-port.ts';

type FakePeer = {
  readonly id: number;
  readonly sdp: string;
  readonly isOfferer: boolean;
  readonly tell: (report: RtcReport) => void;
  other: FakePeer | null;
  isOver: boolean;
};
type Request<Type extends RtcRequest['type']> = Extract<RtcRequest, { type: Type }>;

/** Pages without a browser: what `serveRtcHost` does, over connections that exist in memory only. Two descriptions that met connect. */
export const createFakeRtc = ({ clock, random }: { clock: Clock; random: Random }) => {
  const peersBySdp = new Map<string, FakePeer>();
  let isBlocked = false;
  const soon = (peer: FakePeer, report: RtcReport): void => {
    clock.after(1, () => {
      if (!peer.isOver) peer.tell(report);
    });
  };
  const end = (peer: FakePeer): void => {
    if (peer.isOver) return;
    peer.isOver = true;
    const { other } = peer;
    if (other !== null && !other.isOver) {
      clock.after(1, () => {
        if (other.isOver) return;
        other.isOver = true;
        other.tell({ type: 'closed', peer: other.id, reason: 'connection-ended' });
      });
    }
  };
  const accept = (peer: FakePeer, { sdp }: Request<'accept'>): void => {
    const remote = peersBySdp.get(sdp);
    if (isBlocked || remote === undefined || remote.isOfferer === peer.isOfferer) return;
    if (!peer.isOfferer) return soon(peer, { type: 'described', peer: peer.id, sdp: peer.sdp });
    peer.other = remote;
    remote.other = peer;
    for (const each of [peer, remote]) soon(each, { type: 'opened', peer: each.id });
  };
  const send = (peer: FakePeer, { channel, message }: Request<'send'>): void => {
    const { other } = peer;
    soon(peer, { type: 'sent', peer: peer.id, channel, bytes: message.byteLength });
    if (other !== null) soon(other, { type: 'message', peer: other.id, channel, message });
  };

  return {
    /** From now on no description leads to a connection, as behind routers that let nothing in. */
    setBlocked: (blocked: boolean): void => void (isBlocked = blocked),
    openCount: (): number => [...peersBySdp.values()].filter((peer) => !peer.isOver && peer.other !== null).length,
    host: ({ isAvailable = true, candidates = 1 } = {}): RtcHostPort => {
      const peersById = new Map<number, FakePeer>();
      let tell: (report: RtcReport) => void = () => {};
      return {
        listen: (listener) => {
          tell = listener;
          clock.after(1, () => listener({ type: 'ready', isAvailable, hands: 'page' }));
        },
        post: (request) => {
          if (request.type === 'ice-servers') return;
          if (request.type === 'open') {
            const sdp = fakeSdp({ fingerprint: random.bytes(32), candidates });
            const peer: FakePeer = {
              id: request.peer,
              sdp,
              isOfferer: request.isOfferer,
              tell: (report) => tell(report),
              other: null,
              isOver: false,
            };
            peersById.set(peer.id, peer);
            peersBySdp.set(sdp, peer);
            if (peer.isOfferer) soon(peer, { type: 'described', peer: peer.id, sdp });
            return;
          }
          const peer = peersById.get(request.peer);
          if (peer === undefined) return;
          if (request.type === 'accept') accept(peer, request);
          if (request.type === 'send') send(peer, request);
          if (request.type === 'close') end(peer);
        },
      };
    },
  };
};

export const fakeSdp = ({ fingerprint, candidates = 1 }: { fingerprint: Uint8Array; candidates?: number }): string =>
  [
    'v=0',
    'o=- 1 2 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    ...Array.from({ length: candidates }, (_, at) => `a=candidate:${at} 1 udp 2113937151 fake.local 50000 typ host`),
    `a=fingerprint:sha-256 ${bytesToHex(fingerprint)
      .replace(/..(?!$)/g, '$&:')
      .toUpperCase()}`,
    'a=sctp-port:5000',
    '',
  ].join('\r\n');
