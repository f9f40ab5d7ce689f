import { limits } from '../kernel/limits.ts';

export type ConnectionRoom = {
  /** Every connection this page makes, told when it is made. */
  made(connection: RTCPeerConnection): void;
  /** False when so many are open or not freed that the browser may soon refuse all; asked before each. */
  hasRoom(): boolean;
};

/**
 * Chromium lets a page have about 500 connections, and one that is closed counts until the garbage collector has come by, which can
 * take minutes on a page that does little. So they are counted from their making to their end in memory, and when many are left the
 * collector is made to come: it counts large buffers, also those whose memory nobody ever touched.
 */
export const createConnectionRoom = (): ConnectionRoom => {
  let count = 0;
  let isCalling = false;
  const registry = new FinalizationRegistry<null>(() => void (count -= 1));

  const callCollector = async (): Promise<void> => {
    if (isCalling) return;
    isCalling = true;
    for (let turn = 0; turn < limits.rtcCollectTurnsMax && count > limits.rtcUnfreedMany; turn++) {
      if (!weighDown()) break;
      await new Promise((resolve) => setTimeout(resolve, limits.rtcCollectTurnMs));
    }
    isCalling = false;
  };
  return {
    made: (connection) => {
      count += 1;
      registry.register(connection, null);
      if (count > limits.rtcUnfreedMany) void callCollector();
    },
    hasRoom: () => {
      if (count < limits.rtcUnfreedMax) return true;
      void callCollector();
      return false;
    },
  };
};

/** False when not even that much can be promised: then there is a greater need than ours. */
const weighDown = (): boolean => {
  try {
    return new ArrayBuffer(limits.rtcCollectBytes).byteLength > 0;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
};
