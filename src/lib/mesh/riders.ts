import { concatBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import { channels, type Channel } from '../kernel/ports/transport.ts';

type Ridden = { readonly channel: Channel; readonly frame: Uint8Array };
type Rider = { readonly channel: Channel; readonly frames: (roomBytes: number) => readonly Uint8Array[] };

/** Before each frame: its channel as one byte, its length as u32. */
const headBytes = 5;

/** The frames that travel with a link's signs of life, at most `limits.riderBytesMax` with each. */
export const createRiders = () => {
  const riders = new Set<Rider>();
  return {
    add: (channel: Channel, frames: Rider['frames']): (() => void) => {
      const rider = { channel, frames };
      riders.add(rider);
      return () => void riders.delete(rider);
    },
    gather: (): Uint8Array => {
      const parts: Uint8Array[] = [];
      let room: number = limits.riderBytesMax;
      for (const { channel, frames } of riders) {
        for (const frame of frames(Math.max(0, room - headBytes))) {
          if (frame.length + headBytes > room) break;
          parts.push(headOf(channel, frame.length), frame);
          room -= frame.length + headBytes;
        }
      }
      return concatBytes(...parts);
    },
    /** null for bytes no `gather` has made. */
    read: (bytes: Uint8Array): readonly Ridden[] | null => {
      if (bytes.length > limits.riderBytesMax) return null;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const ridden: Ridden[] = [];
      for (let at = 0; at < bytes.length;) {
        if (at + headBytes > bytes.length) return null;
        const channel = channels[view.getUint8(at)];
        const end = at + headBytes + view.getUint32(at + 1);
        if (channel === undefined || end > bytes.length || end === at + headBytes) return null;
        ridden.push({ channel, frame: bytes.subarray(at + headBytes, end) });
        at = end;
      }
      return ridden;
    },
  };
};

const headOf = (channel: Channel, length: number): Uint8Array => {
  const head = new Uint8Array(headBytes);
  head[0] = channels.indexOf(channel);
  new DataView(head.buffer).setUint32(1, length);
  return head;
};
