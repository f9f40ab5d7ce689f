import { concatBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Channel } from '../kernel/ports/transport.ts';
import type { RelayFrame } from './relay-frames.ts';

export type RelayReceiver = {
  /** The reason to end the pipe, or null. */
  data(fragment: Extract<RelayFrame, { type: 'data' }>): string | null;
  stop(): void;
};

export type RelayReceiverDeps = {
  readonly clock: Clock;
  /** False when nobody listens and too much is waiting. */
  readonly message: (channel: Channel, message: Uint8Array) => boolean;
  readonly acknowledge: (next: number) => void;
};

/** The receiving half: takes fragments in order and no other, joins them to messages, and says now and then how far it has come. */
export const createRelayReceiver = (deps: RelayReceiverDeps): RelayReceiver => {
  const { clock } = deps;
  const partsByChannel = new Map<Channel, Uint8Array[]>();
  let next = 0;
  let untoldBytes = 0;
  let cancelTelling: (() => void) | null = null;
  const tell = (): void => {
    cancelTelling?.();
    cancelTelling = null;
    untoldBytes = 0;
    deps.acknowledge(next);
  };
  return {
    data: ({ number, channel, hasMore, bytes }) => {
      cancelTelling ??= clock.after(limits.relayAckMs, tell);
      // Told again what is missing: a repetition, or the one before it was lost.
      if (number !== next) return null;
      next += 1;
      untoldBytes += bytes.length;
      const parts = partsByChannel.get(channel) ?? [];
      parts.push(bytes);
      partsByChannel.set(channel, parts);
      if (parts.reduce((total, part) => total + part.length, 0) > limits.carrierMessageBytesMax)
        return 'message-too-large';
      if (untoldBytes >= limits.relayAckBytes) tell();
      if (hasMore) return bytes.length === limits.relayFragmentBytes ? null : 'fragment-malformed';
      partsByChannel.delete(channel);
      return deps.message(channel, concatBytes(...parts)) ? null : 'nobody-listens';
    },
    stop: () => cancelTelling?.(),
  };
};
