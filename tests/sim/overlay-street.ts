import { createHash } from 'node:crypto';
import { bytesToText, textToBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { randomInt, type Random } from '../../src/lib/kernel/ports/random.ts';
import type { Event } from '../../src/lib/log/event.ts';
import type { Entry } from '../../src/lib/log/lanes.ts';
import { createVirtualClock } from '../support/virtual-clock.ts';
import { createOverlayNode, type OverlayNode, type SimEvents } from './overlay-node.ts';

export type SpreadFigures = {
  /** Frames that bring it, ask for it or name it, and words about trees, by devices that were to hear it. */
  readonly sendsPerReceiver: number;
  readonly hopsMax: number;
  readonly coverage: number;
};
export type OverlayFigures = {
  readonly nodes: number;
  readonly linksMean: number;
  readonly linksMax: number;
  /** The first event of an author builds its tree; the next ones use it. */
  readonly first: SpreadFigures;
  readonly steady: SpreadFigures;
  /** An event written the moment 30 % of all devices have gone without a word: after 10 s, and after a minute. */
  readonly afterLoss: { readonly coverage10s: number; readonly coverage: number; readonly hopsMax: number };
};

const serverSample = 16;

/** A street of production overlays over plain links with delays of 20 to 30 ms, on a virtual clock; the same for the same seed. */
export const runOverlayStreet = (count: number, seed: number, settleMs = 10 * 60_000): OverlayFigures => {
  const clock = createVirtualClock(Date.UTC(2026, 5, 15, 14));
  const random = fastRandom(seed);
  const devices = Array.from({ length: count }, (_, at) =>
    bytesToText(new Uint8Array(createHash('sha256').update(`${seed} ${at}`).digest())),
  );
  const memberNames = new Set(devices);
  const nodes = new Map<string, OverlayNode>();
  const hops = new Map<string, Map<string, number>>();
  let sends = 0;

  const pass = (ms: number): void => {
    const until = clock.now() + ms;
    while (clock.fireNext(until));
  };
  const unlink = (a: string, b: string): void => {
    nodes.get(a)?.down(b);
    nodes.get(b)?.down(a);
  };
  for (const device of devices) {
    const node = createOverlayNode({
      clock,
      random,
      device,
      events: simEvents,
      isMember: (each) => memberNames.has(each),
      send: (to, sent) => {
        // A word about trees begins with 1 or 2; shuffles are there whether anybody speaks or not.
        const isCounted = sent.what === 'frame' || (sent.what === 'word' && (sent.bytes[1] ?? 9) <= 2);
        if (isCounted) sends += 1;
        clock.after(20 + randomInt(random, 10), () => nodes.get(to)?.hear(device, sent));
      },
      unlink: (other) => unlink(device, other),
      onHeld: (author, seq, from) => {
        const byDevice = hops.get(`${author} ${seq}`);
        if (byDevice) byDevice.set(device, from === null ? 0 : (byDevice.get(from) ?? 0) + 1);
      },
    });
    nodes.set(device, node);
  }
  meetBySamples(clock, random, devices, nodes);
  pass(settleMs);

  const speak = (device: string, waitMs: number): { figures: SpreadFigures; coverageAt: () => number } => {
    const node = nodes.get(device);
    if (!node) throw new Error('nobody is there');
    const idle = countIdle(
      () => sends,
      () => pass(waitMs),
    );
    const before = sends;
    const byDevice = new Map<string, number>();
    const seq = nextSeq(node);
    hops.set(`${device} ${seq}`, byDevice);
    node.write();
    pass(waitMs);
    const coverageAt = () => [...nodes.values()].filter((each) => each.holds(device, seq)).length / nodes.size;
    const figures = {
      sendsPerReceiver: Math.round(((sends - before - idle) / (nodes.size - 1)) * 100) / 100,
      hopsMax: Math.max(...byDevice.values()),
      coverage: coverageAt(),
    };
    return { figures, coverageAt };
  };

  const [author = ''] = devices;
  const degrees = [...nodes.values()].map((node) => node.links().length);
  const first = speak(author, 10_000).figures;
  for (let at = 0; at < 3; at++) speak(author, 10_000);
  const steady = speak(author, 10_000).figures;

  for (const device of devices.slice(1).filter(() => randomInt(random, 100) < 30)) {
    nodes.get(device)?.stop();
    const others = nodes.get(device)?.links() ?? [];
    nodes.delete(device);
    // Their neighbours notice when they have been silent for long enough.
    clock.after(15_000 + randomInt(random, 5_000), () => others.forEach((other) => nodes.get(other)?.down(device)));
  }
  const spoken = speakNow(nodes, hops, author);
  pass(10_000);
  const coverage10s = spoken.coverage();
  pass(50_000);
  const figures: OverlayFigures = {
    nodes: count,
    linksMean: Math.round((degrees.reduce((a, b) => a + b, 0) / count) * 10) / 10,
    linksMax: Math.max(...degrees),
    first,
    steady,
    afterLoss: { coverage10s, coverage: spoken.coverage(), hopsMax: spoken.hopsMax() },
  };
  for (const node of nodes.values()) node.stop();
  return figures;
};

/** The server's answers: whoever looks for links hears of a few others now and then, and who wants each other is linked. */
const meetBySamples = (
  clock: ReturnType<typeof createVirtualClock>,
  random: Random,
  devices: readonly string[],
  nodes: ReadonlyMap<string, OverlayNode>,
): void => {
  const meet = (device: string): void => {
    const node = nodes.get(device);
    if (!node) return;
    const intervalMs = node.seeks() ? limits.announceIntervalMs : limits.announceIdleMs;
    clock.after(intervalMs + randomInt(random, intervalMs / 2), () => meet(device));
    for (let at = 0; at < serverSample; at++) {
      const other = nodes.get(devices[randomInt(random, devices.length)] ?? '');
      if (!other || other === node) continue;
      const isWanted = [node.wants(other.device), other.wants(device)].every(Boolean);
      if (!isWanted) continue;
      const rttMs = 20 + randomInt(random, 100);
      node.up(other.device, rttMs);
      other.up(device, rttMs);
    }
  };
  for (const device of devices) clock.after(randomInt(random, 20_000), () => meet(device));
};

const nextSeq = (node: OverlayNode): number => {
  for (let seq = 0; ; seq++) if (!node.holds(node.device, seq)) return seq;
};

const speakNow = (
  nodes: ReadonlyMap<string, OverlayNode>,
  hops: Map<string, Map<string, number>>,
  author: string,
): { coverage: () => number; hopsMax: () => number } => {
  const node = nodes.get(author);
  if (!node) throw new Error('nobody is there');
  const seq = nextSeq(node);
  const byDevice = new Map<string, number>();
  hops.set(`${author} ${seq}`, byDevice);
  node.write();
  return {
    coverage: () => [...nodes.values()].filter((each) => each.holds(author, seq)).length / nodes.size,
    hopsMax: () => Math.max(...byDevice.values()),
  };
};

/** What the street says in such a time though nobody has written anything. */
const countIdle = (sends: () => number, passTime: () => void): number => {
  const before = sends();
  passTime();
  return sends() - before;
};

/** Events as bytes: who wrote it and which one it is; the rest is as long as a short message. */
const simEvents: SimEvents = {
  entry: (author, seq) => {
    const envelope = new Uint8Array(200);
    envelope.set(textToBytes(author) ?? new Uint8Array(32));
    new DataView(envelope.buffer).setUint32(32, seq);
    const header = { lane: 16, seq } as Event['header'];
    return { event: { author, header, envelope } as Event, payload: new Uint8Array(100) } as Entry;
  },
  read: (envelope) => ({
    author: bytesToText(envelope.subarray(0, 32)),
    seq: new DataView(envelope.buffer, envelope.byteOffset).getUint32(32),
  }),
};

/** xoshiro128**: simulated chance in bulk, where hashing would be most of the work. */
const fastRandom = (seed: number): Random => {
  const digest = createHash('sha256').update(`overlay ${seed}`).digest();
  const state = new Uint32Array(4).map((_, at) => digest.readUInt32LE(4 * at));
  const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
  const nextWord = (): number => {
    const [a = 0, b = 0, c = 0, d = 0] = state;
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const [mixedC, mixedD] = [c ^ a, d ^ b];
    state.set([a ^ mixedD, b ^ mixedC, mixedC ^ (b << 9), rotate(mixedD, 11)]);
    return result;
  };
  return {
    bytes: (length) => {
      const bytes = new Uint8Array(length);
      const view = new DataView(bytes.buffer);
      for (let at = 0; at < length; at += 4) {
        const word = nextWord();
        for (let byte = 0; byte < 4 && at + byte < length; byte++) view.setUint8(at + byte, word >>> (8 * byte));
      }
      return bytes;
    },
  };
};
