import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { channels, type Channel } from '../kernel/ports/transport.ts';
import type { RelayFrame } from './relay-frames.ts';
import { createOutbox, type Outbox } from './carrier-outbox.ts';

export type RelaySender = {
  send(channel: Channel, message: Uint8Array): boolean;
  /** Queued, or under way and not yet said to have arrived. */
  bufferedBytes(channel: Channel): number;
  /** The other end has everything before this number. */
  acknowledged(next: number): void;
  /** Something was lost on the way: all that is not acknowledged goes out again after a pause. */
  lost(): void;
  /** There is a way again. */
  resume(): void;
  stop(): void;
};

export type RelaySenderDeps = {
  readonly clock: Clock;
  /** False when no server takes it now. */
  readonly post: (frame: RelayFrame) => boolean;
  readonly drained: (channel: Channel) => void;
  /** Nothing was heard for `limits.relaySilentMs` although something is under way. */
  readonly silent: () => void;
};

type Fragment = { readonly channel: Channel; readonly hasMore: boolean; readonly bytes: Uint8Array<ArrayBuffer> };
type Sent = Fragment & { readonly number: number };

/**
 * The sending half of a relayed pipe. A server may drop frames when a receiver is behind, and be gone for a while: fragments are
 * numbered, kept until they are acknowledged, and sent again from the first missing one on. The window halves with each loss and
 * grows with what arrives; small channels go before bulk, so that a call waits for one window at most.
 */
export const createRelaySender = (deps: RelaySenderDeps): RelaySender => {
  const { clock } = deps;
  const outboxes = Object.fromEntries(
    channels.map((channel) => [channel, createOutbox(() => deps.drained(channel))]),
  ) as Record<Channel, Outbox>;
  const queues: Record<Channel, Fragment[]> = { sync: [], rpc: [], bulk: [] };
  let turn: readonly Channel[] = ['rpc', 'sync', 'bulk'];
  let sent: Sent[] = [];
  let sentBytes = 0;
  let nextNumber = 0;
  let windowBytes: number = limits.relayWindowBytes;
  let heardAt = clock.now();
  let isWaiting = false;
  let hasStopped = false;
  let cancelResend: (() => void) | null = null;

  /** What goes out next, unless it has to wait. */
  const takeNext = (): Fragment | undefined => {
    if (isWaiting || hasStopped || sentBytes >= windowBytes) return undefined;
    const channel = turn.find((name) => queues[name].length > 0);
    if (channel === undefined) return undefined;
    // rpc and sync by turns; bulk when both are empty.
    if (channel !== 'bulk') turn = channel === 'rpc' ? ['sync', 'rpc', 'bulk'] : ['rpc', 'sync', 'bulk'];
    return queues[channel].shift();
  };
  const post = (fragment: Sent): boolean => {
    if (deps.post({ type: 'data', ...fragment })) return true;
    planResend(limits.relayBusyMs);
    return false;
  };
  const pump = (): void => {
    for (let fragment = takeNext(); fragment !== undefined; fragment = takeNext()) {
      if (sent.length === 0) heardAt = clock.now();
      const numbered = { ...fragment, number: nextNumber++ };
      sent.push(numbered);
      sentBytes += fragment.bytes.length;
      if (!post(numbered)) return;
      if (cancelResend === null) watch(limits.relayResendMs);
    }
  };
  const resend = (): void => {
    isWaiting = false;
    if (clock.now() - heardAt > limits.relaySilentMs) return deps.silent();
    for (const fragment of sent) if (!post(fragment)) return;
    watch(limits.relayResendMs);
    pump();
  };
  const watch = (delayMs: number): void => {
    cancelResend?.();
    cancelResend = sent.length === 0 || hasStopped ? null : clock.after(delayMs, resend);
  };
  const planResend = (delayMs: number): void => {
    isWaiting = true;
    watch(delayMs);
  };
  return {
    send: (channel, message) => {
      if (hasStopped || !outboxes[channel].take(message.length)) return false;
      for (let at = 0; at === 0 || at < message.length; at += limits.relayFragmentBytes) {
        const end = at + limits.relayFragmentBytes;
        queues[channel].push({ channel, hasMore: end < message.length, bytes: message.slice(at, end) });
      }
      pump();
      return true;
    },
    bufferedBytes: (channel) => outboxes[channel].bytes(),
    acknowledged: (next) => {
      const arrived = sent.filter(({ number }) => number < next);
      // Of what was never sent nothing can have arrived.
      if (arrived.length === 0 || next > nextNumber) return;
      heardAt = clock.now();
      sent = sent.slice(arrived.length);
      for (const { channel, bytes } of arrived) {
        sentBytes -= bytes.length;
        windowBytes = Math.min(limits.relayWindowBytesMax, windowBytes + bytes.length / 8);
        outboxes[channel].left(bytes.length);
      }
      if (!isWaiting) watch(limits.relayResendMs);
      pump();
    },
    lost: () => {
      if (isWaiting || sent.length === 0) return;
      windowBytes = Math.max(limits.relayWindowBytesMin, windowBytes / 2);
      planResend(limits.relayBusyMs);
    },
    resume: () => {
      if (sent.length > 0) resend();
    },
    stop: () => {
      hasStopped = true;
      cancelResend?.();
    },
  };
};
