import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { channels, type PipeWay } from '../../src/lib/kernel/ports/transport.ts';
import { randomInt } from '../../src/lib/kernel/ports/random.ts';
import type { WebrtcTransport } from '../../src/lib/transports/webrtc.ts';
import { bring as bringOne, say, textsOn, type Pipe } from '../contracts/transport-people.ts';
import { createFakeWebrtcWorld, type FakeWebrtcWorld } from '../contracts/transport-webrtc-world.ts';
import { createSeededRandom } from '../contracts/transport-world.ts';
import { utf8ToText } from '../../src/lib/kernel/ids.ts';

type Neighbour = { readonly transport: WebrtcTransport; readonly pipes: Pipe[]; kinds(): string[] };

const worlds: FakeWebrtcWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.dispose();
});
const makeWorld = (options: Parameters<typeof createFakeWebrtcWorld>[0] = {}): FakeWebrtcWorld => {
  const world = createFakeWebrtcWorld(options);
  worlds.push(world);
  return world;
};

/** Like the mesh: one pipe to each, and a direct one takes the place of a relayed one. */
const bring = (world: FakeWebrtcWorld, name: string, other: string): Neighbour => {
  const transport = world.transport(name);
  const pipes: Pipe[] = [];
  const open = (): Pipe[] => pipes.filter(({ ends }) => ends.length === 0);
  transport.meet({
    tag: 'street',
    key: new Uint8Array(32).fill(1),
    selfId: name,
    wants: (participant: string, way: PipeWay) =>
      participant === other && open().every(({ carrier }) => carrier.kind === 'relay' && way === 'direct'),
    onCarrier: (carrier, participant) => {
      const before = open();
      const pipe: Pipe = { carrier, participant, heard: [], ends: [], drains: 0, listen: () => undefined };
      carrier.listen({
        message: (channel, message) => void pipe.heard.push({ channel, text: utf8ToText(message) ?? '' }),
        drain: () => (pipe.drains += 1),
        closed: (reason) => void pipe.ends.push(reason),
      });
      pipes.push(pipe);
      if (carrier.kind === 'webrtc') for (const each of before) each.carrier.close();
    },
  });
  return { transport, pipes, kinds: () => open().map(({ carrier }) => carrier.kind) };
};

const bringTwo = (world: FakeWebrtcWorld): [Neighbour, Neighbour] => [
  bring(world, 'anna', 'bora'),
  bring(world, 'bora', 'anna'),
];
const areLinked =
  (kind: string, ...people: Neighbour[]) =>
  (): boolean =>
    people.every((person) => person.kinds().join() === kind);

describe('which way two neighbours are linked', () => {
  it('is the direct one where it comes about, and no server is asked to carry anything', async () => {
    const world = makeWorld();
    const [anna, bora] = bringTwo(world);
    await world.until('they are linked', areLinked('webrtc', anna, bora));
    await world.settle();
    expect([anna.pipes.length, bora.pipes.length]).toEqual([1, 1]);
    expect(world.hub.passed().every((bytes) => bytes[0] === 0)).toBe(true);
  });

  it('is over the server when no direct pipe has come about for three seconds, and direct again once that is possible', async () => {
    const world = makeWorld();
    world.rtc.setBlocked(true);
    const [anna, bora] = bringTwo(world);
    await world.pass(limits.relayAfterMs - 500);
    expect([anna.kinds(), bora.kinds()]).toEqual([[], []]);
    await world.until('the server carries', areLinked('relay', anna, bora));
    expect(world.clock.now()).toBeLessThan(1_000_000 + limits.relayAfterMs + 2_000);
    await world.pass(60_000);
    expect([anna.pipes.length, bora.pipes.length]).toEqual([1, 1]);
    world.rtc.setBlocked(false);
    await world.until('they are linked directly', areLinked('webrtc', anna, bora));
    await world.settle();
    expect([anna.pipes.length, bora.pipes.length, world.rtc.openCount()]).toEqual([2, 2, 2]);
  });

  it.each(['anna', 'bora'])(
    'is over the server at once when %s hides an address, and neither tells the other where it is',
    async (name) => {
      const world = makeWorld();
      const people = bringTwo(world);
      people[name === 'anna' ? 0 : 1].transport.setPrivacy({ hidesAddress: true });
      await world.until('the server carries', areLinked('relay', ...people));
      expect(world.clock.now()).toBeLessThan(1_000_000 + 1_500);
      await world.settle();
      expect(world.rtc.openCount()).toBe(0);
      people[name === 'anna' ? 0 : 1].transport.setPrivacy({ hidesAddress: false });
      await world.until('they are linked directly', areLinked('webrtc', ...people));
    },
  );

  it('loses the direct pipe the moment anna hides her address, and goes on over the server', async () => {
    const world = makeWorld();
    const [anna, bora] = bringTwo(world);
    await world.until('they are linked', areLinked('webrtc', anna, bora));
    anna.transport.setPrivacy({ hidesAddress: true });
    expect(anna.kinds()).toEqual([]);
    await world.until('the server carries', areLinked('relay', anna, bora));
    expect(world.rtc.openCount()).toBe(0);
  });

  it('is none while there is neither a direct way nor a server', async () => {
    const world = makeWorld({ hides: true });
    world.hub.setDown(true);
    const [anna, bora] = bringTwo(world);
    await world.settle();
    expect([anna.pipes, bora.pipes]).toEqual([[], []]);
    expect(anna.transport.state()).toMatchObject({ signalling: { state: 'lost' }, servers: [{ state: 'lost' }] });
  });
});

describe('a relayed pipe', () => {
  const linked = async (world: FakeWebrtcWorld): Promise<[Pipe, Pipe]> => {
    const [anna, bora] = bringTwo(world);
    await world.until('the server carries', areLinked('relay', anna, bora));
    const [first] = anna.pipes;
    const [second] = bora.pipes;
    if (!first || !second) throw new Error('no pipes');
    return [first, second];
  };
  const texts = (count: number): string[] =>
    Array.from({ length: count }, (_, at) => `${at} ${'x'.repeat((at * 977) % 40_000)}`);

  const sayAll = async (world: FakeWebrtcWorld, pipe: Pipe, count: number): Promise<void> => {
    for (const [at, text] of texts(count).entries()) {
      const channel = channels[at % 3] ?? 'sync';
      await world.until('there is room', () => say(pipe, channel, text));
    }
  };
  const expectAll = (pipe: Pipe, count: number): void => {
    for (const [index, channel] of channels.entries())
      expect(textsOn(pipe, channel)).toEqual(texts(count).filter((_, at) => at % 3 === index));
  };

  it('brings everything in order although the server refuses, loses, doubles and swaps what it carries', async () => {
    const world = makeWorld({ hides: true });
    const [anna, bora] = await linked(world);
    const random = createSeededRandom(31);
    let held: Uint8Array<ArrayBuffer> | null = null;
    world.hub.setTap((bytes) => {
      if (bytes[0] !== 1) return 'pass';
      const dice = randomInt(random, 20);
      if (dice === 0) return 'busy';
      if (dice === 1) return 'lose';
      if (dice === 2) return [bytes, bytes];
      if (dice > 4) return 'pass';
      const before = held;
      held = before === null ? bytes.slice() : null;
      return before === null ? [] : [bytes, before];
    });
    await sayAll(world, anna, 150);
    await sayAll(world, bora, 60);
    await world.until('bora has it all', () => bora.heard.length === 150 && anna.heard.length === 60);
    expectAll(bora, 150);
    expectAll(anna, 60);
    await world.until('anna knows it', () => channels.every((channel) => anna.carrier.bufferedBytes(channel) === 0));
    expect([anna.ends, bora.ends]).toEqual([[], []]);
  });

  it('brings each neighbour at one place what was said to that neighbour, and nothing else', async () => {
    const world = makeWorld({ hides: true });
    const [anna, bora, chen] = [bringOne(world, 'anna'), bringOne(world, 'bora'), bringOne(world, 'chen')];
    await world.until('all are linked', () => [anna, bora, chen].every(({ pipes }) => pipes.length === 2));
    for (let at = 0; at < 5; at++) {
      say(anna.to('bora'), 'sync', `bora ${at}`);
      say(anna.to('chen'), 'sync', `chen ${at}`);
    }
    await world.settle();
    const numbers = [0, 1, 2, 3, 4];
    expect(textsOn(bora.to('anna'), 'sync')).toEqual(numbers.map((at) => `bora ${at}`));
    expect(textsOn(chen.to('anna'), 'sync')).toEqual(numbers.map((at) => `chen ${at}`));
    expect([bora.to('chen')?.heard, anna.pipes.length]).toEqual([[], 2]);
  });

  it('goes on where it was when the server comes back after five seconds', async () => {
    const world = makeWorld({ hides: true });
    const [anna, bora] = await linked(world);
    await sayAll(world, anna, 20);
    world.hub.setDown(true);
    await world.pass(5_000);
    expect(say(anna, 'rpc', 'into the gap')).toBe(true);
    world.hub.setDown(false);
    await world.until('bora has it all', () => bora.heard.length === 21);
    expect([anna.ends, bora.ends]).toEqual([[], []]);
  });

  it('goes on over another server when its own goes away', async () => {
    const world = makeWorld({ hides: true, hubs: 2 });
    const [anna, bora] = await linked(world);
    await sayAll(world, anna, 10);
    world.hub.setDown(true);
    await sayAll(world, anna, 10);
    await world.until('bora has it all', () => bora.heard.length === 20);
    expect([anna.ends, bora.ends]).toEqual([[], []]);
  });

  it('ends at both ends when no server is left for so long that nobody could know', async () => {
    const world = makeWorld({ hides: true });
    const [anna, bora] = await linked(world);
    world.hub.setDown(true);
    say(anna, 'sync', 'is anybody there');
    say(bora, 'sync', 'is anybody there');
    await world.until('both know', () => anna.ends.length === 1 && bora.ends.length === 1);
    expect([anna.ends, bora.ends]).toEqual([['relay-silent'], ['relay-silent']]);
    expect(say(anna, 'sync', 'more')).toBe(false);
  });

  it('says truly how much has not arrived, and lets a call past what waits in bulk', async () => {
    const world = makeWorld({ hides: true });
    const [anna, bora] = await linked(world);
    world.hub.setTap((bytes) => (bytes[0] === 1 ? 'lose' : 'pass'));
    for (let at = 0; at < 20; at++) expect(say(anna, 'bulk', `${at}${'y'.repeat(40_000)}`)).toBe(true);
    await world.pass(1_000);
    expect(anna.carrier.bufferedBytes('bulk')).toBeGreaterThan(800_000);
    for (let at = 0; at < 20; at++) say(anna, 'bulk', 'z'.repeat(40_000));
    expect(say(anna, 'bulk', 'z'.repeat(40_000))).toBe(false);
    expect(say(anna, 'rpc', 'a call')).toBe(true);
    world.hub.setTap(() => 'pass');
    await world.until('the call is heard', () => textsOn(bora, 'rpc').length === 1);
    expect(bora.heard.findIndex(({ channel }) => channel === 'rpc')).toBeLessThan(10);
    await world.until('all has gone', () => anna.carrier.bufferedBytes('bulk') === 0);
    expect(anna.drains).toBeGreaterThan(0);
  });
});
