import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Channel } from '../../src/lib/kernel/ports/transport.ts';
import { createLink, linkTimings } from '../../src/lib/mesh/link.ts';
import { createSeededRandom, createVirtualClock } from '../contracts/transport-world.ts';

const peer = { device: 'bora', person: 'bora', name: 'Bora', build: 'test' };

/** A link on a carrier whose messages are only written down. */
const createEnd = (clock = createVirtualClock()) => {
  const wire: { channel: Channel; message: Uint8Array }[] = [];
  const ends: string[] = [];
  const state = { buffered: 0, takes: true, isClosed: false };
  const link = createLink({
    clock,
    carrier: {
      kind: 'memory',
      isOfferer: true,
      binding: new Uint8Array(0),
      send: (channel, message) => {
        if (state.takes) wire.push({ channel, message });
        return state.takes;
      },
      bufferedBytes: () => state.buffered,
      listen: () => {},
      close: () => void (state.isClosed = true),
    },
    id: 'link',
    peer,
    onDown: (_link, reason) => void ends.push(reason),
  });
  wire.splice(0);
  return { link, wire, ends, state, clock };
};
const heardBy = (end: ReturnType<typeof createEnd>, channel: Channel = 'sync') => {
  const heard: Uint8Array[] = [];
  end.link.onFrame(channel, (frame) => void heard.push(frame));
  return heard;
};

describe('a link', () => {
  it('carries frames of any size up to 1 MB in messages that a carrier takes, whole and in order', () => {
    const random = createSeededRandom(5);
    const [anna, bora] = [createEnd(), createEnd()];
    const heard = heardBy(bora);
    const frames = [
      0,
      1,
      limits.chunkBytes - 1,
      limits.chunkBytes,
      limits.chunkBytes + 1,
      3 * limits.chunkBytes,
      limits.frameBytesMax,
    ].map((length) => random.bytes(length));
    for (const frame of frames) expect(anna.link.send('sync', frame)).toBe(true);
    expect(Math.max(...anna.wire.map(({ message }) => message.length))).toBeLessThanOrEqual(
      limits.carrierMessageBytesMax,
    );
    for (const { channel, message } of anna.wire) bora.link.receive(channel, message);
    expect(heard.length).toBe(frames.length);
    expect(heard.every((frame, at) => Buffer.from(frame).equals(Buffer.from(frames[at] ?? new Uint8Array(0))))).toBe(
      true,
    );
  });

  it('keeps the channels apart: a long frame on one does not disturb the other', () => {
    const [anna, bora] = [createEnd(), createEnd()];
    const [sync, rpc] = [heardBy(bora, 'sync'), heardBy(bora, 'rpc')];
    anna.link.send('sync', new Uint8Array(limits.chunkBytes * 2));
    anna.link.send('rpc', Uint8Array.of(7));
    const [one, two, small] = anna.wire;
    for (const part of [one, small, two]) if (part) bora.link.receive(part.channel, part.message);
    expect([sync.map(({ length }) => length), rpc]).toEqual([[limits.chunkBytes * 2], [Uint8Array.of(7)]]);
  });

  it('does not take a frame above the bound, nor more than the carrier can hold', () => {
    const { link, wire, state } = createEnd();
    expect(link.send('sync', new Uint8Array(limits.frameBytesMax + 1))).toBe(false);
    state.buffered = limits.bufferedAmountHighBytes + 1;
    expect(link.send('sync', Uint8Array.of(1))).toBe(false);
    expect(wire).toEqual([]);
  });

  it('ends when a carrier fails in the middle of a frame: half a frame is never taken for one', () => {
    const { link, state, ends } = createEnd();
    state.takes = false;
    expect(link.send('sync', new Uint8Array(limits.chunkBytes * 2))).toBe(false);
    expect(ends).toEqual(['carrier-refused']);
    expect([link.isOpen, state.isClosed]).toEqual([false, true]);
  });

  it('ends at once on what no link would send', () => {
    const full = new Uint8Array(limits.chunkBytes + 1);
    const more = full.slice().fill(1, 0, 1);
    const odd: Uint8Array[][] = [
      [new Uint8Array(0)],
      [Uint8Array.of(9)],
      [Uint8Array.of(3, 1)],
      [Uint8Array.of(4)],
      [Uint8Array.of(1)],
      [Uint8Array.of(1, 5)],
      [Uint8Array.of(2, 5)],
      [more, Uint8Array.of(2)],
    ];
    for (const messages of odd) {
      const { link, ends } = createEnd();
      for (const message of messages) link.receive('sync', message);
      expect(ends).toEqual(['frame-malformed']);
    }
  });

  it('ends when a frame grows beyond the bound, before it is put together', () => {
    const end = createEnd();
    const heard = heardBy(end);
    const more = new Uint8Array(limits.chunkBytes + 1).fill(1, 0, 1);
    let chunks = 0;
    for (; end.link.isOpen && chunks < 100; chunks++) end.link.receive('sync', more);
    expect(end.ends).toEqual(['frame-too-large']);
    expect(chunks).toBe(Math.floor(limits.frameBytesMax / limits.chunkBytes) + 1);
    expect(heard).toEqual([]);
  });

  it('keeps a few frames that come before anybody listens, and no more', () => {
    const end = createEnd();
    for (let at = 0; at < 500; at++) end.link.receive('sync', Uint8Array.of(0, at % 256));
    expect(heardBy(end).length).toBe(64);
    const heavy = createEnd();
    for (let at = 0; at < 10; at++) heavy.link.receive('sync', new Uint8Array(limits.chunkBytes));
    expect(heardBy(heavy).length).toBe(2);
  });

  it('asks for a sign of life every five seconds, measures the way there and back, and ends after fifteen silent ones', () => {
    const clock = createVirtualClock();
    const end = createEnd(clock);
    clock.advance(linkTimings.pingMs);
    const [ping] = end.wire.splice(0);
    expect(ping?.message[0]).toBe(3);
    clock.advance(40);
    end.link.receive('rpc', Uint8Array.of(4, ...(ping?.message.subarray(1) ?? [])));
    expect(end.link.rttMs()).toBe(40);
    clock.advance(linkTimings.silentMs - 40);
    expect(end.ends).toEqual([]);
    clock.advance(linkTimings.pingMs);
    expect(end.ends).toEqual(['silent']);
    clock.advance(3_600_000);
    expect(end.ends).toEqual(['silent']);
  });

  it('is given two seconds to show a sign of life when it is probed', () => {
    const clock = createVirtualClock();
    const [quiet, alive] = [createEnd(clock), createEnd(clock)];
    clock.advance(1);
    for (const { link } of [quiet, alive]) link.probe();
    clock.advance(linkTimings.probeMs - 1);
    alive.link.receive('rpc', Uint8Array.of(0));
    clock.advance(1);
    expect([quiet.ends, alive.ends]).toEqual([['silent'], []]);
  });

  it('answers a ping with its own bytes, and takes no round trip from the future or the distant past', () => {
    const clock = createVirtualClock();
    const end = createEnd(clock);
    end.link.receive('rpc', Uint8Array.of(3, 1, 2, 3, 4, 5, 6, 7, 8));
    expect(end.wire).toEqual([{ channel: 'rpc', message: Uint8Array.of(4, 1, 2, 3, 4, 5, 6, 7, 8) }]);
    for (const stamp of [clock.now() + 1, clock.now() - 60_001, Number.NaN, -Infinity]) {
      const pong = new Uint8Array(9);
      pong[0] = 4;
      new DataView(pong.buffer).setFloat64(1, stamp);
      end.link.receive('rpc', pong);
    }
    expect(end.link.rttMs()).toBeNull();
  });

  it('wakes whoever waits for room when there is some, and when the link ends', async () => {
    const { link, state } = createEnd();
    state.buffered = limits.bufferedAmountLowBytes + 1;
    const woken: string[] = [];
    const waiting = [
      link.drained('sync').then(() => woken.push('sync')),
      link.drained('rpc').then(() => woken.push('rpc')),
    ];
    link.drain('sync');
    await waiting[0];
    expect(woken).toEqual(['sync']);
    link.close('done');
    await Promise.all(waiting);
    expect(woken).toEqual(['sync', 'rpc']);
    await link.drained('bulk');
    expect(link.send('sync', Uint8Array.of(1))).toBe(false);
  });
});
