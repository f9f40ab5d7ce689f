import { randomBytes, randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeBusMessage, parseBusMessage, type BusMessage } from '../../signaling/cluster/bus-messages.ts';
import { createDirectory } from '../../signaling/cluster/directory.ts';
import { streamKey } from '../../signaling/cluster/mail-scripts.ts';
import { createParcelPost } from '../../signaling/cluster/parcels.ts';
import type { Redis } from '../../signaling/cluster/redis.ts';
import { createStreamMail } from '../../signaling/cluster/stream-mail.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import { createVirtualClock } from '../support/virtual-clock.ts';

const street = 'street';
const bytes = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(length));

const parcel = (number: number, length = 10) => ({
  number,
  to: 'bora',
  from: 'anna',
  tag: street,
  bytes: bytes(length),
});
const messages = (): readonly BusMessage[] => [
  { kind: 'came', node: 'one', ids: ['anna', 'bora'] },
  { kind: 'here', node: 'one', ids: [] },
  { kind: 'left', node: 'one', ids: ['x'.repeat(limits.clusterNameCharsMax)] },
  { kind: 'parcels', node: 'one', parcels: [parcel(1), parcel(2 ** 32 - 1, 0), parcel(3, limits.meshSendBytesMax)] },
  {
    kind: 'outcomes',
    node: 'one',
    outcomes: [
      { number: 7, outcome: 'busy' },
      { number: 8, outcome: 'sent' },
    ],
  },
];

/** A Redis that takes everything, and answers nothing but what is given to it. */
const quietRedis = (over: Partial<Redis> = {}): Redis => ({
  isReady: () => true,
  command: () => Promise.resolve(err('refused')),
  publish: () => Promise.resolve(ok(1)),
  listen: () => Promise.resolve(ok(undefined)),
  unlisten: () => {},
  onReady: () => {},
  onLost: () => {},
  start: () => {},
  stop: () => {},
  ...over,
});

const openPost = (over: Partial<Redis> = {}) => {
  const clock = createVirtualClock(0);
  const gone: string[] = [];
  const post = createParcelPost({
    redis: quietRedis(over),
    node: 'one',
    clock,
    onGone: (node) => void gone.push(node),
  });
  const send = (node: string, length = 10) => {
    const { number: _number, ...rest } = parcel(0, length);
    const state = { outcome: 'open' };
    void post.send(node, rest).then((outcome) => (state.outcome = outcome));
    return state;
  };
  /** The last timer is ours, so that the clock stands there. */
  const advance = (byMs: number): void => {
    clock.after(byMs, () => {});
    for (const untilMs = clock.now() + byMs; clock.fireNext(untilMs););
  };
  return { advance, post, gone, send };
};
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('what whoever can write to Redis may send to a server', () => {
  it('is one of five messages exactly, or is dropped whole; nothing makes the parser throw', () => {
    for (const message of messages()) expect(parseBusMessage(encodeBusMessage(message))).toEqual(ok(message));
    const samples = messages().map(encodeBusMessage);
    for (let round = 0; round < 100_000; round++) {
      const sample = samples[round % samples.length] ?? Buffer.alloc(0);
      const odd = Buffer.from(sample.subarray(0, Math.min(sample.length, 400)));
      const kind = round % 3;
      if (kind === 0) randomBytes(4).copy(odd, randomInt(odd.length));
      const cut = kind === 1 ? odd.subarray(0, randomInt(odd.length)) : kind === 2 ? randomBytes(randomInt(64)) : odd;
      const parsed = parseBusMessage(cut);
      // What is taken is what it would be written as: no byte of it has two readings.
      if (parsed.ok) expect(encodeBusMessage(parsed.value).equals(cut)).toBe(true);
    }
  });

  it('is refused above its size, with a name too long, with words too long, or with an outcome that there is not', () => {
    const many = Array.from({ length: 20_000 }, (_, at) => `somebody with a long name ${at} ${'x'.repeat(20)}`);
    const tooLarge = encodeBusMessage({ kind: 'here', node: 'one', ids: many });
    expect(tooLarge.length).toBeLessThan(limits.clusterMessageBytesMax * 2);
    const longName = encodeBusMessage({ kind: 'left', node: 'one', ids: ['x'.repeat(limits.clusterNameCharsMax + 1)] });
    const longWords = encodeBusMessage({
      kind: 'parcels',
      node: 'one',
      parcels: [parcel(1, limits.meshSendBytesMax + 1)],
    });
    const outcome = encodeBusMessage({ kind: 'outcomes', node: 'one', outcomes: [{ number: 1, outcome: 'sent' }] });
    outcome[outcome.length - 1] = 3;
    const nameless = encodeBusMessage({ kind: 'here', node: '', ids: [] });
    for (const message of [longName, longWords, outcome, nameless])
      expect(parseBusMessage(message)).toEqual(err('malformed'));
    expect(parseBusMessage(Buffer.concat([tooLarge, tooLarge]))).toEqual(err('malformed'));
  });

  it('cannot settle what is under way to another server', async () => {
    const { advance, post, send } = openPost();
    const word = send('other');
    advance(limits.clusterBatchMs);
    post.settle('stranger', [{ number: 1, outcome: 'sent' }]);
    await settle();
    expect(word.outcome).toBe('open');
    post.settle('other', [{ number: 1, outcome: 'busy' }]);
    await settle();
    expect(word.outcome).toBe('busy');
  });

  it('cannot take somebody away who is at another server, and fills no tag beyond its bound', () => {
    const directory = createDirectory();
    directory.here(street, 'one', ['anna'], 100);
    directory.left(street, 'stranger', ['anna']);
    expect(directory.nodeOf(street, 'anna', 0)).toBe('one');
    const crowd = Array.from({ length: limits.clusterPerTagMax * 2 }, (_, at) => `guest ${at}`);
    directory.here(street, 'stranger', crowd, 100);
    expect(directory.ids(street, 0).length).toBe(limits.clusterPerTagMax);
    expect(directory.nodeOf(street, 'anna', 0)).toBe('one');
    expect(directory.nodeOf(street, 'anna', 101)).toBeNull();
  });
});

describe('another server that does not do its part', () => {
  it('and never says what became of a word has it counted as gone in time', async () => {
    const { advance, post, send } = openPost();
    const word = send('other');
    advance(limits.clusterAnswerMs / 2);
    const later = send('other');
    advance(limits.clusterAnswerMs / 2 + limits.clusterAnswerMs / 4);
    await settle();
    expect([word.outcome, later.outcome]).toEqual(['gone', 'open']);
    advance(limits.clusterAnswerMs);
    await settle();
    expect([later.outcome, post.underwayCount()]).toEqual(['gone', 0]);
  });

  it('and that nobody hears any more has its words given up at once', async () => {
    const { advance, gone, send } = openPost({ publish: () => Promise.resolve(ok(0)) });
    const word = send('other');
    advance(limits.clusterBatchMs);
    await settle();
    expect([word.outcome, gone]).toEqual(['gone', ['other']]);
  });

  it('and takes nothing in fills no memory here: beyond a bound its people are busy', async () => {
    const { post, send } = openPost();
    const words = Array.from({ length: 300 }, () => send('other', limits.meshSendBytesMax));
    const elsewhere = send('third');
    await settle();
    const busy = words.filter(({ outcome }) => outcome === 'busy').length;
    expect(post.underwayCount()).toBe(300 - busy + 1);
    expect((300 - busy) * limits.meshSendBytesMax).toBeLessThanOrEqual(limits.clusterInFlightBytesMax);
    expect([busy > 150, elsewhere.outcome]).toEqual([true, 'open']);
  });
});

describe('a Redis that may forget', () => {
  const openMail = async (settings: Record<string, string>) => {
    const ready: (() => void)[] = [];
    const asked: unknown[] = [];
    const command: Redis['command'] = (words) => {
      asked.push(...words);
      return Promise.resolve(ok(words[0] === 'CONFIG' ? settings : [1, 100, 1]));
    };
    const redis = quietRedis({ command, onReady: (run) => void ready.push(run) });
    const mail = createStreamMail({ redis, clock: createVirtualClock(0) });
    for (const run of ready) run();
    await settle();
    return { mail, asked };
  };
  const safe = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' };

  it('is never said to have kept anything', async () => {
    const trusted = await openMail(safe);
    expect(await trusted.mail.put('box', 1000, bytes(3))).toEqual(ok(null));
    expect(trusted.asked).toContain(streamKey('box'));
    for (const [name, value] of [
      ['appendonly', 'no'],
      ['appendfsync', 'everysec'],
      ['maxmemory-policy', 'volatile-ttl'],
    ]) {
      const { mail, asked } = await openMail({ ...safe, [String(name)]: String(value) });
      expect(await mail.put('box', 1000, bytes(3))).toEqual(err('mail-unavailable'));
      expect(mail.state().isOpen).toBe(false);
      expect(asked).not.toContain(streamKey('box'));
    }
  });
});
