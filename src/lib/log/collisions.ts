import { sha256Now } from '../crypto/sha256.ts';
import { compareBytes, concatBytes, textToBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';

/** The Yjs client of a device in the document of one lane. */
export type ClientOf = (author: string, lane: number) => number;

/** First 53 bits of SHA-256("HN-CLIENT" || author || lane as 4 bytes, big endian). */
export const clientOf: ClientOf = (author, lane) => {
  const laneBytes = new Uint8Array(4);
  new DataView(laneBytes.buffer).setUint32(0, lane);
  const hash = sha256Now(concatBytes(utf8('HN-CLIENT'), textToBytes(author) ?? new Uint8Array(0), laneBytes));
  return Number(new DataView(hash.buffer, hash.byteOffset).getBigUint64(0) >> 11n);
};

/**
 * Which devices have lost their place in a lane's document: of two whose clients meet the larger key (by bytes), and whoever's
 * client is 0, which Yjs cannot tell from none. Two keys that meet can be made as a pair, a key that meets somebody else's
 * cannot; so it is always the maker who loses. What such a device writes in that lane is kept, void, and left out of the
 * document. `generation` changes when other devices are admitted.
 */
export const createCollisions = (deps: {
  readonly devices: () => Iterable<string>;
  readonly generation: () => number;
  readonly find?: ClientOf;
}) => {
  const find = deps.find ?? clientOf;
  const clientsByPlace = new Map<string, number>();
  const collidedByLane = new Map<number, ReadonlySet<string>>();
  let generation = -1;

  const clientAt: ClientOf = (author, lane) => {
    const place = `${author} ${lane}`;
    const known = clientsByPlace.get(place);
    if (known !== undefined) return known;
    const client = find(author, lane);
    clientsByPlace.set(place, client);
    const oldest = clientsByPlace.size > limits.clientsMax ? clientsByPlace.keys().next().value : undefined;
    if (oldest !== undefined) clientsByPlace.delete(oldest);
    return client;
  };
  const findCollided = (lane: number): ReadonlySet<string> => {
    const collided = new Set<string>();
    const ownerByClient = new Map<number, string>();
    for (const device of deps.devices()) {
      const client = clientAt(device, lane);
      const owner = ownerByClient.get(client);
      if (owner === undefined || isSmaller(device, owner)) ownerByClient.set(client, device);
      if (client === 0) collided.add(device);
      else if (owner !== undefined) collided.add(isSmaller(device, owner) ? owner : device);
    }
    return collided;
  };

  return {
    clientOf: clientAt,
    isCollided: (author: string, lane: number): boolean => {
      if (generation !== deps.generation()) collidedByLane.clear();
      generation = deps.generation();
      const known = collidedByLane.get(lane) ?? findCollided(lane);
      collidedByLane.set(lane, known);
      return known.has(author);
    },
  };
};

/** By bytes: base64url does not sort as what it stands for. */
const isSmaller = (a: string, b: string): boolean =>
  compareBytes(textToBytes(a) ?? new Uint8Array(0), textToBytes(b) ?? new Uint8Array(0)) < 0;
