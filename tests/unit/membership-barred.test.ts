import { describe, expect, it } from 'vitest';
import type { Link } from '../../src/lib/kernel/ports/links.ts';
import { createSignal } from '../../src/lib/kernel/watch.ts';
import { createBarredLinks } from '../../src/lib/node/barred-links.ts';
import { parseFrame } from '../../src/lib/replica/frames.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { todayMs } from './street-fixture.ts';

const linkTo = (device: string, happened: string[]): Link => ({
  id: `link to ${device}`,
  peer: { device, person: device, name: device, build: 'test' },
  kind: 'memory',
  send: (channel, frame) => {
    const parsed = parseFrame(frame);
    happened.push(
      `${device} hears ${parsed.ok && parsed.value.type === 'bye' ? parsed.value.reason : 'noise'} on ${channel}`,
    );
    return true;
  },
  drained: () => Promise.resolve(),
  onFrame: () => () => {},
  rides: () => () => {},
  isOpen: true,
  close: (reason) => void happened.push(`${device} closed ${reason}`),
});

describe('the links of whoever is out', () => {
  it('end from this side too: nothing more is told at once, the reason is said, and a second later the link goes', () => {
    const clock = createVirtualClock(todayMs);
    const happened: string[] = [];
    const [bora, chen] = [linkTo('bora', happened), linkTo('chen', happened)];
    const changed = createSignal();
    const out = new Set<string>();
    const stop = createBarredLinks({
      clock,
      links: { all: () => [bora, chen], of: () => null, onUp: () => () => {}, onDown: () => () => {} },
      barOf: (device) => (out.has(device) ? 'removed' : null),
      forget: (link) => void happened.push(`${link.peer.device} forgotten`),
      onChange: changed.on,
    });
    changed.tell();
    expect(happened).toEqual([]);
    out.add('bora');
    changed.tell();
    changed.tell();
    expect(happened).toEqual(['bora forgotten', 'bora hears removed on sync']);
    clock.advance(1_000);
    expect(happened.slice(2)).toEqual(['bora closed barred:removed']);
    stop();
  });
});
