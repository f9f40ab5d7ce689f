import { expose } from 'comlink';
import type { Carrier, Channel } from '../../src/lib/kernel/ports/transport.ts';
import type { Pipe, PipeRole } from '../../src/lib/transports/pipe.ts';
import { createRtcPeers, type RtcPeers } from '../../src/lib/transports/webrtc-peers.ts';
import { createRtcHostPort } from '../../src/lib/transports/webrtc-port.ts';

type Made = { pipe: Pipe; sdp: string; carrier: Carrier | null; heard: string[]; ends: string[] };

let peers: RtcPeers | null = null;
const made: Made[] = [];
const at = (id: number): Made => {
  const found = made[id];
  if (found === undefined) throw new Error('no such pipe');
  return found;
};

const open = (role: PipeRole): number | null => {
  const one: Omit<Made, 'pipe'> = { sdp: '', carrier: null, heard: [], ends: [] };
  const pipe = peers?.openPipe(role, {
    described: (sdp) => void (one.sdp = sdp),
    opened: (carrier) => {
      one.carrier = carrier;
      carrier.listen({
        message: (channel, message) => void one.heard.push(`${channel} ${message.length} ${message[0] ?? '-'}`),
        drain: () => {},
        closed: () => {},
      });
    },
    closed: (reason) => void one.ends.push(reason),
  });
  return pipe ? made.push(Object.assign(one, { pipe })) - 1 : null;
};

/** The worker's side of WebRTC alone, without meeting places: a test on the page says what is described, accepted and sent. */
const remote = {
  start: (port: MessagePort): void => {
    peers = createRtcPeers({
      host: createRtcHostPort(port),
      changed: () => {},
      becameAvailable: () => {},
      refused: () => {},
    });
  },
  hands: () => (peers?.isAvailable() === true ? peers.hands() : null),
  open,
  sdp: (id: number) => at(id).sdp,
  accept: (id: number, sdp: string): void => at(id).pipe.accept(sdp),
  isOpen: (id: number) => at(id).carrier !== null,
  heard: (id: number) => at(id).heard,
  ends: (id: number) => at(id).ends,
  end: (id: number): void => (at(id).carrier === null ? at(id).pipe.close() : at(id).carrier?.close()),
  send: (id: number, channel: Channel, bytes: Uint8Array) => at(id).carrier?.send(channel, bytes) === true,
  /** As many messages of 50 kB on bulk as are taken at once, then a short one on rpc. */
  fillBulkThenCall: (id: number): number => {
    const { carrier } = at(id);
    let taken = 0;
    while (carrier?.send('bulk', new Uint8Array(50_000).fill(taken)) === true) taken += 1;
    carrier?.send('rpc', Uint8Array.of(7));
    return taken;
  },
};
export type RemotePeers = typeof remote;
expose(remote);
