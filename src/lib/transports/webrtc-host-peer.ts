// The package ships no types for its bundle, and a declaration of a foreign module cannot be imported.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./webrtc-simple-peer.d.ts" />
import SimplePeer from 'simple-peer/simplepeer.min.js';
import { limits } from '../kernel/limits.ts';
import { channels, type Channel } from '../kernel/ports/transport.ts';
import { createHostChannel, type HostChannel } from './webrtc-host-channel.ts';
import type { RtcReport } from './webrtc-port.ts';

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
  readonly config: RTCConfiguration;
  readonly report: (message: RtcReport, transfer?: ArrayBuffer[]) => void;
  readonly closed: () => void;
};

/** Fixed on both sides (`negotiated`), so the channels exist from the first moment. simple-peer's own channel has id 0 or 1 and stays empty. */
const channelIds: { readonly [name in Channel]: number } = { sync: 101, rpc: 102, bulk: 103 };

/**
 * Drives one simple-peer whose RTCPeerConnection makes our three channels in its constructor, before there is an offer. That is the
 * place where a channel could be transferred to the worker instead of being forwarded; nothing outside this file would notice.
 */
export const createHostPeer = ({ id, isOfferer, config, report, closed }: HostPeerDeps): HostPeer => {
  let isOver = false;
  let openCount = 0;
  let untakenBytes = 0;
  const hostChannels = new Map<Channel, HostChannel>();

  const close = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    report({ type: 'closed', peer: id, reason });
    closed();
    for (const channel of hostChannels.values()) channel.close();
    simplePeer.destroy();
  };
  const adopt = (name: Channel, channel: RTCDataChannel): void => {
    const opened = (): void => {
      openCount += 1;
      if (openCount === channels.length && !isOver) report({ type: 'opened', peer: id });
    };
    const message = (bytes: ArrayBuffer): void => {
      if (isOver) return;
      untakenBytes += bytes.byteLength;
      if (untakenBytes > limits.rtcUntakenBytesMax) return close('worker-overrun');
      report({ type: 'message', peer: id, channel: name, message: bytes }, [bytes]);
    };
    const sent = (bytes: number): void => {
      if (!isOver) report({ type: 'sent', peer: id, channel: name, bytes });
    };
    hostChannels.set(name, createHostChannel({ channel, opened, message, sent, failed: close }));
  };
  const simplePeer = new SimplePeer({
    initiator: isOfferer,
    trickle: false,
    iceCompleteTimeout: limits.iceGatherMs,
    config,
    wrtc: { RTCPeerConnection: connectionWithChannels(adopt), RTCSessionDescription, RTCIceCandidate },
  });
  simplePeer.on('signal', ({ type, sdp }) => {
    if ((type === 'offer' || type === 'answer') && typeof sdp === 'string' && !isOver)
      report({ type: 'described', peer: id, sdp });
  });
  simplePeer.on('error', (error) => close(error.code ?? error.name));
  simplePeer.on('close', () => close('connection-ended'));
  return {
    accept: (sdp) => {
      if (!isOver) simplePeer.signal({ type: isOfferer ? 'answer' : 'offer', sdp });
    },
    send: (channel, message) => {
      if (!isOver && hostChannels.get(channel)?.send(message) !== true) close('send-failed');
    },
    took: (bytes) => {
      untakenBytes = Math.max(0, untakenBytes - bytes);
    },
    close,
  };
};

/** simple-peer takes a class of connections through its option `wrtc`; this one comes with our channels. */
const connectionWithChannels = (adopt: (name: Channel, channel: RTCDataChannel) => void): typeof RTCPeerConnection =>
  class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      for (const name of channels)
        adopt(name, this.createDataChannel(name, { negotiated: true, id: channelIds[name] }));
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
