import { limits } from '../../src/lib/kernel/wire/signal.ts';
import type { Clock } from '../clock.ts';
import type { SendOutcome } from '../exchange.ts';
import { encodeBusMessage, parcelCostBytes, type Parcel, type ParcelOutcome } from './bus-messages.ts';
import { nodeChannel } from './presence.ts';
import type { Redis } from './redis.ts';

/**
 * What connections of this server send to those of others. Musts:
 * - Each parcel has one outcome: the other server says what became of it, and where it cannot, the parcel is `gone`.
 * - What goes to one server travels in order and together, one message a batch; what is under way to it is bounded (`busy`).
 */
export type ParcelPost = {
  send(node: string, parcel: Omit<Parcel, 'number'>): Promise<SendOutcome>;
  /** What another server says became of ours. What is not under way to that server is let be. */
  settle(node: string, outcomes: readonly ParcelOutcome[]): void;
  /** Tells another server what became of its parcels. */
  answer(node: string, outcomes: readonly ParcelOutcome[]): void;
  /** The server is gone, or with null all of them: so is everything under way to it. */
  giveUp(node: string | null): void;
  underwayCount(): number;
};

export type ParcelDeps = {
  readonly redis: Redis;
  readonly node: string;
  readonly clock: Clock;
  /** Nobody listens at that server any more. */
  readonly onGone: (node: string) => void;
};

type Underway = {
  readonly node: string;
  readonly sizeBytes: number;
  readonly sinceMs: number;
  readonly end: (outcome: SendOutcome) => void;
};
type Outbox = { parcels: Parcel[]; sizeBytes: number };

export const createParcelPost = ({ redis, node: self, clock, onGone }: ParcelDeps): ParcelPost => {
  const underway = new Map<number, Underway>();
  const bytesByNode = new Map<string, number>();
  const outboxes = new Map<string, Outbox>();
  let last = 0;
  let isWatching = false;

  const end = (number: number, outcome: SendOutcome): void => {
    const ended = underway.get(number);
    if (ended === undefined) return;
    underway.delete(number);
    const bytes = (bytesByNode.get(ended.node) ?? 0) - ended.sizeBytes;
    if (bytes > 0) bytesByNode.set(ended.node, bytes);
    else bytesByNode.delete(ended.node);
    ended.end(outcome);
  };

  const giveUp = (node: string | null): void => {
    for (const [number, each] of underway) if (node === null || each.node === node) end(number, 'gone');
    if (node === null) outboxes.clear();
    else outboxes.delete(node);
  };

  /** Numbers rise with time, so the first that is not late ends the look. */
  const watch = (): void => {
    isWatching = underway.size > 0;
    for (const [number, each] of underway) {
      if (clock.now() - each.sinceMs < limits.clusterAnswerMs) break;
      end(number, 'gone');
    }
    if (isWatching) clock.after(limits.clusterAnswerMs / 4, watch);
  };

  const publish = async (node: string, parcels: readonly Parcel[]): Promise<void> => {
    const heard = await redis.publish(nodeChannel(node), encodeBusMessage({ kind: 'parcels', node: self, parcels }));
    if (heard.ok && heard.value > 0) return;
    for (const { number } of parcels) end(number, 'gone');
    if (heard.ok) onGone(node);
  };

  const flush = (node: string): void => {
    const outbox = outboxes.get(node);
    outboxes.delete(node);
    if (outbox !== undefined) void publish(node, outbox.parcels);
  };

  const enqueue = (node: string, parcel: Parcel, sizeBytes: number): void => {
    const open = outboxes.get(node);
    if (open === undefined) {
      outboxes.set(node, { parcels: [parcel], sizeBytes });
      clock.after(limits.clusterBatchMs, () => flush(node));
      return;
    }
    open.parcels.push(parcel);
    open.sizeBytes += sizeBytes;
    if (open.sizeBytes >= limits.clusterBatchBytesMax) flush(node);
  };

  return {
    send: (node, rest) => {
      const sizeBytes = rest.bytes.length + parcelCostBytes;
      const bytes = (bytesByNode.get(node) ?? 0) + sizeBytes;
      if (bytes > limits.clusterInFlightBytesMax) return Promise.resolve('busy');
      last = (last + 1) % 2 ** 32;
      const parcel: Parcel = { number: last, ...rest };
      bytesByNode.set(node, bytes);
      return new Promise((resolve) => {
        underway.set(parcel.number, { node, sizeBytes, sinceMs: clock.now(), end: resolve });
        enqueue(node, parcel, sizeBytes);
        if (!isWatching) watch();
      });
    },
    settle: (node, outcomes) => {
      for (const { number, outcome } of outcomes) if (underway.get(number)?.node === node) end(number, outcome);
    },
    // Where it cannot be told, the other server gives up by itself.
    answer: (node, outcomes) =>
      void redis.publish(nodeChannel(node), encodeBusMessage({ kind: 'outcomes', node: self, outcomes })),
    giveUp,
    underwayCount: () => underway.size,
  };
};
