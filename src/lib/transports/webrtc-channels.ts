import { channels, type Channel } from '../kernel/ports/transport.ts';
import { createRtcChannel, type RtcChannel } from './webrtc-channel.ts';

export type RtcChannelsDeps = {
  /** All three are open. */
  readonly opened: () => void;
  readonly message: (channel: Channel, bytes: ArrayBuffer) => void;
  readonly sent: (channel: Channel, bytes: number) => void;
  readonly failed: (reason: string) => void;
};

/** The three data channels of one connection, in the hands of whoever drives them. */
export type RtcChannels = {
  adopt(name: Channel, channel: RTCDataChannel): void;
  send(name: Channel, message: ArrayBuffer): boolean;
  close(): void;
};

/** Collects them as they come, and says once that all are open. */
export const createRtcChannels = ({ opened, message, sent, failed }: RtcChannelsDeps): RtcChannels => {
  const driven = new Map<Channel, RtcChannel>();
  let openCount = 0;
  return {
    adopt: (name, channel) => {
      const oneOpened = (): void => {
        openCount += 1;
        if (openCount === channels.length) opened();
      };
      driven.set(
        name,
        createRtcChannel({
          channel,
          opened: oneOpened,
          message: (bytes) => message(name, bytes),
          sent: (bytes) => sent(name, bytes),
          failed,
        }),
      );
    },
    send: (name, bytes) => driven.get(name)?.send(bytes) === true,
    close: () => {
      for (const channel of driven.values()) channel.close();
    },
  };
};
