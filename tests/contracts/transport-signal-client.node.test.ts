import { beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createSignalClient, type SignalClient } from '../../src/lib/transports/signal-client.ts';
import { createSignalHub, type SignalHub } from './transport-signal-hub.ts';
import { createSeededRandom, createVirtualClock, type VirtualClock } from './transport-world.ts';

describe('signal client', () => {
  let clock: VirtualClock;
  let hub: SignalHub;
  let anna: SignalClient;
  let heard: string[];
  let openings: number;
  beforeEach(() => {
    clock = createVirtualClock();
    hub = createSignalHub(clock);
    anna = createSignalClient({ clock, random: createSeededRandom(3), Socket: hub.Socket, url: 'ws://hub/signal' });
    heard = [];
    openings = 0;
  });
  const enter = (topic = 'place'): (() => void) =>
    anna.subscribe(topic, { message: (data) => void heard.push(data), opened: () => void (openings += 1) });
  const enterAndOpen = (): (() => void) => {
    const leave = enter();
    clock.advance(10);
    expect(anna.state().state).toBe('open');
    return leave;
  };

  it('connects with the first topic and hangs up after the last', () => {
    clock.advance(1_000);
    expect(hub.made()).toBe(0);
    expect(anna.state()).toMatchObject({ state: 'off', url: 'ws://hub/signal' });
    const leaveFirst = enterAndOpen();
    const leaveSecond = enter('garden');
    clock.advance(10);
    expect([hub.made(), openings]).toEqual([1, 2]);
    hub.stranger.publish('garden', 'AAAA');
    clock.advance(10);
    expect(heard).toEqual(['AAAA']);
    leaveFirst();
    leaveSecond();
    leaveSecond();
    clock.advance(10);
    expect([hub.open(), anna.state().state]).toEqual([0, 'off']);
  });

  it('comes back by itself after the server was away, subscribes again and says so', () => {
    enterAndOpen();
    hub.setDown(true);
    clock.advance(10);
    const lostAt = anna.state().since;
    expect(anna.state().state).toBe('lost');
    expect(anna.publish('place', 'AAAA')).toBe(false);
    clock.advance(300_000);
    expect(anna.state()).toEqual({ url: 'ws://hub/signal', state: 'lost', since: lostAt });
    hub.setDown(false);
    clock.advance(limits.signalReconnectMaxMs);
    expect([anna.state().state, openings]).toEqual(['open', 2]);
    hub.stranger.publish('place', 'BBBB');
    clock.advance(10);
    expect(heard).toEqual(['BBBB']);
  });

  it('knocks less and less often while nobody answers, and never less than every fifteen seconds', () => {
    hub.setDown(true);
    enter();
    const knocks: number[] = [];
    for (let ms = 0; ms < 120_000; ms += 10) {
      const before = hub.made();
      clock.advance(10);
      if (hub.made() > before) knocks.push(ms);
    }
    const pauses = knocks.slice(1).map((at, index) => at - (knocks[index] ?? 0));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(limits.signalReconnectMinMs);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(limits.signalReconnectMaxMs + 20);
    expect(pauses.slice(5).every((pause) => pause > (pauses[0] ?? 0))).toBe(true);
  });

  it('stays while pings are answered, and leaves a socket that looks open after two unanswered ones', () => {
    enterAndOpen();
    clock.advance(limits.signalPingMs * 10);
    expect(hub.made()).toBe(1);
    hub.setSilent(true);
    clock.advance(limits.signalPingMs * 3 + 10);
    expect(anna.state().state).not.toBe('open');
    hub.setSilent(false);
    clock.advance(limits.signalReconnectMaxMs);
    expect([anna.state().state, openings]).toEqual(['open', 2]);
  });

  it('looks at once when the page wakes: makes sure of an open socket, and does not wait to replace a lost one', () => {
    enterAndOpen();
    hub.setSilent(true);
    anna.probe();
    clock.advance(limits.signalProbeMs + 10);
    expect(anna.state().state).toBe('lost');
    hub.setSilent(false);
    anna.probe();
    clock.advance(10);
    expect(anna.state().state).toBe('open');
    anna.probe();
    clock.advance(limits.signalProbeMs * 2);
    expect(hub.made()).toBe(2);
  });

  it('gives up a connection that never opens', () => {
    let closed = 0;
    const Never = class {
      readonly bufferedAmount = 0;
      send(): void {}
      addEventListener(): void {}
      close(): void {
        closed += 1;
      }
    };
    const bora = createSignalClient({ clock, random: createSeededRandom(4), Socket: Never, url: 'ws://hub/signal' });
    bora.subscribe('place', { message: () => {}, opened: () => {} });
    clock.advance(limits.connectTimeoutMs - 1);
    expect([bora.state().state, closed]).toEqual(['connecting', 0]);
    clock.advance(1);
    expect([bora.state().state, closed]).toEqual(['lost', 1]);
  });

  it('moves to another address, is off without one, and survives one that is none', () => {
    enterAndOpen();
    const states: string[] = [];
    anna.onState(() => void states.push(`${anna.state().state} ${anna.state().url}`));
    anna.setUrl('');
    clock.advance(10_000);
    expect([hub.open(), hub.made()]).toEqual([0, 1]);
    anna.setUrl('nonsense');
    clock.advance(10_000);
    expect(anna.state().state).toBe('lost');
    expect(anna.refusals().get('address: SyntaxError')).toBeGreaterThan(0);
    anna.setUrl('wss://other/signal');
    clock.advance(10);
    expect(anna.state()).toMatchObject({ state: 'open', url: 'wss://other/signal' });
    expect(states).toEqual([
      'off ',
      'off nonsense',
      'connecting nonsense',
      'lost nonsense',
      'off wss://other/signal',
      'connecting wss://other/signal',
      'open wss://other/signal',
    ]);
  });

  it('counts frames that are none and hears nothing of them', () => {
    enterAndOpen();
    const frames = [
      '',
      'null',
      '[]',
      '{',
      '{"type":7}',
      '{"type":"publish"}',
      new ArrayBuffer(8),
      '['.repeat(5_000),
      'A'.repeat(limits.signalFrameBytesMax + 1),
    ];
    for (const frame of frames) hub.shout(frame);
    hub.shout(JSON.stringify({ type: 'publish', topic: 'place', data: { from: 'a stock client' }, clients: 2 }));
    hub.shout(JSON.stringify({ type: 'publish', topic: 'elsewhere', data: 'AAAA', clients: 2 }));
    clock.advance(10);
    expect(heard).toEqual([]);
    expect([...anna.refusals().values()].reduce((sum, count) => sum + count, 0)).toBe(10);
    expect([hub.made(), anna.state().state]).toEqual([1, 'open']);
  });

  it('refuses one topic more than a connection may have, and none after it was stopped', () => {
    for (let at = 0; at < limits.signalTopicsPerConnectionMax; at++) enter(`place ${at}`);
    expect(() => enter('one more')).toThrow(RangeError);
    anna.stop();
    anna.stop();
    enter();
    clock.advance(60_000);
    expect([hub.open(), anna.state().state]).toEqual([0, 'off']);
  });
});
