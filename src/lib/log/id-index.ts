import type { Random } from '../kernel/ports/random.ts';
import { idTextChars } from './stored-header.ts';

export type IdIndexDeps = {
  readonly random: Random;
  /** Whether the event at a place has this id: the truth, which the index only guesses. */
  readonly isAt: (place: number, id: string) => boolean;
};

/**
 * At which place (a count below 2^53) the event with an id may be, in twelve bytes a slot instead of a text and an object each.
 * It holds no id: whoever asks is shown places whose hash fits until `isAt` agrees, so that a place that was cut away, or that
 * another event has taken, is simply not found.
 *
 * Who writes events may try ids until many of them meet in a table whose hash they know (2^18 tries are nothing). So the hash is
 * salted on each device at each start: h = (s0 + Σ s(i) · c(i) mod 2^32) >> 6 over the 7-bit characters of the id, with random
 * 32-bit s. Two given ids meet in one of 2^26 values with the chance of 2^-26, whatever they are ("Multilinear", Lemire and
 * Kaser, "Strongly universal string hashing is fast", 2014), and nothing of the salt is ever sent.
 */
export const createIdIndex = ({ random, isAt }: IdIndexDeps) => {
  const salt = new Int32Array(random.bytes(4 * (1 + idTextChars)).slice().buffer);
  let hashes = new Uint32Array(slotsMin);
  /** One more than the place; 0 in an empty slot. */
  let places = new Float64Array(slotsMin);
  let count = 0;

  const hashOf = (id: string): number => {
    let hash = salt[0] ?? 0;
    for (let at = 0; at < idTextChars; at++) hash = (hash + Math.imul(salt[at + 1] ?? 0, id.charCodeAt(at) & 127)) | 0;
    return hash >>> 6;
  };

  const put = (hash: number, place: number): void => {
    const last = places.length - 1;
    let slot = hash & last;
    for (; places[slot] !== 0; slot = (slot + 1) & last)
      if (hashes[slot] === hash && places[slot] === place + 1) return;
    hashes[slot] = hash;
    places[slot] = place + 1;
    count += 1;
  };

  const grow = (): void => {
    const [oldHashes, oldPlaces] = [hashes, places];
    hashes = new Uint32Array(2 * oldHashes.length);
    places = new Float64Array(2 * oldPlaces.length);
    count = 0;
    for (const [slot, place] of oldPlaces.entries()) if (place !== 0) put(oldHashes[slot] ?? 0, place - 1);
  };

  return {
    add: (id: string, place: number): void => {
      if (count >= fullShare * places.length) grow();
      put(hashOf(id), place);
    },
    find: (id: string): number | null => {
      const hash = hashOf(id);
      const last = places.length - 1;
      for (let slot = hash & last; ; slot = (slot + 1) & last) {
        const place = (places[slot] ?? 0) - 1;
        if (place < 0) return null;
        if (hashes[slot] === hash && isAt(place, id)) return place;
      }
    },
  };
};

/** A power of two. */
const slotsMin = 1024;
const fullShare = 0.8;
