import * as encoding from 'lib0/encoding';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { decodeCbor, encodeCbor, isCborList, type Cbor } from '../../src/lib/kernel/codec.ts';
import { concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { rootName } from '../../src/lib/replica/canonical.ts';
import { encodeFrame } from '../../src/lib/replica/frames.ts';
import { guardUpdate } from '../../src/lib/replica/guard.ts';
import { updateOf as writtenBy } from '../unit/guard-fixture.ts';
import { forgeEvent, hashOf, makePerson, todayLane } from '../unit/street-fixture.ts';
import { attackedHouse, expectHeld, nothing, runOf, updateOf } from './sync-fixture.ts';

const byHand = (write: (encoder: encoding.Encoder) => void): Uint8Array => {
  const encoder = encoding.createEncoder();
  write(encoder);
  return encoding.toUint8Array(encoder);
};
const numbers = (encoder: encoding.Encoder, ...values: number[]): void => {
  for (const value of values) encoding.writeVarUint(encoder, value);
};

describe('bytes that are more than they look', () => {
  /** Yjs' second format: run lengths, so that these few bytes stand for as many collected structs as they say. */
  const bomb = (structs: number): Uint8Array =>
    byHand((encoder) => {
      const part = (write: (inner: encoding.Encoder) => void) => encoding.writeVarUint8Array(encoder, byHand(write));
      const repeated = (inner: encoding.Encoder, value: number) => {
        encoding.writeVarInt(inner, -value);
        encoding.writeVarUint(inner, structs - 2);
      };
      encoding.writeUint8(encoder, 0); // no feature flags
      part(() => undefined); // key clocks
      part((inner) => encoding.writeVarInt(inner, 5)); // the one client
      for (let at = 0; at < 2; at++) part(() => undefined); // left and right clocks
      part((inner) => encoding.writeUint8(inner, 0)); // every struct is a collected one
      part((inner) => encoding.writeVarString(inner, '')); // no text
      for (let at = 0; at < 2; at++) part(() => undefined); // parents, types
      part((inner) => repeated(inner, 1)); // each of length one
      numbers(encoder, 1, structs, 0, 0);
    });

  it('a bomb of the V2 format: twenty bytes that are 40,000 structs to Yjs are no update here, nor are those that are 2^40', async () => {
    const small = bomb(40_000);
    expect(small.length).toBeLessThanOrEqual(28);
    expect(Y.decodeUpdateV2(small).structs).toHaveLength(40_000);
    const house = await attackedHouse();
    for (const update of [small, bomb(2 ** 40)]) {
      expect(guardUpdate(update).ok).toBe(false);
      await house.sendUpdate(update);
    }
    await expectHeld(house, 'update-not-canonical');
  });

  it('keys named __proto__: as a root, in a map, in a value, in a frame and in a payload', async () => {
    const house = await attackedHouse();
    const client = clientOf(house.mallory.device, todayLane);
    for (const act of [
      (doc: Y.Doc) => void doc.getMap('__proto__').set('isAdmin', Uint8Array.of(1)),
      (doc: Y.Doc) => void doc.getMap('m').set('__proto__', Uint8Array.of(1)),
      (doc: Y.Doc) => doc.getArray(rootName(house.mallory.device)).push([JSON.parse('{"__proto__":{"isAdmin":true}}')]),
    ])
      await house.sendUpdate(writtenBy(client, act));
    const event = await forgeEvent(house.mallory.keys.signing, { community: house.street.community });
    const elsewhere = byHand((encoder) => {
      numbers(encoder, 1, 1, client, 0);
      encoding.writeUint8(encoder, 3);
      numbers(encoder, 1);
      encoding.writeVarString(encoder, '__proto__');
      encoding.writeVarUint8Array(encoder, event.envelope);
      numbers(encoder, 0);
    });
    await house.sendUpdate(elsewhere);
    const body = concatBytes(
      Uint8Array.of(0xa1),
      encodeCbor('__proto__'),
      Uint8Array.of(0xa1),
      encodeCbor('isAdmin'),
      Uint8Array.of(0xf5),
    );
    for (const type of [100, 101, 102, 103, 104, 106])
      await house.attack(concatBytes(Uint8Array.of(type), body) as Bytes);
    for (const reason of ['struct-map-key', 'struct-content', 'update-not-canonical', 'frame-malformed'])
      expect(house.refusals()).toContain(reason);
    expect(house.gained()).toEqual(nothing);

    const payload = concatBytes(new Uint8Array(limits.payloadSaltBytes), body) as Bytes;
    const spoken = await forgeEvent(house.mallory.keys.signing, { community: house.street.community }, payload);
    await house.sendUpdate(updateOf(await runOf(house.mallory, [spoken.envelope])));
    const id = Uint8Array.from(Buffer.from(spoken.id, 'base64url'));
    await house.attack(encodeFrame({ type: 'payload', payloads: [{ id, payload }] }));
    expect(house.here.room().voidById.get(spoken.id)).toBe('payload-malformed');
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  });

  it('malformed CBOR of every kind under a good signature', async () => {
    const house = await attackedHouse();
    const { signing } = house.mallory.keys;
    const outer = decodeCbor((await forgeEvent(signing, { community: house.street.community })).envelope);
    const header = outer.ok && isCborList(outer.value) ? (outer.value[0] as Bytes) : hashOf('');
    const [open, ...fields] = header;
    const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
    const rest = Uint8Array.from(fields);
    // The last field of a header is the size of its payload: one byte here, 0x18 0x20.
    const withSize = (size: string) => concatBytes(header.subarray(0, -2), hex(size));
    const kinds: Record<string, Uint8Array> = {
      'longer number': withSize('19 0020'),
      float: withSize('f9 5000'),
      tag: withSize('c1 1820'),
      undefined: withSize('f7'),
      'text for a number': withSize('61 20'),
      'text that is no UTF-8': withSize('61 ff'),
      'number of 2^53': withSize('1b 0020000000000000'),
      'negative number': withSize('38 1f'),
      'map with two like keys': withSize('a2 61 61 00 61 61 00'),
      'map with a key that is no text': withSize('a1 01 00'),
      'map with a forbidden key': withSize('a1 69 5f5f70726f746f5f5f 00'),
      'endless list': concatBytes(hex('9f'), rest, hex('ff')),
      'longer list head': concatBytes(hex('98 09'), rest),
      'one field more': concatBytes(hex('8a'), rest, hex('00')),
      'one field less': concatBytes(hex('88'), header.subarray(1, -2)),
      'bytes after the end': concatBytes(header, hex('00')),
      'cut off': header.subarray(0, -1),
      'a thousand levels': concatBytes(header.subarray(0, -2), new Uint8Array(200).fill(0x81), hex('00')),
      'a list of 2^32': withSize('9a ffffffff'),
      'no list': hex('a0'),
      nothing: new Uint8Array(0),
    };
    expect([open, header.at(-2), header.at(-1)]).toEqual([0x89, 0x18, 0x20]);
    for (const [name, bytes] of Object.entries(kinds)) {
      const signature = await signing.sign(concatBytes(utf8('HN-EV1'), bytes));
      const before = house.sync.refusals().get('event-malformed') ?? 0;
      await house.sendUpdate(updateOf(await runOf(house.mallory, [encodeCbor([bytes as Bytes, signature] as Cbor)])));
      // What is no list of nine has no version to look at either.
      const refused = (house.sync.refusals().get('event-malformed') ?? 0) - before;
      expect([name, refused]).toEqual([name, 1]);
    }
    await expectHeld(house, 'event-malformed');
  });

  it('an event of another version, of a lane there is not, and by a key that everybody holds', async () => {
    const house = await attackedHouse();
    const stranger = await makePerson('stranger');
    const { community } = house.street;
    const { signing } = house.mallory.keys;
    const small = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0)) as Bytes;
    const odd = await forgeEvent(signing, { community, lane: 16 + 2401 });
    await house.sendUpdate(updateOf(await runOf(house.mallory, [odd.envelope], {}, 16 + 2401)), 16 + 2401);
    const anybody = await forgeEvent(stranger.keys.signing, { community, author: small });
    const device = Buffer.from(small).toString('base64url');
    const run = { author: device, client: clientOf(device, todayLane) };
    await house.sendUpdate(updateOf(await runOf(stranger, [anybody.envelope], run)));
    const outer = decodeCbor((await forgeEvent(signing, { community })).envelope);
    const header = outer.ok && isCborList(outer.value) ? (outer.value[0] as Bytes) : hashOf('');
    const second = Uint8Array.from(header).fill(2, 1, 2);
    const signature = await signing.sign(concatBytes(utf8('HN-EV1'), second));
    await house.sendUpdate(updateOf(await runOf(house.mallory, [encodeCbor([second, signature])])));
    for (const reason of ['event-lane', 'event-key-unsound']) expect(house.refusals()).toContain(reason);
    await expectHeld(house, 'event-version');
  });
});
