import { describe, expect, it } from 'vitest';
import { decodeCbor, encodeCbor, isCborList, type Cbor } from '../../src/lib/kernel/codec.ts';
import { bytesToText, concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { communityOf, isGenesisHeader, parseEvent, verifyEvent } from '../../src/lib/log/event.ts';
import { smallOrderKeys } from '../contracts/crypto-contract.ts';
import { forgeEvent, hashOf, makePerson, platformCrypto } from './street-fixture.ts';

const community = hashOf('community').slice(0, 16);
const judge = async (envelope: Uint8Array): Promise<string> => {
  const parsed = await parseEvent(platformCrypto, envelope);
  if (!parsed.ok) return parsed.error;
  const verified = await verifyEvent(platformCrypto, parsed.value);
  return verified.ok ? 'good' : verified.error;
};

describe('an event', () => {
  it('is read back as it was signed, with the id and author that its bytes give it', async () => {
    const anna = await makePerson('anna');
    const event = await forgeEvent(anna.keys.signing, { community, seq: 3 });
    const parsed = unwrap(await parseEvent(platformCrypto, event.envelope));
    expect(unwrap(await verifyEvent(platformCrypto, parsed))).toEqual({
      header: event.header,
      id: event.id,
      author: anna.device,
      envelope: event.envelope,
    });
    const outer = unwrap(decodeCbor(event.envelope));
    const header = isCborList(outer) ? (outer[0] as Bytes) : new Uint8Array(0);
    expect(event.id).toBe(bytesToText(await platformCrypto.sha256(concatBytes(utf8('HN-EV1-ID'), header))));
    expect(event.envelope.length).toBeLessThanOrEqual(limits.envelopeBytesMax);
  });

  it('is refused when any byte of it has changed, and when it is cut anywhere', async () => {
    const event = await forgeEvent((await makePerson('anna')).keys.signing, { community });
    const good: number[] = [];
    for (let at = 0; at < event.envelope.length; at++) {
      if ((await judge(event.envelope.map((byte, index) => (index === at ? byte ^ 1 : byte)))) === 'good')
        good.push(at);
      if ((await judge(event.envelope.subarray(0, at))) === 'good') good.push(at);
    }
    expect(good).toEqual([]);
  });

  it('is refused when another device signed it, or its author is no sound key', async () => {
    const [anna, mallory] = [await makePerson('anna'), await makePerson('mallory')];
    expect(
      await judge(
        (await forgeEvent(mallory.keys.signing, { community, author: anna.keys.signing.publicKey })).envelope,
      ),
    ).toBe('event-signature');
    expect(
      await judge(
        (await forgeEvent(mallory.keys.signing, { community, author: smallOrderKeys[0] ?? hashOf('') })).envelope,
      ),
    ).toBe('event-key-unsound');
  });

  it('has exactly nine fields in their ranges', async () => {
    const { signing } = (await makePerson('anna')).keys;
    const outer = unwrap(decodeCbor((await forgeEvent(signing, { community })).envelope));
    const inner = unwrap(decodeCbor(isCborList(outer) ? (outer[0] as Bytes) : new Uint8Array(0)));
    const fields: readonly Cbor[] = isCborList(inner) ? inner : [];
    const withField = async (index: number, value: Cbor): Promise<string> => {
      const header = encodeCbor(fields.map((field, at) => (at === index ? value : field)));
      return judge(encodeCbor([header, await signing.sign(concatBytes(utf8('HN-EV1'), header))]));
    };
    expect(await withField(0, 1)).toBe('good');
    expect(await withField(0, 2)).toBe('event-version');
    const odd: [number, Cbor][] = [
      [1, new Uint8Array(15)],
      [2, new Uint8Array(31)],
      [3, [16]],
      [3, [16, 0, 0]],
      [3, 16],
      [3, [16, -1]],
      [3, [16, 2 ** 32]],
      [4, -1],
      [4, 'now'],
      [5, 65_536],
      [6, -1],
      [6, null],
      [7, new Uint8Array(33)],
      [8, -1],
      [8, limits.payloadBytesMax + 1],
    ];
    for (const [index, value] of odd)
      expect([index, await withField(index, value)]).toEqual([index, 'event-malformed']);
    for (const lane of [2, 15, 16 + 2401, Number.MAX_SAFE_INTEGER])
      expect(await withField(3, [lane, 0])).toBe('event-lane');
    for (const lane of [0, 1, 16, 16 + 2400]) expect(await withField(3, [lane, 0])).toBe('good');
    expect(await withField(4, Number.MAX_SAFE_INTEGER)).toBe('good');
    expect(await withField(5, 65_535)).toBe('good');
    const longer = encodeCbor([...fields, 0]);
    expect(await judge(encodeCbor([longer, await signing.sign(concatBytes(utf8('HN-EV1'), longer))]))).toBe(
      'event-malformed',
    );
  });

  it('is one CBOR list of a header and a signature, small enough', async () => {
    const event = await forgeEvent((await makePerson('anna')).keys.signing, { community });
    const outer = unwrap(decodeCbor(event.envelope));
    const [header = null, signature = null] = isCborList(outer) ? outer : [];
    for (const odd of [
      [header],
      [header, signature, 0],
      [header, new Uint8Array(63)],
      [signature, header],
      ['header', signature],
    ])
      expect(await judge(encodeCbor(odd))).toBe('event-malformed');
    expect(await judge(new Uint8Array(limits.envelopeBytesMax + 1))).toBe('event-too-large');
  });

  it('that founds a community names it: another founding has another name', async () => {
    const { signing } = (await makePerson('anna')).keys;
    const zeros = new Uint8Array(16);
    const [one, other] = [
      await forgeEvent(signing, { community: zeros, lane: 0, kind: 1 }),
      await forgeEvent(signing, { community: zeros, lane: 0, kind: 1, hlc: 5 }),
    ];
    expect(await communityOf(platformCrypto, one)).not.toEqual(await communityOf(platformCrypto, other));
    expect(isGenesisHeader(one.header)).toBe(true);
    for (const header of [
      { ...one.header, seq: 1 },
      { ...one.header, lane: 16 },
      { ...one.header, community },
    ])
      expect(isGenesisHeader(header)).toBe(false);
  });
});
