import { limits } from '../../src/lib/kernel/wire/signal.ts';
import type { FrameSocket } from '../socket-entrance.ts';
import type { MeshMetrics } from './mesh-metrics.ts';

/** What goes out to one socket. What its other side has not taken yet is bounded twice: for others' words, and for all. */
export type MeshOutlet = {
  isBehind(): boolean;
  /** Somebody else's words: false, and nothing queued, while the receiver is behind. */
  passOn(frame: Uint8Array): boolean;
  /** Our own answers are small or asked for; who lets even these pile up is cut. */
  answer(frame: Uint8Array): void;
};

export const createMeshOutlet = (socket: FrameSocket, metrics: MeshMetrics, cut: () => void): MeshOutlet => {
  const isBehind = (): boolean => socket.bufferedBytes() > limits.meshBufferedBytesMax;
  const send = (frame: Uint8Array): void => {
    metrics.counts.framesOut += 1;
    metrics.counts.bytesOut += frame.length;
    socket.send(frame);
  };
  return {
    isBehind,
    passOn: (frame) => {
      if (isBehind()) return false;
      send(frame);
      return true;
    },
    answer: (frame) => {
      if (socket.bufferedBytes() > limits.meshBufferedHardBytesMax) cut();
      else send(frame);
    },
  };
};
