import { limits } from '../../src/lib/kernel/limits.ts';

/** A frame as an attacker would send it, from seeded dice: noise, odd JSON, damaged verbs, binary, too large, too deep, and now and then a good one. */
export const randomFrame = (dice: Dice): string | Buffer => {
  const kind = dice.below(100);
  if (kind < 20) return dice.bytes(dice.below(200)).toString('latin1');
  if (kind < 35) return JSON.stringify(randomJson(dice, 0));
  if (kind < 75) return mutate(dice, pick(dice, validFrames));
  if (kind < 85) return dice.below(2) === 0 ? dice.bytes(dice.below(300)) : Buffer.from(pick(dice, validFrames));
  if (kind < 90) return pick(dice, validFrames);
  if (kind < 94) return 'x'.repeat(limits.signalFrameBytesMax + dice.below(100_000));
  if (kind < 97) return `{"type":"publish","topic":"street","data":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
  return JSON.stringify({ type: pick(dice, ['meet', 'pong', 'refused', '__proto__', 'constructor']), topics: [null] });
};

export type Dice = { below(bound: number): number; bytes(length: number): Buffer };

/** xorshift32: small, seeded, and good enough to be annoying. */
export const createDice = (seed: number): Dice => {
  let state = seed | 1;
  const below = (bound: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
  return { below, bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))) };
};

const validFrames = [
  '{"type":"subscribe","topics":["street","a","b"]}',
  '{"type":"unsubscribe","topics":["a"]}',
  '{"type":"publish","topic":"street","data":{"type":"announce","from":"mallory"}}',
  '{"type":"publish","topic":"a","data":"AAEC","clients":7}',
  '{"type":"ping"}',
];

const pick = <T>(dice: Dice, from: readonly T[]): T => {
  const item = from[dice.below(from.length)];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
};

const mutate = (dice: Dice, text: string): string => {
  let mutated = text;
  for (let times = 1 + dice.below(4); times > 0; times--) {
    const at = dice.below(mutated.length + 1);
    const length = dice.below(8);
    const change = dice.below(4);
    if (change === 0) mutated = mutated.slice(0, at) + mutated.slice(at + length);
    if (change === 1) mutated = mutated.slice(0, at) + String.fromCharCode(dice.below(0x300)) + mutated.slice(at);
    if (change === 2) mutated = mutated.slice(0, at) + mutated.slice(Math.max(0, at - length));
    if (change === 3)
      mutated =
        mutated.slice(0, at) + pick(dice, ['"', '{', ']', '\\', ',', '1e999', '\ud800', 'null']) + mutated.slice(at);
  }
  return mutated;
};

const randomJson = (dice: Dice, depth: number): unknown => {
  const kind = dice.below(depth > 4 ? 5 : 8);
  if (kind === 0) return null;
  if (kind === 1) return dice.below(2) === 0;
  if (kind === 2) return dice.below(2 ** 31) - 2 ** 30;
  if (kind <= 4) return pick(dice, ['type', 'publish', 'subscribe', 'street', '', '__proto__', 'x'.repeat(200)]);
  const items = Array.from({ length: dice.below(6) }, () => randomJson(dice, depth + 1));
  if (kind === 5) return items;
  const keys = ['type', 'topics', 'topic', 'data', 'clients', '__proto__', 'toJSON'];
  const whole = Object.fromEntries(items.map((item) => [pick(dice, keys), item]));
  return dice.below(2) === 0 ? whole : { ...whole, type: pick(dice, ['publish', 'subscribe', 'unsubscribe', 'ping']) };
};
