import { limits } from '../kernel/limits.ts';

export type HostChannelDeps = {
  readonly channel: RTCDataChannel;
  readonly opened: () => void;
  readonly message: (bytes: ArrayBuffer) => void;
  /** So many more bytes have left the channel's queue. */
  readonly sent: (bytes: number) => void;
  readonly failed: (reason: string) => void;
};

/** `send` is false when the channel would not take the bytes; order is lost then and the connection must end. */
export type HostChannel = { send(message: ArrayBuffer): boolean; close(): void };

/**
 * One data channel on the page. Its queue is reported when it falls below a mark, and again when it is empty, so the worker's
 * count is exact without a timer (timers sleep in hidden tabs).
 */
export const createHostChannel = ({ channel, opened, message, sent, failed }: HostChannelDeps): HostChannel => {
  const markBytes = limits.bufferedAmountLowBytes / 2;
  let unreportedBytes = 0;
  const report = (): void => {
    const left = unreportedBytes - channel.bufferedAmount;
    channel.bufferedAmountLowThreshold = channel.bufferedAmount > markBytes ? markBytes : 0;
    if (left <= 0) return;
    unreportedBytes -= left;
    sent(left);
  };
  channel.binaryType = 'arraybuffer';
  channel.addEventListener('open', opened);
  channel.addEventListener('bufferedamountlow', report);
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (!(data instanceof ArrayBuffer)) failed('message-not-binary');
    else if (data.byteLength > limits.carrierMessageBytesMax) failed('message-too-large');
    else message(data);
  });
  channel.addEventListener('close', () => failed('channel-closed'));
  return {
    send: (bytes) => {
      if (channel.readyState !== 'open') return false;
      const size = bytes.byteLength;
      try {
        channel.send(bytes);
      } catch (error) {
        // The browser's own queue is full, or the channel closed in this very moment.
        if (error instanceof DOMException || error instanceof TypeError) return false;
        throw error;
      }
      unreportedBytes += size;
      channel.bufferedAmountLowThreshold = channel.bufferedAmount > markBytes ? markBytes : 0;
      return true;
    },
    close: () => channel.close(),
  };
};
