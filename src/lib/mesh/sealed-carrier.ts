import { createRelaySeal, relaySealBytes } from '../crypto/relay-seal.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { channels, type Carrier, type Channel } from '../kernel/ports/transport.ts';

/** What the carrier delivers once Hello is through. */
export type Receiver = {
  receive(channel: Channel, message: Uint8Array): void;
  drain(channel: Channel): void;
  lost(reason: string): void;
};

export type SealedCarrier = {
  /** To send on; whoever holds it does not listen on it. */
  readonly carrier: Carrier;
  /** Opens what the pipe brings before `next` sees it. The first message that does not open ends the link. */
  receiver(next: Receiver): Receiver;
};

/** Seals a carrier's messages, each channel in its order. Sealing takes a moment: what waits for it counts as buffered. */
export const sealCarrier = async (inner: Carrier, crypto: CryptoPort, secret: Bytes): Promise<SealedCarrier> => {
  const seal = await createRelaySeal(crypto, secret, inner.isOfferer);
  const lanes = Object.fromEntries(channels.map((channel) => [channel, createLane()])) as Record<Channel, Lane>;
  let sealing: Promise<void> = Promise.resolve();
  let opening: Promise<void> = Promise.resolve();
  let unopenedBytes = 0;
  let isOver = false;

  const flush = (channel: Channel): void => {
    const lane = lanes[channel];
    for (let head = lane.sealed[0]; head !== undefined; head = lane.sealed[0]) {
      // Not yet: the pipe says when it has drained.
      if (!inner.send(channel, head)) return;
      lane.sealed.shift();
      lane.waitingBytes -= head.length;
    }
  };
  const bufferedBytes = (channel: Channel): number => lanes[channel].waitingBytes + inner.bufferedBytes(channel);
  const send = (channel: Channel, message: Uint8Array): boolean => {
    const size = message.length + relaySealBytes;
    if (isOver || size > limits.carrierMessageBytesMax) return false;
    if (bufferedBytes(channel) + size > limits.bufferedAmountHighBytes * 2) return false;
    const plain = message.slice();
    const lane = lanes[channel];
    lane.waitingBytes += size;
    sealing = sealing.then(async () => {
      lane.sealed.push(await seal.seal(channels.indexOf(channel), plain));
      flush(channel);
    });
    return true;
  };
  const receiver = (next: Receiver): Receiver => {
    const end = (reason: string): void => {
      if (isOver) return;
      isOver = true;
      inner.close();
      next.lost(reason);
    };
    return {
      receive: (channel, message) => {
        unopenedBytes += message.length;
        if (unopenedBytes > limits.relayUnopenedBytesMax) return end('relay-overrun');
        opening = opening.then(async () => {
          if (isOver) return;
          const plain = await seal.open(channels.indexOf(channel), message);
          unopenedBytes -= message.length;
          if (plain === null) end('relay-frame-forged');
          else if (!isOver) next.receive(channel, plain);
        });
      },
      drain: (channel) => {
        flush(channel);
        if (bufferedBytes(channel) <= limits.bufferedAmountLowBytes) next.drain(channel);
      },
      lost: (reason) => {
        // After what came before it.
        opening = opening.then(() => end(reason));
      },
    };
  };
  return {
    receiver,
    carrier: {
      ...inner,
      send,
      bufferedBytes,
      listen: () => {
        throw new Error('sealed carrier: the handshake listens');
      },
      close: () => {
        if (isOver) return;
        isOver = true;
        // What was said before the end goes out before the end.
        sealing = sealing.then(() => inner.close());
      },
    },
  };
};

type Lane = { readonly sealed: Uint8Array[]; waitingBytes: number };
const createLane = (): Lane => ({ sealed: [], waitingBytes: 0 });
