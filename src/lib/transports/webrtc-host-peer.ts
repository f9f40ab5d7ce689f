// The package ships no types for its bundle, and a declaration of a foreign module cannot be imported.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./webrtc-simple-peer.d.ts" />
import SimplePeer from 'simple-peer/simplepeer.min.js';
import { limits } from '../kernel/limits.ts';
import { channels, type Channel } from '../kernel/ports/transport.ts';
import { createPairDriver, type ConnectionDriver, type PairDriverDeps } from './webrtc-host-pair.ts';
import { createRtcChannels } from './webrtc-channels.ts';
import { watchPath } from './webrtc-path.ts';
import type { ChannelHands, RtcPeerReport } from './webrtc-port.ts';

/** One peer connection on the page, in the worker's words. `close` reports once and is safe to call again. */
export type HostPeer = {
  accept(sdp: string): void;
  send(channel: Channel, message: ArrayBuffer): void;
  took(bytes: number): void;
  close(reason: string): void;
};

export type HostPeerDeps = {
  readonly id: number;
  readonly isOfferer: boolean;
  /** Driven by `webrtc-host-pair` in place of simple-peer. */
  readonly isPair: boolean;
  readonly config: RTCConfiguration;
  /** Who drives the channels of this connection, from its first moment to its end. */
  readonly hands: ChannelHands;
  readonly made: (connection: RTCPeerConnection) => void;
  readonly report: (message: RtcPeerReport, transfer?: Transferable[]) => void;
  /** Told when the page drives the channels, and all are open. */
  readonly opened: () => void;
  /** A channel could not be given away after all. */
  readonly notGiven: () => void;
  readonly closed: () => void;
};

/** Fixed on both sides (`negotiated`), so the channels exist from the first moment. simple-peer's own channel has id 0 or 1 and stays empty. */
const channelIds: { readonly [name in Channel]: number } = { sync: 101, rpc: 102, bulk: 103 };

/**
 * Drives one simple-peer whose RTCPeerConnection makes our three channels in its constructor, before there is an offer. There they go
 * to the worker, which no message has to be forwarded to then; where the worker cannot have them, they are driven from here.
 */
export const createHostPeer = (deps: HostPeerDeps): HostPeer => {
  const { id, isOfferer, config, hands, report, opened, closed } = deps;
  let isOver = false;
  let untakenBytes = 0;

  const close = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    report({ type: 'closed', peer: id, reason });
    closed();
    own.close();
    driver.destroy();
  };
  const own = createRtcChannels({
    opened: () => {
      if (isOver) return;
      report({ type: 'opened', peer: id });
      opened();
    },
    message: (channel, bytes) => {
      if (isOver) return;
      untakenBytes += bytes.byteLength;
      if (untakenBytes > limits.rtcUntakenBytesMax) return close('worker-overrun');
      report({ type: 'message', peer: id, channel, message: bytes }, [bytes]);
    },
    sent: (channel, bytes) => {
      if (!isOver) report({ type: 'sent', peer: id, channel, bytes });
    },
    failed: close,
  });
  const give = (channel: Channel, data: RTCDataChannel): void => {
    try {
      report({ type: 'channel', peer: id, channel, data }, [data]);
    } catch (error) {
      deps.notGiven();
      throw error; // simple-peer ends itself with it
    }
  };
  const made = (connection: RTCPeerConnection): void => {
    deps.made(connection);
    watchPath(connection, (path) => {
      if (!isOver) report({ type: 'path', peer: id, path });
    });
  };
  const parts = {
    Connection: connectionWithChannels(made, hands === 'worker' ? give : own.adopt),
    described: (sdp: string): void => {
      if (!isOver) report({ type: 'described', peer: id, sdp });
    },
    failed: close,
  };
  const driver = deps.isPair ? createPairDriver(parts) : createSimpleDriver({ ...parts, isOfferer, config });
  return {
    accept: (sdp) => {
      if (!isOver) driver.accept(sdp);
    },
    send: (channel, message) => {
      if (!isOver && !own.send(channel, message)) close('send-failed');
    },
    took: (bytes) => {
      untakenBytes = Math.max(0, untakenBytes - bytes);
    },
    close,
  };
};

const createSimpleDriver = (deps: PairDriverDeps & Pick<HostPeerDeps, 'isOfferer' | 'config'>): ConnectionDriver => {
  const { Connection, described, failed, isOfferer, config } = deps;
  const simplePeer = new SimplePeer({
    initiator: isOfferer,
    trickle: false,
    iceCompleteTimeout: limits.iceGatherMs,
    config,
    wrtc: { RTCPeerConnection: Connection, RTCSessionDescription, RTCIceCandidate },
  });
  simplePeer.on('signal', ({ type, sdp }) => {
    if ((type === 'offer' || type === 'answer') && typeof sdp === 'string') described(sdp);
  });
  simplePeer.on('error', (error) => failed(error.code ?? error.name));
  simplePeer.on('close', () => failed('connection-ended'));
  return {
    accept: (sdp) => simplePeer.signal({ type: isOfferer ? 'answer' : 'offer', sdp }),
    destroy: () => simplePeer.destroy(),
  };
};

/** simple-peer takes a class of connections through its option `wrtc`; this one comes with our channels. */
const connectionWithChannels = (
  made: (connection: RTCPeerConnection) => void,
  adopt: (name: Channel, channel: RTCDataChannel) => void,
): typeof RTCPeerConnection =>
  class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      made(this);
      try {
        for (const name of channels)
          adopt(name, this.createDataChannel(name, { negotiated: true, id: channelIds[name] }));
      } catch (error) {
        this.close();
        throw error;
      }
      endGatheringInTime(this);
    }
  };

/**
 * Without any network Chromium gathers for ever and finds nothing, and simple-peer counts its own timeout only from the first
 * candidate. So the end is told from here; then the description says honestly that it names no address. A second end is ignored.
 */
const endGatheringInTime = (connection: RTCPeerConnection): void => {
  const end = (): void => {
    if (connection.iceGatheringState !== 'gathering') return;
    connection.dispatchEvent(new RTCPeerConnectionIceEvent('icecandidate', { candidate: null }));
  };
  connection.addEventListener('icegatheringstatechange', () => {
    if (connection.iceGatheringState === 'gathering') setTimeout(end, limits.iceGatherMs);
  });
};
