import { limits } from '../kernel/limits.ts';

/**
 * Frames of a call that is over and were sent before the other side knew: a few of the newest ended calls may still bring some.
 * They are dropped without blame; every other frame for a call that does not run is counted.
 */
export const createLateFrames = () => {
  const leftById = new Map<number, number>();
  return {
    ended: (id: number): void => {
      leftById.set(id, limits.rpcLateFramesMax);
      for (const oldest of leftById.keys()) {
        if (leftById.size <= limits.rpcEndedCallsMax) break;
        leftById.delete(oldest);
      }
    },
    /** True when this frame may be one of those; `isLast`: nothing honest comes after it. */
    take: (id: number, isLast: boolean): boolean => {
      const left = leftById.get(id) ?? 0;
      if (isLast) leftById.delete(id);
      else if (left > 0) leftById.set(id, left - 1);
      return left > 0;
    },
  };
};
export type LateFrames = ReturnType<typeof createLateFrames>;

/** Why a frame was of no use to any call that runs. */
export type StrayReason =
  'rpc-unknown-id' | 'rpc-duplicate-id' | 'rpc-credit-overrun' | 'rpc-no-stream' | 'rpc-after-end';
