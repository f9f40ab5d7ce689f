import { afterEach, describe, expect, it } from 'vitest';
import { createRelaySeal } from '../../src/lib/crypto/relay-seal.ts';
import { concatBytes, utf8, utf8ToText } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Link } from '../../src/lib/kernel/ports/links.ts';
import { randomInt } from '../../src/lib/kernel/ports/random.ts';
import { createNeighbours, type Neighbours } from '../../src/lib/mesh/neighbours.ts';
import { encodeRelayFrame, parseRelayFrame, relaySessionBytes } from '../../src/lib/transports/relay-frames.ts';
import { parseRelayDescription } from '../../src/lib/transports/relay-description.ts';
import type { Tap } from '../contracts/transport-mesh-hub.ts';
import { createFakeWebrtcWorld, type FakeWebrtcWorld } from '../contracts/transport-webrtc-world.ts';
import { createSeededRandom, systemRandom } from '../contracts/transport-world.ts';
import { selfOf } from '../unit/hello-fixture.ts';
import { hashOf, makePerson, platformCrypto } from '../unit/street-fixture.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

type Home = {
  readonly neighbours: Neighbours;
  readonly refused: string[];
  readonly heard: string[];
  readonly downs: string[];
};

/** A device with the real mesh over the real transport; only page and server are in memory. */
const settle = async (world: FakeWebrtcWorld, name: string, street = 'street'): Promise<Home> => {
  const person = await makePerson(name);
  const [refused, heard, downs]: [string[], string[], string[]] = [[], [], []];
  const neighbours = createNeighbours({
    clock: world.clock,
    random: systemRandom,
    crypto: platformCrypto,
    transport: world.transport(name),
    self: () => selfOf(person),
    onRefused: (reason) => refused.push(reason),
  });
  neighbours.links.onUp((link: Link) => {
    link.onFrame('sync', (frame) => void heard.push(utf8ToText(frame) ?? '?'));
  });
  neighbours.links.onDown((_, reason) => void downs.push(reason));
  neighbours.meetCommunity({ tag: street, key: hashOf(`key of ${street}`), psk: hashOf(`psk of ${street}`) });
  stops.push(neighbours.stop);
  return { neighbours, refused, heard, downs };
};
const makeWorld = (hides: boolean): FakeWebrtcWorld => {
  const world = createFakeWebrtcWorld({ hides });
  stops.push(world.dispose);
  return world;
};
const areLinked = (...homes: Home[]): boolean => homes.every(({ neighbours }) => neighbours.links.all().length === 1);
const say = ({ neighbours }: Home, text: string): boolean =>
  neighbours.links.all()[0]?.send('sync', utf8(text)) ?? false;

describe('a lying server', () => {
  it.each([true, false])('that swaps what devices say to each other makes no link (all over it: %s)', async (hides) => {
    const world = makeWorld(hides);
    const words: { readonly tag: string; readonly bytes: Uint8Array<ArrayBuffer> }[] = [];
    const random = createSeededRandom(41);
    // No word arrives as it was said where it was said: a changed one comes for it, and the last ones of the other street.
    world.hub.setTap((bytes, tag) => {
      words.push({ tag, bytes: bytes.slice() });
      const changed = bytes.slice();
      const at = 1 + randomInt(random, bytes.length - 1);
      changed[at] = (changed[at] ?? 0) ^ 0x40;
      return [
        changed,
        ...words
          .filter((word) => word.tag !== tag)
          .slice(-5)
          .map((word) => word.bytes),
      ];
    });
    const homes = await Promise.all([
      settle(world, 'anna'),
      settle(world, 'bora', 'other street'),
      settle(world, 'chen', 'other street'),
      settle(world, 'dora'),
    ]);
    for (let round = 0; round < 20; round++) await world.pass(1_000);
    expect(new Set(words.map(({ tag }) => tag)).size).toBe(2);
    expect(words.length).toBeGreaterThan(8);
    expect(homes.flatMap(({ neighbours }) => neighbours.links.all())).toEqual([]);
  });

  it('reads nothing of what anna and bora send each other over it, not even their names', async () => {
    const world = makeWorld(true);
    const homes = [await settle(world, 'anna'), await settle(world, 'bora')] as const;
    await world.until('they are linked', () => areLinked(...homes));
    expect(homes[0].neighbours.links.all()[0]?.kind).toBe('relay');
    expect(say(homes[0], 'insulin is at number seven')).toBe(true);
    await world.until('bora has it', () => homes[1].heard.includes('insulin is at number seven'));
    const seen = Buffer.concat(world.hub.passed()).toString('latin1');
    for (const secret of ['insulin', 'anna', 'bora', 'number seven']) expect(seen).not.toContain(secret);
  });

  /** What `forge` makes of the sealed data frames from `from` on; everything before goes through. */
  const tamper = async (
    forge: (data: Uint8Array<ArrayBuffer>, earlier: readonly Uint8Array<ArrayBuffer>[]) => ReturnType<Tap>,
  ) => {
    const world = makeWorld(true);
    const [anna, bora] = [await settle(world, 'anna'), await settle(world, 'bora')];
    await world.until('they are linked', () => areLinked(anna, bora));
    const earlier: Uint8Array<ArrayBuffer>[] = [];
    world.hub.setTap((bytes) => {
      const frame = parseRelayFrame(bytes.subarray(1));
      if (bytes[0] !== 1 || !frame.ok || frame.value.type !== 'data') return 'pass';
      earlier.push(bytes.slice());
      return forge(bytes, earlier);
    });
    for (let at = 0; at < 6; at++) say(anna, `word ${at}`);
    await world.until('somebody noticed', () => anna.downs.length > 0 || bora.downs.length > 0);
    return { anna, bora };
  };
  const inner = 1 + relaySessionBytes + 1 + 6;

  it('that changes one byte of a frame ends the link, and nothing false is heard', async () => {
    const { anna, bora } = await tamper((bytes) => [bytes.map((byte, at) => (at === inner + 3 ? byte ^ 1 : byte))]);
    expect([...anna.downs, ...bora.downs]).toContain('relay-frame-forged');
    expect([anna.heard, bora.heard]).toEqual([[], []]);
  });

  it('that gives an earlier frame the number of the next one ends the link, and nothing is heard twice', async () => {
    const { anna, bora } = await tamper((bytes, earlier) => {
      const [first] = earlier;
      if (earlier.length < 3 || first === undefined) return 'pass';
      // The number of the present frame, the content of an earlier one.
      return [concatBytes(bytes.subarray(0, inner), first.subarray(inner))];
    });
    expect([...anna.downs, ...bora.downs]).toContain('relay-frame-forged');
    expect(new Set(bora.heard).size).toBe(bora.heard.length);
  });

  it('that moves a frame to another channel, or sends anna her own words back, ends the link', async () => {
    const moved = await tamper((bytes) => {
      const copy = bytes.slice();
      copy[inner - 2] = copy[inner - 2] === 2 ? 0 : 2;
      return [copy];
    });
    expect([...moved.anna.downs, ...moved.bora.downs]).toContain('relay-frame-forged');
    expect([moved.anna.heard, moved.bora.heard]).toEqual([[], []]);
  });
});

describe('the seal of a relayed link', () => {
  const pair = async () => {
    const secret = hashOf('secret of one hello');
    return [
      await createRelaySeal(platformCrypto, secret, true),
      await createRelaySeal(platformCrypto, secret, false),
    ] as const;
  };

  it('opens what the other end sealed, each lane in its order', async () => {
    const [anna, bora] = await pair();
    const sealed = await Promise.all(['one', 'two'].map((text) => anna.seal(0, utf8(text))));
    const bulk = await anna.seal(2, utf8('aside'));
    expect(await bora.open(2, bulk)).toEqual(utf8('aside'));
    for (const [at, text] of ['one', 'two'].entries())
      expect(await bora.open(0, sealed[at] ?? new Uint8Array(0))).toEqual(utf8(text));
  });

  it.each([
    ['a repetition', async (one: Uint8Array) => [one, one]],
    ['a gap', async (_: Uint8Array, two: Uint8Array) => [two]],
    ['two that changed places', async (one: Uint8Array, two: Uint8Array) => [two, one]],
    ['a frame cut short', async (one: Uint8Array) => [one.subarray(0, -1)]],
  ])('does not open %s', async (_, order) => {
    const [anna, bora] = await pair();
    const one = await anna.seal(0, utf8('one'));
    const opened = [];
    for (const sealed of await order(one, await anna.seal(0, utf8('two')))) opened.push(await bora.open(0, sealed));
    expect(opened).toContain(null);
  });

  it('does not open its own words sent back, or those of another Hello', async () => {
    const [anna] = await pair();
    const other = await createRelaySeal(platformCrypto, hashOf('secret of a later hello'), false);
    expect(await anna.open(0, await anna.seal(0, utf8('one')))).toBe(null);
    expect(await other.open(0, await anna.seal(0, utf8('two')))).toBe(null);
  });
});

describe('frames of a relayed pipe', () => {
  it('survive fifty thousand mutations, and whatever is taken has exactly these bytes', () => {
    const random = createSeededRandom(43);
    const session = new Uint8Array(relaySessionBytes).fill(7);
    const bytes = new Uint8Array(200).fill(3);
    const seeds = [
      encodeRelayFrame(session, { type: 'open' }),
      encodeRelayFrame(session, { type: 'ack', next: 9 }),
      encodeRelayFrame(session, { type: 'data', number: 4, channel: 'bulk', hasMore: true, bytes }),
    ];
    for (let at = 0; at < 50_000; at++) {
      const frame = (seeds[at % 3] ?? new Uint8Array(0)).slice(0, at % 5 === 0 ? randomInt(random, 230) : undefined);
      for (let flips = randomInt(random, 4); flips > 0; flips--)
        frame[randomInt(random, frame.length || 1)] = randomInt(random, 256);
      const parsed = parseRelayFrame(frame);
      if (
        parsed.ok &&
        Buffer.compare(encodeRelayFrame(frame.subarray(0, relaySessionBytes), parsed.value), frame) !== 0
      )
        expect.fail(`accepted another spelling of ${Buffer.from(frame).toString('hex')}`);
    }
  });

  it('are refused by name when they are too long, too short, or of no channel', () => {
    const session = new Uint8Array(relaySessionBytes);
    const data = encodeRelayFrame(session, {
      type: 'data',
      number: 0,
      channel: 'sync',
      hasMore: false,
      bytes: utf8('x'),
    });
    const long = new Uint8Array(limits.relayFragmentBytes + 1);
    const refusals = [
      new Uint8Array(0),
      session,
      Uint8Array.of(...session, 0, 1),
      Uint8Array.of(...session, 4, 1),
      data.map((byte, at) => (at === relaySessionBytes + 5 ? 9 : byte)),
      data.map((byte, at) => (at === relaySessionBytes + 6 ? 2 : byte)),
      encodeRelayFrame(session, { type: 'data', number: 0, channel: 'sync', hasMore: false, bytes: long }),
    ].map((frame) => {
      const parsed = parseRelayFrame(frame);
      return parsed.ok ? 'taken' : parsed.error;
    });
    expect(refusals).toEqual([
      'relay-type',
      'relay-type',
      'relay-length',
      'relay-length',
      'relay-channel',
      'relay-channel',
      'relay-length',
    ]);
  });

  it('descriptions that are none are refused', () => {
    const name = 'A'.repeat(22);
    expect(parseRelayDescription(`relay:1 ${name} ${name}`)).not.toBe(null);
    for (const text of [
      '',
      'relay:',
      `relay:2 ${name} ${name}`,
      `relay:1 ${name}`,
      `relay:1 x ${name}`,
      `relay:1 ${name} ${name} x`,
    ])
      expect(parseRelayDescription(text)).toBe(null);
    expect(
      parseRelayDescription(
        `relay:1 ${Array(limits.meshServersMax + 2)
          .fill(name)
          .join(' ')}`,
      ),
    ).toBe(null);
  });
});
