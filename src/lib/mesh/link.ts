import { concatBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Link, LinkPeer } from '../kernel/ports/links.ts';
import { channels, type Carrier, type Channel, type PipePath } from '../kernel/ports/transport.ts';
import { createRiders } from './riders.ts';

/** First byte of every carrier message after Hello. A frame longer than a chunk is `more` ... `more` `last`, in order on its channel. */
const tags = { whole: 0, more: 1, last: 2, ping: 3, pong: 4, word: 5 } as const;

export const linkTimings = { pingMs: 5_000, silentMs: 15_000, probeMs: 2_000, wakeProbeMs: 1_000 } as const;

const earlyFramesMax = 64;

export type LiveLink = Link & {
  /** Milliseconds of the last ping there and back; null before the first. */
  rttMs(): number | null;
  /** The way the carrier takes, where it tells. */
  path(): PipePath | null;
  lastHeardAt(): number;
  /** When it came up, by this device's clock. */
  readonly since: number;
  /** Asks for a sign of life now; without one within `withinMs` (`linkTimings.probeMs` when not said) the link is closed. */
  probe(withinMs?: number): void;
  /** The overlay's own lane beside the frames: a short word to the overlay at the other end. */
  say(word: Uint8Array): boolean;
  onWord(listener: (word: Uint8Array) => void): () => void;
  /** What the carrier delivers; called by the owner of the carrier only. */
  receive(channel: Channel, message: Uint8Array): void;
  drain(channel: Channel): void;
  lost(reason: string): void;
};

/** A proven link over a carrier: frames of any bounded size on chunks, pings, and an end that everybody hears of once. */
export const createLink = (deps: {
  clock: Clock;
  carrier: Carrier;
  id: string;
  peer: LinkPeer;
  onDown: (link: LiveLink, reason: string) => void;
}): LiveLink => {
  const { clock, carrier } = deps;
  const listeners = new Map<Channel, Set<(frame: Uint8Array) => void>>(channels.map((channel) => [channel, new Set()]));
  const unheard = new Map<Channel, Uint8Array[]>(channels.map((channel) => [channel, []]));
  const parts = new Map<Channel, Uint8Array[]>();
  const drainWaiters = new Map<Channel, (() => void)[]>();
  const wordListeners = new Set<(word: Uint8Array) => void>();
  const riders = createRiders();
  let isOpen = true;
  let rttMs: number | null = null;
  let heardAt = clock.now();
  let cancelPing = (): void => {};

  const end = (reason: string): void => {
    if (!isOpen) return;
    isOpen = false;
    cancelPing();
    for (const waiters of drainWaiters.values()) for (const resolve of waiters.splice(0)) resolve();
    carrier.close();
    deps.onDown(link, reason);
  };

  const ping = (withRiders: boolean): void => {
    const stamp = new Uint8Array(9);
    stamp[0] = tags.ping;
    new DataView(stamp.buffer).setFloat64(1, clock.now());
    carrier.send('rpc', withRiders ? concatBytes(stamp, riders.gather()) : stamp);
  };
  const planPing = (): void => {
    cancelPing = clock.after(linkTimings.pingMs, () => {
      if (clock.now() - heardAt > linkTimings.silentMs) return end('silent');
      ping(carrier.bufferedBytes('rpc') < limits.bufferedAmountLowBytes);
      planPing();
    });
  };

  const deliver = (channel: Channel, frame: Uint8Array): void => {
    const hearing = listeners.get(channel);
    if (hearing && hearing.size > 0) return hearing.forEach((listener) => listener(frame));
    const early = unheard.get(channel);
    // Frames can come before the layer above has attached; a stranger cannot make this grow.
    const bytes = early?.reduce((total, each) => total + each.length, frame.length) ?? 0;
    if (early && early.length < earlyFramesMax && bytes <= limits.chunkBytes * 2) early.push(frame.slice());
  };

  const assemble = (channel: Channel, tag: number, body: Uint8Array): void => {
    const collected = parts.get(channel) ?? [];
    // Only full chunks go on: else a frame could be drawn out into a million pieces.
    const isInOrder = tag === tags.more ? body.length === limits.chunkBytes : body.length > 0 && collected.length > 0;
    if (!isInOrder) return end('frame-malformed');
    collected.push(body);
    if (collected.reduce((total, part) => total + part.length, 0) > limits.frameBytesMax) return end('frame-too-large');
    if (tag === tags.more) return void parts.set(channel, collected);
    parts.delete(channel);
    deliver(channel, concatBytes(...collected));
  };

  const receive = (channel: Channel, message: Uint8Array): void => {
    if (!isOpen) return;
    heardAt = clock.now();
    const tag = message[0];
    const body = message.subarray(1);
    if (tag === tags.whole) return deliver(channel, body);
    if (tag === tags.more || tag === tags.last) return assemble(channel, tag, body);
    if (tag === tags.ping && body.length >= 8) {
      carrier.send('rpc', concatBytes(Uint8Array.of(tags.pong), body.subarray(0, 8)));
      const ridden = riders.read(body.subarray(8));
      return ridden ? ridden.forEach(({ channel: lane, frame }) => deliver(lane, frame)) : end('frame-malformed');
    }
    if (tag === tags.word) return wordListeners.forEach((listener) => listener(body));
    if (tag === tags.pong && body.length === 8) {
      const sentAt = new DataView(body.buffer, body.byteOffset).getFloat64(0);
      if (sentAt <= clock.now() && clock.now() - sentAt < 60_000) rttMs = Math.round(clock.now() - sentAt);
      return;
    }
    end('frame-malformed');
  };

  const send = (channel: Channel, frame: Uint8Array): boolean => {
    if (
      !isOpen ||
      frame.length > limits.frameBytesMax ||
      carrier.bufferedBytes(channel) > limits.bufferedAmountHighBytes
    )
      return false;
    if (frame.length <= limits.chunkBytes) return carrier.send(channel, concatBytes(Uint8Array.of(tags.whole), frame));
    for (let at = 0; at < frame.length; at += limits.chunkBytes) {
      const tag = at + limits.chunkBytes < frame.length ? tags.more : tags.last;
      if (!carrier.send(channel, concatBytes(Uint8Array.of(tag), frame.subarray(at, at + limits.chunkBytes)))) {
        end('carrier-refused');
        return false;
      }
    }
    return true;
  };

  const link: LiveLink = {
    id: deps.id,
    peer: deps.peer,
    kind: carrier.kind,
    send,
    drained: (channel) =>
      isOpen && carrier.bufferedBytes(channel) > limits.bufferedAmountLowBytes
        ? new Promise((resolve) => void drainWaiters.set(channel, [...(drainWaiters.get(channel) ?? []), resolve]))
        : Promise.resolve(),
    onFrame: (channel, listener) => {
      listeners.get(channel)?.add(listener);
      for (const frame of unheard.get(channel)?.splice(0) ?? []) listener(frame);
      return () => void listeners.get(channel)?.delete(listener);
    },
    rides: riders.add,
    say: (word) =>
      isOpen &&
      word.length <= limits.overlayWordBytesMax &&
      carrier.bufferedBytes('rpc') <= limits.bufferedAmountHighBytes &&
      carrier.send('rpc', concatBytes(Uint8Array.of(tags.word), word)),
    onWord: (listener) => {
      wordListeners.add(listener);
      return () => void wordListeners.delete(listener);
    },
    get isOpen() {
      return isOpen;
    },
    close: end,
    rttMs: () => rttMs,
    path: () => carrier.path?.() ?? null,
    lastHeardAt: () => heardAt,
    since: clock.now(),
    probe: (withinMs: number = linkTimings.probeMs) => {
      const askedAt = clock.now();
      ping(false);
      clock.after(withinMs, () => {
        if (isOpen && heardAt < askedAt) end('silent');
      });
    },
    receive,
    drain: (channel) =>
      drainWaiters
        .get(channel)
        ?.splice(0)
        .forEach((resolve) => resolve()),
    lost: end,
  };
  ping(false);
  planPing();
  return link;
};
