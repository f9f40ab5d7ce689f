import { limits } from '../kernel/limits.ts';

export type Outbox = {
  /** False when the message is larger than any may be, or too much is queued; `drained` is called later in the second case. */
  take(bytes: number): boolean;
  /** So many bytes have gone out. */
  left(bytes: number): void;
  bytes(): number;
};

/**
 * Counts what is queued on one channel of a carrier: takes until `bufferedAmountHighBytes` are queued, and calls `drained` when
 * that has fallen to `bufferedAmountLowBytes` after it was above, or after a message was refused.
 */
export const createOutbox = (drained: () => void): Outbox => {
  let queuedBytes = 0;
  let isAwaited = false;
  return {
    take: (bytes) => {
      if (bytes > limits.carrierMessageBytesMax) return false;
      if (queuedBytes + bytes > limits.bufferedAmountHighBytes) {
        isAwaited = true;
        return false;
      }
      queuedBytes += bytes;
      if (queuedBytes > limits.bufferedAmountLowBytes) isAwaited = true;
      return true;
    },
    left: (bytes) => {
      queuedBytes = Math.max(0, queuedBytes - bytes);
      if (!isAwaited || queuedBytes > limits.bufferedAmountLowBytes) return;
      isAwaited = false;
      drained();
    },
    bytes: () => queuedBytes,
  };
};
