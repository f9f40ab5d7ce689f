import { limits } from '../kernel/limits.ts';
import type { Carrier, Channel } from '../kernel/ports/transport.ts';

type CarrierHandlers = Parameters<Carrier['listen']>[0];

export type CarrierInbox = {
  listen(handlers: CarrierHandlers): void;
  /** False when nobody listens and too much is waiting: the carrier must be closed, a message would be missing. */
  message(channel: Channel, message: Uint8Array): boolean;
  drain(channel: Channel): void;
  /** The first reason stands; afterwards nothing is delivered any more. */
  closed(reason: string): void;
};

/**
 * The receiving half of every carrier: keeps what comes before the mesh listens (at most `limits.carrierEarlyBytesMax`), then
 * delivers it in order; tells the end exactly once, whichever side closed.
 */
export const createCarrierInbox = (): CarrierInbox => {
  let handlers: CarrierHandlers | null = null;
  let early: { channel: Channel; message: Uint8Array }[] = [];
  let earlyBytes = 0;
  let endReason: string | null = null;
  return {
    listen: (given) => {
      if (handlers !== null) throw new Error('carrier: somebody listens already');
      const waiting = early;
      const endedBefore = endReason;
      early = [];
      handlers = given;
      for (const { channel, message } of waiting) {
        // A handler may close the carrier in the middle; the rest is dropped then, as it would be later.
        if (endReason === endedBefore) given.message(channel, message);
      }
      if (endedBefore !== null) given.closed(endedBefore);
    },
    message: (channel, message) => {
      if (endReason !== null) return true;
      if (handlers !== null) {
        handlers.message(channel, message);
        return true;
      }
      earlyBytes += message.length;
      if (earlyBytes > limits.carrierEarlyBytesMax) return false;
      early.push({ channel, message });
      return true;
    },
    drain: (channel) => {
      if (endReason === null) handlers?.drain(channel);
    },
    closed: (reason) => {
      if (endReason !== null) return;
      endReason = reason;
      handlers?.closed(reason);
    },
  };
};
