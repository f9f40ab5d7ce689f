import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createClientFacts, parseProxyList } from '../../signaling/client-facts.ts';
import { readConfiguration } from '../../signaling/configuration.ts';
import { chooseNear } from '../../signaling/mesh/choose-near.ts';
import { fromFrame } from '../../signaling/mesh/from-frame.ts';
import { createLocalExchange } from '../../signaling/mesh/local-exchange.ts';
import { createAddressMailBudget, createMeshBudget } from '../../signaling/mesh/mesh-budget.ts';
import { isSignedBy } from '../../signaling/mesh/signature.ts';
import { textOfBytes } from '../../signaling/mesh/wire-text.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { encodeMeshAnswer } from '../../src/lib/kernel/wire/mesh-wire.ts';
import { makeKey, someBytes, textBytes } from './mesh-fixture.ts';
import { createHandClock } from './signaling-fixture.ts';

const requestFrom = (remoteAddress: string, headers: Record<string, string> = {}): IncomingMessage =>
  ({ socket: { remoteAddress }, headers }) as unknown as IncomingMessage;

describe('TRUST_PROXY', () => {
  const facts = createClientFacts(unwrap(parseProxyList('10.0.0.0/8, 192.168.1.1, fd00::/8')));

  it('counts the address that the nearest trusted proxy saw, never one a client could have written', () => {
    const addressOf = (peer: string, forwarded: string) =>
      facts.addressOf(requestFrom(peer, { 'x-forwarded-for': forwarded }));
    expect(addressOf('10.1.2.3', '203.0.113.7')).toBe('203.0.113.7');
    expect(addressOf('::ffff:10.1.2.3', '203.0.113.7')).toBe('203.0.113.7');
    expect(addressOf('10.1.2.3', '1.1.1.1, 203.0.113.7, 192.168.1.1')).toBe('203.0.113.7');
    expect(addressOf('fd00::1', '2001:db8::5')).toBe('2001:db8::5');
    expect(addressOf('203.0.113.9', '1.1.1.1')).toBe('203.0.113.9');
    expect(addressOf('192.168.1.2', '1.1.1.1')).toBe('192.168.1.2');
    expect(addressOf('10.1.2.3', 'rubbish')).toBe('10.1.2.3');
    expect(addressOf('10.1.2.3', '')).toBe('10.1.2.3');
  });

  it('takes the host that was asked for from a trusted proxy only', () => {
    const headers = { host: 'Inside:8787', 'x-forwarded-host': 'Hearth.example' };
    expect(facts.hostOf(requestFrom('10.1.2.3', headers))).toBe('hearth.example');
    expect(facts.hostOf(requestFrom('203.0.113.9', headers))).toBe('inside:8787');
    expect(facts.hostOf(requestFrom('10.1.2.3', { host: 'hearth.example' }))).toBe('hearth.example');
  });
});

describe('the environment', () => {
  const sentenceOf = (env: Record<string, string>): string => {
    const read = readConfiguration(env);
    return read.ok ? 'ok' : read.error;
  };

  it('is refused in one sentence that names the part', () => {
    expect(sentenceOf({ TRUST_PROXY: '10.0.0.1, house' })).toMatch(/^TRUST_PROXY .* "house" is neither\.$/);
    expect(sentenceOf({ TRUST_PROXY: '10.0.0.0/33' })).toMatch(/^TRUST_PROXY .*\.$/);
    expect(sentenceOf({ TURN_URLS: 'turn:a.example' })).toMatch(/^TURN_URLS needs TURN_SECRET/);
    expect(sentenceOf({ TURN_SECRET: 'x' })).toMatch(/^TURN_SECRET needs TURN_URLS/);
    expect(sentenceOf({ TURN_URLS: 'https://a.example', TURN_SECRET: 'x' })).toMatch(/^TURN_URLS must list/);
    expect(sentenceOf({ DATA_MAX_MB: 'much' })).toMatch(/^DATA_MAX_MB must be/);
    expect(sentenceOf({})).toBe('ok');
  });

  it('gives TURN servers, the bound of the data file and Redis', () => {
    const read = unwrap(
      readConfiguration({
        TURN_URLS: 'turn:a.example:3478?transport=udp, turns:a.example',
        TURN_SECRET: 'x',
        DATA_MAX_MB: '2',
        REDIS_URL: 'redis://localhost',
      }),
    );
    expect(read.turn).toEqual({ urls: ['turn:a.example:3478?transport=udp', 'turns:a.example'], secret: 'x' });
    expect(read).toMatchObject({ fileBytesMax: 2 * 1024 * 1024, redisUrl: 'redis://localhost' });
  });
});

describe('the sample of a tag', () => {
  let state = 7;
  const below = (bound: number): number => (state = (state * 48_271) % 2_147_483_647) % bound;
  const ids = Array.from({ length: 3_000 }, (_, index) => `id${index}`);

  it('is everybody else while there are few, and as many as wanted of many', () => {
    expect(chooseNear(['a', 'b', 'c'], 'b', 16, below)).toEqual(['a', 'c']);
    expect(chooseNear(ids.slice(0, 17), 'id3', 16, below)).toHaveLength(16);
    expect(new Set(chooseNear(ids, 'id3', 16, below)).size).toBe(16);
    expect(chooseNear(ids.slice(0, 18), 'id3', 16, below)).not.toContain('id3');
  });

  it('has a half that two would choose of each other, and ends with dice that always fall alike', () => {
    const few = ids.slice(0, 100);
    const chosen = chooseNear(few, 'id3', 2, () => 0);
    expect(chooseNear(few, 'id3', 2, () => 0)).toEqual(chosen);
    expect(chooseNear(few, 'id0', 16, () => 0).length).toBeGreaterThanOrEqual(8);
  });

  it('of 500 who join one after the other costs no more than 8,000 names, and leaves nobody out', () => {
    const exchange = createLocalExchange(below);
    const heardOf = new Set<string>();
    let names = 0;
    for (const id of ids.slice(0, 500)) {
      exchange.join('street', id, () => true);
      const sample = exchange.sample('street', id, limits.meetSampleMax);
      if (sample instanceof Promise) throw new Error('the exchange of one process answers at once');
      names += sample.near.length;
      for (const near of sample.near) heardOf.add(near).add(id);
    }
    expect(names).toBeLessThanOrEqual(8_000);
    expect(heardOf.size).toBe(500);
  });
});

describe('the exchange of one process', () => {
  it('hands words to the newest of an id, and an older parting changes nothing', () => {
    const exchange = createLocalExchange(() => 0);
    const heard: string[] = [];
    const partOld = exchange.join('street', 'anna', () => heard.push('old') > 0);
    exchange.join('street', 'anna', () => heard.push('new') > 0);
    partOld?.();
    expect(exchange.send('anna', 'street', 'bora', textBytes('x'))).toBe('sent');
    expect(exchange.send('anna', 'elsewhere', 'bora', textBytes('x'))).toBe('gone');
    expect(heard).toEqual(['new']);
  });

  it('takes so many tags and no more', () => {
    const exchange = createLocalExchange(() => 0);
    const parts = Array.from({ length: limits.meshTagsMax }, (_, index) =>
      exchange.join(`t${index}`, 'anna', () => true),
    );
    expect(exchange.join('one too many', 'anna', () => true)).toBeNull();
    parts[0]?.();
    expect(exchange.join('one too many', 'anna', () => true)).not.toBeNull();
  });
});

describe('budgets', () => {
  it('make a frame over the rate a debt that takes its time', () => {
    const clock = createHandClock();
    const budget = createMeshBudget(clock);
    expect(budget.chargeFrame(limits.meshByteBurst)).toBe(0);
    expect(budget.chargeFrame(limits.meshBytesPerSecond)).toBe(1_000);
    clock.advance(1_000);
    expect(budget.chargeFrame(0)).toBe(0);
    for (let count = 0; count < limits.meshWorkBurst; count++) expect(budget.takeWork()).toBeNull();
    expect(budget.takeWork()).toBe(1_000 / limits.meshWorkPerSecond);
  });

  it('let one address leave so much mail, whatever others leave', () => {
    const take = createAddressMailBudget(createHandClock());
    expect(take('10.0.0.1', limits.mailByteBurstPerAddress)).toBeNull();
    expect(take('10.0.0.1', limits.mailBytesPerAddressPerSecond)).toBe(1_000);
    expect(take('10.0.0.2', 1)).toBeNull();
  });
});

describe('the frame that is passed on', () => {
  it.each([0, 23, 24, 255, 256, limits.meshSendBytesMax])(
    'has the bytes that the codec writes, with %i of words',
    (length) => {
      const [from, tag, bytes] = [someBytes(16), someBytes(32), someBytes(length)];
      const frame = fromFrame(textOfBytes(from), textOfBytes(tag), bytes);
      expect(frame.equals(encodeMeshAnswer({ type: 'from', from, tag, bytes }))).toBe(true);
    },
  );
});

describe('signatures', () => {
  it('are true for the key that made them only, and no key or message makes them throw', () => {
    const [anna, bora] = [makeKey(), makeKey()];
    const signature = anna.sign(textBytes('words'));
    expect(isSignedBy(anna.id, textBytes('words'), signature)).toBe(true);
    expect(isSignedBy(bora.id, textBytes('words'), signature)).toBe(false);
    expect(isSignedBy(anna.id, textBytes('other words'), signature)).toBe(false);
    expect(isSignedBy(new Uint8Array(32).fill(255), textBytes('words'), signature)).toBe(false);
    for (let times = 0; times < 200; times++) {
      expect(isSignedBy(someBytes(32), someBytes(5), someBytes(64))).toBe(false);
    }
  });
});
