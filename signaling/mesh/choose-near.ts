import { limits } from '../../src/lib/kernel/wire/signal.ts';

/**
 * Who a newcomer is told of: all while there are few; then one half by rendezvous hashing (for two ids the score is the same
 * seen from either side, so they tend to choose each other) and one half at random, so that no group stays among itself.
 */
export const chooseNear = (
  ids: readonly string[],
  self: string,
  most: number,
  below: (bound: number) => number,
): readonly string[] => {
  if (ids.length <= most + 1) return ids.filter((id) => id !== self).slice(0, most);
  const chosen = new Set(bestScored(ids, self, most >> 1, below));
  // Of more ids than are wanted enough remain, so this ends; the bound is for dice that always fall alike.
  for (let tries = most * 16; chosen.size < most && tries > 0; tries--) {
    const id = ids[below(ids.length)];
    if (id !== undefined && id !== self) chosen.add(id);
  }
  return [...chosen];
};

/** A very full tag is looked through in part, from a random place on. */
const bestScored = (ids: readonly string[], self: string, most: number, below: (bound: number) => number): string[] => {
  const scanned = Math.min(ids.length, limits.meetSampleScanMax);
  const start = below(ids.length);
  const scored: { id: string; score: number }[] = [];
  for (let step = 0; step < scanned; step++) {
    const id = ids[(start + step) % ids.length];
    if (id !== undefined && id !== self) scored.push({ id, score: scoreOf(id, self) });
  }
  return scored
    .sort((one, other) => other.score - one.score)
    .slice(0, most)
    .map(({ id }) => id);
};

/** FNV-1a over both, the smaller first, and a last stirring. Nobody gains by a high score but a place in one sample. */
const scoreOf = (one: string, other: string): number => {
  const both = one < other ? one + other : other + one;
  let hash = 0x811c9dc5;
  for (let at = 0; at < both.length; at++) hash = Math.imul(hash ^ both.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
};
