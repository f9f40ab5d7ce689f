import { describe, expect, it } from 'vitest';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import type { Random } from '../../src/lib/kernel/ports/random.ts';
import { createIdIndex } from '../../src/lib/log/id-index.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { hashOf } from './street-fixture.ts';

const idOf = (name: string): string => bytesToText(hashOf(name));

/** An index over a list, whose places are where the ids stand in it. `asked` counts how often it had to look there. */
const indexOver = (ids: (string | null)[], random: Random = seededRandom('ids')) => {
  let asked = 0;
  const index = createIdIndex({
    random,
    isAt: (place, id) => {
      asked += 1;
      return ids[place] === id;
    },
  });
  for (const [place, id] of ids.entries()) if (id !== null) index.add(id, place);
  return { ...index, asked: () => asked };
};

/** A salt that mallory knows: every character weighs the same, so that ids of the same characters meet. */
const knownSalt: Random = { bytes: (length) => new Uint8Array(length).fill(0x55) };

/** Ids of the same characters in another order. */
const anagrams = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => 'A'.repeat(at % 43) + 'B' + 'A'.repeat(42 - (at % 43)));

describe('the index of ids', () => {
  it('finds each of many ids where it is, and none that is not there', () => {
    const ids = Array.from({ length: 5_000 }, (_, at) => idOf(`${at}`));
    const index = indexOver(ids);
    expect(ids.map(index.find)).toEqual(ids.map((_, at) => at));
    expect(Array.from({ length: 500 }, (_, at) => index.find(idOf(`unknown ${at}`)))).toEqual(Array(500).fill(null));
    expect([index.find(''), index.find('no id'), index.find('€'.repeat(43))]).toEqual([null, null, null]);
  });

  it('keeps places of lanes with large numbers apart', () => {
    const places = [0, 2 ** 32, 3 * 2 ** 32 + 7, 2 ** 52 + 1];
    const idByPlace = new Map(places.map((place) => [place, idOf(`${place}`)]));
    const index = createIdIndex({ random: seededRandom('far'), isAt: (place, id) => idByPlace.get(place) === id });
    for (const [place, id] of idByPlace) index.add(id, place);
    expect([...idByPlace.values()].map(index.find)).toEqual(places);
  });

  it('tells ids apart whose hashes meet', () => {
    const ids = anagrams(43);
    const index = indexOver(ids, knownSalt);
    expect(ids.map(index.find)).toEqual(ids.map((_, at) => at));
    expect(index.asked()).toBeGreaterThan(500);
    expect(index.find(`C${'A'.repeat(42)}`)).toBeNull();
    expect(indexOver(ids.slice(1), knownSalt).find(ids[0] ?? '')).toBeNull();
  });

  it('gives ids that mallory made to meet under one salt different hashes under that of another device', () => {
    const ids = anagrams(43);
    for (const device of ['anna', 'bora', 'chen']) {
      const index = indexOver(ids, seededRandom(device));
      expect(ids.map(index.find)).toEqual(ids.map((_, at) => at));
      expect(index.asked()).toBe(ids.length);
    }
  });

  it('does not find what is gone from its place, and finds it where it comes again', () => {
    const ids: (string | null)[] = ['a', 'b', 'c'].map(idOf);
    const index = indexOver(ids);
    ids[1] = idOf('d');
    index.add(idOf('d'), 1);
    expect(['a', 'b', 'c', 'd'].map((name) => index.find(idOf(name)))).toEqual([0, null, 2, 1]);
    ids[3] = idOf('b');
    index.add(idOf('b'), 3);
    expect(index.find(idOf('b'))).toBe(3);
  });
});
