import { createHash } from 'node:crypto';
import { hlcEpochMs, hlcFromMs, hlcMonth } from '../../src/lib/kernel/hlc.ts';
import { encodePayload, kinds } from '../../src/lib/log/kinds.ts';
import { monthLane, signEvent } from '../../src/lib/log/event.ts';
import type { Entry } from '../../src/lib/log/lanes.ts';
import { answerFrames } from '../../src/lib/replica/answer.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { createNodeCrypto } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { everythingOf, makeStreet } from '../unit/street-fixture.ts';

const people = ['anna', 'bora', 'chen', 'dara', 'emil', 'fatma', 'greta', 'hugo', 'ines', 'jonas'] as const;

/** Of the text; with its salt, its names and its ids the payload of such an event has 100 bytes. */
const textChars = 38;

/**
 * A street of ten people and what they wrote to each other in half a year: `count` messages with real signatures, in the order
 * in which they came about. Anna founded it, and is who reads it in the bench.
 */
export const writeStreet = async (count: number) => {
  const street = await makeStreet(...people);
  const random = seededRandom('bench log');
  const port = createNodeCrypto(random);
  const parts: Buffer[] = [];
  const add = (bytes: Uint8Array): void => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    parts.push(length, Buffer.from(bytes));
  };
  for (const { envelope, payload } of everythingOf(street.founder.log)) {
    add(envelope);
    add(payload ?? new Uint8Array(0));
  }
  const seqs = new Map<string, number>();
  const firstLane: Entry[] = [];
  const stepMs = Math.floor((170 * 24 * 3600_000) / count);
  for (let at = 0; at < count; at++) {
    const person = street.people[(at * 7 + (at >> 4)) % people.length];
    if (!person) throw new Error('nobody lives here');
    const text = `${at} `.padEnd(textChars, 'abcdefgh ijklmnop ');
    const payload = encodePayload(random, 'chat.message', { to: 'everyone', text, clientId: random.bytes(16) });
    const hlc = hlcFromMs(hlcEpochMs + at * stepMs);
    const lane = monthLane(hlcMonth(hlc));
    const place = `${person.device} ${lane}`;
    const seq = seqs.get(place) ?? 0;
    seqs.set(place, seq + 1);
    const event = await signEvent(port, person.keys.signing, {
      community: street.community,
      author: person.keys.signing.publicKey,
      lane,
      seq,
      hlc,
      kind: kinds['chat.message'].number,
      expires: 0,
      payloadHash: await port.sha256(payload),
      payloadSize: payload.length,
    });
    add(event.envelope);
    add(payload);
    if (place === `${street.founderPerson.device} ${monthLane(0)}`) firstLane.push({ event, payload });
  }
  const { publicKey } = street.founderPerson.keys.signing;
  return {
    bytes: Buffer.concat(parts),
    wireBytesPerEvent: await wireBytesOf(firstLane),
    identity: { community: [...street.community], publicKey: [...publicKey], pkcs8: [...pkcs8Of('anna')] },
  };
};

/** What sync sends for an event beside its payload: its share of the update and of the frames around both, and the id before the payload. */
const wireBytesOf = async (entries: readonly Entry[]): Promise<number> => {
  const first = entries[0]?.event;
  if (!first) throw new Error('nobody wrote anything');
  const { author, header } = first;
  const client = clientOf(author, header.lane);
  const span = { author, client, from: 0, to: entries.length };
  const log = {
    slice: (_author: string, _lane: number, from: number, most: number) => entries.slice(from, from + most),
  };
  let bytes = 0;
  for (const frame of answerFrames(log, header.lane, [span])) bytes += frame.length;
  for (const { payload } of entries) bytes -= payload?.length ?? 0;
  return bytes / entries.length;
};

/** The private key of a seeded person's device, as WebCrypto imports it (RFC 8410). */
const pkcs8Of = (name: string): Buffer =>
  Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    createHash('sha256').update('device').update(new TextEncoder().encode(name)).digest(),
  ]);
