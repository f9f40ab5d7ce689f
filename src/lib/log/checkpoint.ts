import { sha256Now } from '../crypto/sha256.ts';
import { hlcMonth, type Hlc } from '../kernel/hlc.ts';
import { areBytesEqual, compareBytes, concatBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { monthLane } from './event.ts';
import type { Payload } from './kinds.ts';

/** [device32, how many leading events of its lane, their prefix digest]. */
export type CheckpointPlace = [Bytes, number, Bytes];

/** What a lane of all devices came to, in one root: what a checkpoint says beside its `auth`. */
export type CheckpointBody = Omit<Payload<'community.checkpoint'>, 'auth'>;

/** Sorts the places and roots them; there must be one at least. */
export const makeCheckpoint = (lane: number, held: readonly CheckpointPlace[]): CheckpointBody => {
  const places = sortPlaces(held);
  return { lane, places, root: checkpointRoot(lane, places) };
};

/** As a checkpoint names them: by device. Of more than one event may name, the first are taken. */
export const sortPlaces = (held: readonly CheckpointPlace[]): CheckpointPlace[] =>
  held.toSorted(([a], [b]) => compareBytes(a, b)).slice(0, limits.checkpointPlacesMax);

/**
 * The Merkle root over the places in their order, as RFC 6962 (2.1) makes it: leaf SHA-256(0x00 || device32 || lane as 4 bytes ||
 * count as 8 bytes || D32), node SHA-256(0x01 || left || right), the left side as large as a power of two can be. Of none: SHA-256("").
 */
export const checkpointRoot = (lane: number, places: readonly Readonly<CheckpointPlace>[]): Bytes =>
  rootOf(places.map((place) => leafOf(lane, place)));

/** Why a checkpoint cannot count whoever wrote it, at the time it gives itself; null when nothing is wrong with it. */
export const refuseCheckpoint = (
  { lane, places, root }: CheckpointBody,
  hlc: Hlc,
): 'checkpoint-root' | 'checkpoint-open' | null => {
  if (monthLane(hlcMonth(hlc)) <= lane) return 'checkpoint-open';
  return areBytesEqual(checkpointRoot(lane, places), root) ? null : 'checkpoint-root';
};

const leafOf = (lane: number, [device, count, digest]: Readonly<CheckpointPlace>): Bytes => {
  const numbers = new DataView(new ArrayBuffer(12));
  numbers.setUint32(0, lane);
  numbers.setBigUint64(4, BigInt(count));
  return sha256Now(concatBytes(leafMark, device, new Uint8Array(numbers.buffer), digest));
};

const rootOf = (leaves: readonly Bytes[]): Bytes => {
  const [first] = leaves;
  if (!first) return sha256Now(new Uint8Array(0));
  if (leaves.length === 1) return first;
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  return sha256Now(concatBytes(nodeMark, rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split))));
};

const leafMark = new Uint8Array([0]);
const nodeMark = new Uint8Array([1]);
