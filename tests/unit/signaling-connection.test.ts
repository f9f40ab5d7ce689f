import { describe, expect, it } from 'vitest';
import { addressToKey, createAddressBook } from '../../signaling/addresses.ts';
import { createConnection, type Connection } from '../../signaling/signal/connection.ts';
import { createMetrics } from '../../signaling/metrics.ts';
import { createRooms } from '../../signaling/signal/rooms.ts';
import { createTokenBucket } from '../../signaling/token-bucket.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createHandClock } from './signaling-fixture.ts';

/** A street without sockets: connections over memory, on a clock that a test moves. */
const createStreet = () => {
  const clock = createHandClock();
  const metrics = createMetrics();
  const rooms = createRooms<Connection>();
  const join = () => {
    const heard: Record<string, unknown>[] = [];
    const state = { buffered: 0, pings: 0, pongs: 0, closedWith: 0, isTerminated: false };
    const connection = createConnection({
      clock,
      metrics,
      rooms,
      socket: {
        send: (text) => void heard.push(JSON.parse(String(text)) as Record<string, unknown>),
        ping: () => void (state.pings += 1),
        pong: () => void (state.pongs += 1),
        bufferedBytes: () => state.buffered,
        pause: () => undefined,
        resume: () => undefined,
        close: (code) => void (state.closedWith = code),
        terminate: () => void (state.isTerminated = true),
      },
    });
    const say = (frame: object | string): void =>
      connection.receiveFrame(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), false);
    const take = () => heard.splice(0);
    return { connection, say, take, state };
  };
  return { clock, metrics, rooms, join };
};

describe('the verbs', () => {
  it('brings what anna publishes to bora and to anna, with every field and the number of listeners', () => {
    const { join } = createStreet();
    const [anna, bora, chen] = [join(), join(), join()];
    anna.say({ type: 'subscribe', topics: ['room', 'other'] });
    bora.say({ type: 'subscribe', topics: ['room'] });
    chen.say({ type: 'subscribe', topics: ['elsewhere'] });
    anna.say({ type: 'publish', topic: 'room', data: { type: 'announce', from: 'anna' }, extra: 1 });
    const expected = [
      { type: 'publish', topic: 'room', data: { type: 'announce', from: 'anna' }, extra: 1, clients: 2 },
    ];
    expect(anna.take()).toEqual(expected);
    expect(bora.take()).toEqual(expected);
    expect(chen.take()).toEqual([]);
  });

  it('stops delivering after unsubscribe and after leaving, and forgets empty topics', () => {
    const { join, rooms } = createStreet();
    const [anna, bora] = [join(), join()];
    anna.say({ type: 'subscribe', topics: ['room', 'second'] });
    bora.say({ type: 'subscribe', topics: ['room'] });
    anna.say({ type: 'unsubscribe', topics: ['room', 'never heard of'] });
    bora.say({ type: 'publish', topic: 'room' });
    expect(anna.take()).toEqual([]);
    expect(bora.take()).toEqual([{ type: 'publish', topic: 'room', clients: 1 }]);
    bora.connection.leave();
    bora.connection.leave();
    expect(rooms.topicCount()).toBe(1);
    anna.connection.leave();
    expect(rooms.topicCount()).toBe(0);
  });

  it('allows a publish to a topic the sender is not in, and counts it', () => {
    const { join, metrics } = createStreet();
    const [anna, bora] = [join(), join()];
    anna.say({ type: 'subscribe', topics: ['room'] });
    bora.say({ type: 'publish', topic: 'room', data: 'x' });
    expect(anna.take()).toEqual([{ type: 'publish', topic: 'room', data: 'x', clients: 1 }]);
    expect(bora.take()).toEqual([]);
    expect(metrics.counts.publishedOutside).toBe(1);
  });

  it('cannot be told the number of listeners by a sender', () => {
    const { join } = createStreet();
    const anna = join();
    anna.say({ type: 'subscribe', topics: ['room'] });
    anna.say({ type: 'publish', clients: 99, topic: 'room' });
    expect(anna.take()).toEqual([{ type: 'publish', topic: 'room', clients: 1 }]);
  });

  it('takes as many topics as fit and refuses the rest once', () => {
    const { join, rooms } = createStreet();
    const anna = join();
    const topics = Array.from({ length: limits.signalTopicsPerConnectionMax + 5 }, (_, index) => `room ${index}`);
    anna.say({ type: 'subscribe', topics });
    expect(rooms.topicCount()).toBe(limits.signalTopicsPerConnectionMax);
    expect(anna.take()).toEqual([{ type: 'refused', code: 'capacity_exceeded', reason: 'topics-per-connection' }]);
    anna.say({ type: 'subscribe', topics: topics.slice(0, 3) });
    expect(anna.take()).toEqual([]);
  });

  it('refuses a new topic when the server is full of topics, while known ones can still be joined', () => {
    const rooms = createRooms<string>();
    const perMember = limits.signalTopicsPerConnectionMax;
    for (let index = 0; index < limits.signalTopicsMax; index++) {
      expect(rooms.subscribe(`member ${Math.floor(index / perMember)}`, [`topic ${index}`])).toBe(null);
    }
    expect(rooms.subscribe('bora', ['one more'])).toBe('topics-total');
    expect(rooms.subscribe('bora', ['topic 0'])).toBe(null);
  });
});

describe('budgets', () => {
  it('refuses more messages than the burst, says when to come back, and serves again after that time', () => {
    const { clock, join } = createStreet();
    const anna = join();
    for (let count = 0; count < limits.signalMessageBurst; count++) anna.say({ type: 'ping' });
    expect(anna.take()).toHaveLength(limits.signalMessageBurst);
    anna.say({ type: 'ping' });
    const [refused] = anna.take();
    expect(refused).toEqual({
      type: 'refused',
      code: 'rate_limited',
      reason: 'message-rate',
      retryAfterMs: 1000 / limits.signalMessagesPerSecond,
    });
    clock.advance(Number(refused?.['retryAfterMs']));
    anna.say({ type: 'ping' });
    expect(anna.take()).toEqual([{ type: 'pong' }]);
  });

  it('refuses more bytes than the burst', () => {
    const { clock, join } = createStreet();
    const anna = join();
    const frame = { type: 'publish', topic: 'room', data: 'x'.repeat(60_000) };
    const sizeBytes = JSON.stringify(frame).length;
    const fitting = Math.floor(limits.signalByteBurst / sizeBytes);
    for (let count = 0; count < fitting; count++) anna.say(frame);
    expect(anna.take()).toEqual([]);
    anna.say(frame);
    expect(anna.take()).toMatchObject([{ code: 'rate_limited', reason: 'byte-rate' }]);
    clock.advance(1000);
    anna.say(frame);
    expect(anna.take()).toEqual([]);
  });

  it('refuses to multiply one sender without end in a full room', () => {
    const { join, metrics } = createStreet();
    const anna = join();
    const listeners = Array.from({ length: 200 }, join);
    for (const listener of listeners) listener.say({ type: 'subscribe', topics: ['room'] });
    const frame = { type: 'publish', topic: 'room', data: 'x'.repeat(limits.signalFrameBytesMax / 2) };
    for (let count = 0; count < 20; count++) anna.say(frame);
    expect(anna.take()[0]).toMatchObject({ code: 'rate_limited', reason: 'fan-out-rate' });
    expect(metrics.counts.bytesOut).toBeLessThanOrEqual(limits.signalFanoutByteBurst + limits.signalFrameBytesMax);
  });

  it('closes with 1008 who is refused too often, and hears nothing of it any more', () => {
    const { join, rooms } = createStreet();
    const anna = join();
    anna.say({ type: 'subscribe', topics: ['room'] });
    for (let count = 0; count < limits.signalRefusalBurst; count++) anna.say('nonsense');
    expect(anna.state.closedWith).toBe(0);
    expect(anna.take()).toHaveLength(limits.signalRefusalBurst);
    anna.say('nonsense');
    expect(anna.state.closedWith).toBe(1008);
    expect(rooms.topicCount()).toBe(0);
    anna.say({ type: 'ping' });
    anna.say({ type: 'subscribe', topics: ['room'] });
    expect(anna.take()).toEqual([]);
    expect(rooms.topicCount()).toBe(0);
    anna.connection.checkAlive();
    expect(anna.state.isTerminated).toBe(true);
  });

  it('charges control pings and pongs like frames', () => {
    const { join } = createStreet();
    const anna = join();
    for (let count = 0; count < 2_000; count++) anna.connection.receivePing(Buffer.alloc(0));
    expect(anna.state.pongs).toBe(limits.signalMessageBurst);
    expect(anna.state.closedWith).toBe(1008);
    const bora = join();
    for (let count = 0; count < 2_000; count++) bora.connection.receivePong();
    expect(bora.state.closedWith).toBe(1008);
  });

  it('refuses binary and oversized frames without reading them', () => {
    const { join } = createStreet();
    const anna = join();
    anna.connection.receiveFrame(Buffer.from('{"type":"ping"}'), true);
    anna.connection.receiveFrame(Buffer.alloc(limits.signalFrameBytesMax + 1, 32), false);
    // Few enough characters, but three bytes each.
    anna.say({ type: 'publish', topic: 'room', data: '\u20ac'.repeat(limits.signalFrameBytesMax / 2) });
    expect(anna.take()).toEqual([
      { type: 'refused', code: 'bad_request', reason: 'binary-frame' },
      { type: 'refused', code: 'too_large', reason: 'frame-too-large' },
      { type: 'refused', code: 'too_large', reason: 'frame-too-large' },
    ]);
  });

  it('refills after the clock was set back', () => {
    const clock = createHandClock();
    const bucket = createTokenBucket({ clock, perSecond: 1, burst: 1 });
    expect(bucket.take(1)).toBe(true);
    clock.advance(-86_400_000);
    expect(bucket.take(1)).toBe(false);
    clock.advance(1000);
    expect(bucket.take(1)).toBe(true);
  });
});

describe('slow and silent receivers', () => {
  it('lets a receiver that does not read miss messages, while the others hear all', () => {
    const { join, metrics } = createStreet();
    const [anna, bora, chen] = [join(), join(), join()];
    for (const person of [anna, bora, chen]) person.say({ type: 'subscribe', topics: ['room'] });
    bora.state.buffered = limits.signalBufferedBytesMax + 1;
    anna.say({ type: 'publish', topic: 'room', data: 'x' });
    expect(bora.take()).toEqual([]);
    expect(chen.take()).toHaveLength(1);
    expect(metrics.counts.lost).toBe(1);
    bora.connection.checkAlive();
    expect(bora.state.isTerminated).toBe(true);
    expect(metrics.closedCount('slow')).toBe(1);
    expect(chen.state.isTerminated).toBe(false);
  });

  it('pings each connection and cuts the one that answers nothing until the next time', () => {
    const { join, metrics } = createStreet();
    const [anna, bora] = [join(), join()];
    for (const person of [anna, bora]) person.connection.checkAlive();
    expect([anna.state.pings, bora.state.pings]).toEqual([1, 1]);
    anna.connection.receivePong();
    for (const person of [anna, bora]) person.connection.checkAlive();
    expect([anna.state.isTerminated, bora.state.isTerminated]).toEqual([false, true]);
    expect(metrics.closedCount('silent')).toBe(1);
  });
});

describe('addresses', () => {
  it('count by IPv4 address, by IPv6 household, and mapped IPv4 as IPv4', () => {
    expect(addressToKey('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(addressToKey('192.0.2.7')).toBe('192.0.2.7');
    expect(addressToKey('2001:db8:1:2:aaaa::1')).toBe(addressToKey('2001:0db8:0001:2:bbbb:cccc:dddd:eeee'));
    expect(addressToKey('2001:db8:1:3::1')).not.toBe(addressToKey('2001:db8:1:2::1'));
    expect(addressToKey('fe80::1%eth0')).toBe(addressToKey('fe80::2'));
    expect(addressToKey('::1')).toBe('0:0:0:0');
    expect(addressToKey('2001:DB8::1')).toBe('2001:db8:0:0');
  });

  it('give a place back only once it was released', () => {
    const book = createAddressBook({ totalMax: 3, perAddressMax: 2 });
    expect([book.take('a'), book.take('a'), book.take('a')]).toEqual([null, null, 'per-address']);
    expect([book.take('b'), book.take('c')]).toEqual([null, 'total']);
    book.release('a');
    expect([book.take('a'), book.take('a')]).toEqual([null, 'total']);
    for (const address of ['a', 'a', 'b']) book.release(address);
    expect([book.take('c'), book.take('c'), book.take('a')]).toEqual([null, null, null]);
  });
});
