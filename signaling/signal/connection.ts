import {
  encodeRefused,
  err,
  limits,
  parseSignalFrame,
  signalFailure,
  type JsonObject,
  type Result,
  type SignalFailure,
  type SignalFrame,
  type SignalRefusalReason,
} from '../../src/lib/kernel/wire/signal.ts';
import type { Clock } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import type { FrameSocket, SocketConnection } from '../socket-entrance.ts';
import { createTokenBucket, type TokenBucket } from '../token-bucket.ts';
import type { Rooms } from './rooms.ts';

/**
 * One signalling connection: budgets, parsing, the four verbs, and the answer to everything else. Musts:
 * - Every frame is charged before it is looked at, and control pings and pongs cost what a frame costs.
 * - A refusal is answered, and itself has a budget; who uses that up is closed with 1008.
 * - Nothing is ever queued here: a receiver that reads too slowly misses messages and never holds up another.
 */
export type Connection = SocketConnection & {
  /** False when the receiver is too far behind and missed it. `sizeBytes` is the text's size in UTF-8. */
  deliver(text: string, sizeBytes: number): boolean;
};

export type ConnectionDeps = {
  readonly socket: FrameSocket;
  readonly rooms: Rooms<Connection>;
  readonly metrics: Metrics;
  readonly clock: Clock;
};

const closePolicyViolated = 1008;
const pongText = JSON.stringify({ type: 'pong' });

export const createConnection = ({ socket, rooms, metrics, clock }: ConnectionDeps): Connection => {
  const budget = createBudget(clock);
  const outlet = createOutlet(socket, metrics);
  let isAlive = true;
  let isClosed = false;

  const leave = (): void => {
    isClosed = true;
    rooms.leave(connection);
  };

  const deliver = (text: string, sizeBytes: number): boolean => !isClosed && outlet.send(text, sizeBytes);
  const answer = (text: string): boolean => deliver(text, Buffer.byteLength(text));

  const refuse = (failure: SignalFailure): void => {
    metrics.refused(failure.reason);
    if (budget.takeRefusal()) return void answer(encodeRefused(failure));
    metrics.closed('abuse');
    leave();
    socket.close(closePolicyViolated, 'too many refused frames');
  };

  /** False when it was refused or the connection is over. Whatever arrives is a sign of life. */
  const admit = (sizeBytes: number): boolean => {
    if (isClosed) return false;
    isAlive = true;
    metrics.counts.messagesIn += 1;
    metrics.counts.bytesIn += sizeBytes;
    const over = budget.takeFrame(sizeBytes);
    if (over !== null) refuse(over);
    return over === null;
  };

  const publish = (topic: string, whole: JsonObject): void => {
    if (!rooms.isSubscribed(connection, topic)) metrics.counts.publishedOutside += 1;
    const receivers = rooms.receivers(topic);
    if (receivers.size === 0) return;
    const text = JSON.stringify({ ...whole, clients: receivers.size });
    const sizeBytes = Buffer.byteLength(text);
    const over = budget.takeFanout(sizeBytes * receivers.size);
    if (over !== null) return refuse(over);
    for (const receiver of receivers) receiver.deliver(text, sizeBytes);
  };

  const handle = (frame: SignalFrame): void => {
    if (frame.type === 'ping') return void answer(pongText);
    if (frame.type === 'publish') return publish(frame.topic, frame.whole);
    if (frame.type === 'unsubscribe') return rooms.unsubscribe(connection, frame.topics);
    const bound = rooms.subscribe(connection, frame.topics);
    if (bound !== null) refuse(signalFailure(bound));
  };

  const connection: Connection = {
    receiveFrame: (data, isBinary) => {
      if (!admit(data.length)) return;
      const frame = readFrame(data, isBinary);
      if (frame.ok) handle(frame.value);
      else refuse(frame.error);
    },
    receivePing: (data) => {
      if (admit(data.length) && !outlet.isBehind()) socket.pong(data);
    },
    receivePong: () => void admit(0),
    deliver,
    checkAlive: () => {
      if (isClosed) return socket.terminate();
      if (isAlive && !outlet.isBehind()) {
        isAlive = false;
        return socket.ping();
      }
      metrics.closed(outlet.isBehind() ? 'slow' : 'silent');
      leave();
      socket.terminate();
    },
    // The close code says it all to a stock client.
    sayGoodbye: () => undefined,
    leave,
  };
  return connection;
};

/** What the other side has not taken yet is bounded; beyond it a message is lost and counted. */
const createOutlet = (socket: FrameSocket, metrics: Metrics) => {
  const isBehind = (): boolean => socket.bufferedBytes() > limits.signalBufferedBytesMax;
  return {
    isBehind,
    send: (text: string, sizeBytes: number): boolean => {
      if (isBehind()) {
        metrics.counts.lost += 1;
        return false;
      }
      socket.send(text);
      metrics.counts.messagesOut += 1;
      metrics.counts.bytesOut += sizeBytes;
      return true;
    },
  };
};

/** The four budgets of a connection. Each verb answers null (taken) or the refusal with the time until it would fit. */
const createBudget = (clock: Clock) => {
  const bucket = (perSecond: number, burst: number) => createTokenBucket({ clock, perSecond, burst });
  const messages = bucket(limits.signalMessagesPerSecond, limits.signalMessageBurst);
  const bytes = bucket(limits.signalBytesPerSecond, limits.signalByteBurst);
  const fanout = bucket(limits.signalFanoutBytesPerSecond, limits.signalFanoutByteBurst);
  const refusals = bucket(limits.signalRefusalsPerSecond, limits.signalRefusalBurst);
  const take = (from: TokenBucket, count: number, reason: SignalRefusalReason): SignalFailure | null =>
    from.take(count) ? null : signalFailure(reason, from.waitMs(count));
  return {
    takeFrame: (sizeBytes: number) => take(messages, 1, 'message-rate') ?? take(bytes, sizeBytes, 'byte-rate'),
    /** One frame to a very full room may cost a whole burst, never more, or it could not be sent at all. */
    takeFanout: (costBytes: number) => take(fanout, Math.min(costBytes, limits.signalFanoutByteBurst), 'fan-out-rate'),
    takeRefusal: () => refusals.take(1),
  };
};

/** Stock clients send text only; what is too large or binary is refused before it is decoded. */
const readFrame = (data: Buffer, isBinary: boolean): Result<SignalFrame, SignalFailure> => {
  if (data.length > limits.signalFrameBytesMax) return err(signalFailure('frame-too-large'));
  return isBinary ? err(signalFailure('binary-frame')) : parseSignalFrame(data.toString('utf8'));
};
