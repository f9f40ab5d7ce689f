import { limits } from '../kernel/limits.ts';

export type RtcChannelDeps = {
  readonly channel: RTCDataChannel;
  readonly opened: () => void;
  readonly message: (bytes: ArrayBuffer) => void;
  /** So many more bytes have left the channel's queue. */
  readonly sent: (bytes: number) => void;
  readonly failed: (reason: string) => void;
};

/** `send` is false when the channel would not take the bytes; order is lost then and the connection must end. */
export type RtcChannel = { send(message: ArrayBuffer): boolean; close(): void };

/**
 * One data channel, on the page or in the worker that was given it. Its queue is reported when it falls below a mark, and again when
 * it is empty, so the count is exact without a timer (timers sleep in hidden tabs). A channel that was given away can bring its first
 * message before it says that it is open.
 */
export const createRtcChannel = ({ channel, opened, message, sent, failed }: RtcChannelDeps): RtcChannel => {
  const markBytes = limits.bufferedAmountLowBytes / 2;
  let unreportedBytes = 0;
  let hasOpened = false;
  const report = (): void => {
    const left = unreportedBytes - channel.bufferedAmount;
    channel.bufferedAmountLowThreshold = channel.bufferedAmount > markBytes ? markBytes : 0;
    if (left <= 0) return;
    unreportedBytes -= left;
    sent(left);
  };
  const open = (): void => {
    if (hasOpened) return;
    hasOpened = true;
    opened();
  };
  channel.binaryType = 'arraybuffer';
  channel.addEventListener('open', open);
  channel.addEventListener('bufferedamountlow', report);
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (!(data instanceof ArrayBuffer)) failed('message-not-binary');
    else if (data.byteLength > limits.carrierMessageBytesMax) failed('message-too-large');
    else message(data);
  });
  channel.addEventListener('close', () => failed('channel-closed'));
  if (channel.readyState === 'open') open();
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
