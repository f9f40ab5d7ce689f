import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Transport } from '../kernel/ports/transport.ts';
import type { SignalClient } from './signal-client.ts';
import { createTally } from './tally.ts';
import { createRtcPeers } from './webrtc-peers.ts';
import { enterWebrtcPlace, type WebrtcPlace } from './webrtc-place.ts';
import type { RtcHostPort } from './webrtc-port.ts';

export type WebrtcTransport = Transport & {
  /** What was refused at the meeting places so far, by reason. */
  refusals(): ReadonlyMap<string, number>;
};

export type WebrtcDeps = {
  readonly clock: Clock;
  readonly random: Random;
  /** Owned by the transport from now on: `stop` stops it. */
  readonly signal: SignalClient;
  readonly host: RtcHostPort;
};

/**
 * Reaches other devices by WebRTC: meets them through the signalling server, lets the page make the connection. Runs in the node
 * worker. Leaving a place or losing the server never closes a carrier that is open; `stop` closes all.
 */
export const createWebrtcTransport = ({ clock, random, signal, host }: WebrtcDeps): WebrtcTransport => {
  const places = new Set<WebrtcPlace>();
  const listeners = new Set<() => void>();
  const tally = createTally();
  let hasStopped = false;
  const changed = (): void => {
    for (const listener of [...listeners]) listener();
  };
  const peers = createRtcPeers({
    host,
    refused: tally.add,
    changed,
    becameAvailable: () => {
      for (const place of places) place.probe();
    },
  });
  const stopListening = signal.onState(changed);
  return {
    meet: (place) => {
      if (hasStopped) return () => {};
      if (places.size >= limits.meetingPlacesMax) throw new RangeError('webrtc: too many meeting places');
      const entered = enterWebrtcPlace({ clock, random, signal, place, openPipe: peers.openPipe, refused: tally.add });
      places.add(entered);
      return () => {
        if (places.delete(entered)) void entered.leave();
      };
    },
    probe: () => {
      signal.probe();
      for (const place of places) place.probe();
    },
    state: () => ({ signalling: signal.state(), candidates: peers.candidates(), isAvailable: peers.isAvailable() }),
    onState: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    setSignalUrl: signal.setUrl,
    refusals: tally.counts,
    stop: () => {
      if (hasStopped) return;
      hasStopped = true;
      const goodbyes = [...places].map((place) => place.leave());
      places.clear();
      peers.closeAll();
      stopListening();
      listeners.clear();
      void Promise.allSettled(goodbyes).then(signal.stop);
    },
  };
};
