import { limits } from '../kernel/limits.ts';
import { channels, type Carrier, type Channel, type PipePath } from '../kernel/ports/transport.ts';
import type { CarrierInbox } from './carrier-inbox.ts';
import { createOutbox, type Outbox } from './carrier-outbox.ts';

export type WebrtcCarrierDeps = {
  readonly inbox: CarrierInbox;
  readonly isOfferer: boolean;
  readonly post: (channel: Channel, message: ArrayBuffer) => void;
  readonly took: (bytes: number) => void;
  /** What the browser says of the way; null while it says nothing. */
  readonly path: () => PipePath | null;
  readonly close: (reason: string) => void;
};

/** One end of a carrier, from before it opens: what the page reports goes in, what the mesh sends goes out. */
export type WebrtcCarrier = {
  carrier(binding: Uint8Array): Carrier;
  received(channel: Channel, message: Uint8Array): void;
  sent(channel: Channel, bytes: number): void;
  ended(reason: string): void;
};

export const createWebrtcCarrier = (deps: WebrtcCarrierDeps): WebrtcCarrier => {
  const { inbox } = deps;
  const outboxes = Object.fromEntries(
    channels.map((channel) => [channel, createOutbox(() => inbox.drain(channel))]),
  ) as Record<Channel, Outbox>;
  let isOver = false;
  let untoldBytes = 0;
  return {
    carrier: (binding) => ({
      kind: 'webrtc',
      isOfferer: deps.isOfferer,
      binding,
      send: (channel, message) => {
        if (isOver || !outboxes[channel].take(message.length)) return false;
        // A copy, because the buffer goes to the page for good and the caller may hold a view of a larger one.
        deps.post(channel, new Uint8Array(message).buffer);
        return true;
      },
      bufferedBytes: (channel) => outboxes[channel].bytes(),
      path: deps.path,
      listen: inbox.listen,
      close: () => deps.close('closed-here'),
    }),
    received: (channel, message) => {
      if (isOver) return;
      untoldBytes += message.length;
      if (untoldBytes >= limits.rtcTookReportBytes) {
        deps.took(untoldBytes);
        untoldBytes = 0;
      }
      if (message.length > limits.carrierMessageBytesMax) return deps.close('message-too-large');
      if (!inbox.message(channel, message)) deps.close('nobody-listens');
    },
    sent: (channel, bytes) => {
      if (!isOver) outboxes[channel].left(bytes);
    },
    ended: (reason) => {
      isOver = true;
      inbox.closed(reason);
    },
  };
};
