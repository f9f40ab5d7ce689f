import { describe, expect, it } from 'vitest';
import {
  decodeFromRadio,
  encodeForRadio,
  encodePairingCode,
  isMarkedWith,
  pairingDevice,
  parsePairingCode,
  type PairingCode,
} from '../../src/lib/crypto/pairing-code.ts';
import { packAddress, unpackAddress } from '../../src/lib/crypto/pairing-address.ts';
import { pairingTexts, readPairingText } from '../../src/lib/crypto/pairing-text.ts';
import { concatBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { leadsPair, readPairFacts, writePairAnswer } from '../../src/lib/transports/pairing-sdp.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { hashOf, platformCrypto } from './street-fixture.ts';

const key = hashOf('the key of the street');
const anna: PairingCode = {
  role: 'member',
  minute: 470_000,
  device: hashOf('anna').slice(0, 8),
  facts: {
    fingerprint: hashOf('certificate'),
    ufrag: 'YJJ3',
    password: 'FBK2LxDust+kXhb0j6mGPh/L',
    addresses: [
      { host: '192.168.1.7', port: 50_123 },
      { host: '876d82d4-6984-485a-8dac-338e9343196a.local', port: 9_000 },
    ],
  },
};
const encode = async (code: PairingCode = anna) =>
  (await encodePairingCode(platformCrypto, code, key)) ?? new Uint8Array(0);
const addressesOf = async (...hosts: readonly string[]) => {
  const addresses = hosts.map((host, at) => ({ host, port: 50_000 + at }));
  const parsed = parsePairingCode(await encode({ ...anna, facts: { ...anna.facts, addresses } }));
  return parsed.ok ? parsed.value.facts.addresses.map(({ host }) => host) : parsed.error;
};

describe('a pairing code', () => {
  it('says in at most 100 bytes all that an answer is made of, and is read back as it was', async () => {
    const bytes = await encode();
    expect(bytes.length).toBeLessThanOrEqual(limits.pairingBytesMax);
    expect(parsePairingCode(bytes)).toMatchObject({ ok: true, value: anna });
  });

  it('takes the longer words that Firefox has for ICE, and refuses words of a make it does not know', async () => {
    const facts = { ...anna.facts, ufrag: '01ab23cd', password: '00112233445566778899aabbccddeeff' };
    expect(parsePairingCode(await encode({ ...anna, role: 'guest', facts }))).toMatchObject({
      ok: true,
      value: { role: 'guest', facts },
    });
    for (const wrong of [{ ufrag: 'YJJ' }, { ufrag: 'YJ 3' }, { ufrag: 'YJ-3' }, { password: 'short' }])
      expect(await encode({ ...anna, facts: { ...anna.facts, ...wrong } })).toEqual(new Uint8Array(0));
  });

  it('holds four short addresses, or a short and a long one; what does not fit is left out, and never half of it', async () => {
    const lan = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5'];
    expect(await addressesOf(...lan)).toEqual(lan.slice(0, 4));
    expect(await addressesOf('2001:db8::7', 'fd00::1', '10.0.0.1')).toEqual([
      '2001:0db8:0000:0000:0000:0000:0000:0007',
      '10.0.0.1',
    ]);
  });

  it('names no address that is no way to a neighbour', async () => {
    expect(
      await addressesOf('127.0.0.1', '0.0.0.0', '224.0.0.1', '255.255.255.255', '::1', 'fe80::1', 'ff02::1'),
    ).toEqual([]);
    expect(
      await addressesOf('::ffff:10.0.0.1', '::ffff:a00:1', 'printer.local', '1.2.3', '300.1.1.1', '1::2::3', ''),
    ).toEqual([]);
    expect(packAddress({ host: '10.0.0.1', port: 0 })).toBeNull();
    expect(packAddress({ host: '10.0.0.1', port: 65_536 })).toBeNull();
    for (const kind of [0, 2, 5, 255])
      expect(unpackAddress(Uint8Array.of(kind, ...new Uint8Array(20).fill(9)))).toBeNull();
  });

  it('goes through a picture and through a message that breaks its lines, and fits into one frame of a radio', async () => {
    const bytes = await encode();
    const { picture, words } = pairingTexts(bytes);
    expect(picture).toMatch(/^HN1:[0-9A-Z $%*+\-./:]+$/);
    const broken = words.replaceAll(/.{30}/g, '$&\n  ');
    for (const text of [picture, words, `My code:\n${broken}\n`, `\n${words}`])
      expect(readPairingText(text)).toEqual({ ok: true, value: bytes });
    const frame = encodeForRadio(bytes);
    expect(frame.length).toBeLessThanOrEqual(limits.pairingBytesMax + 1);
    expect(decodeFromRadio(frame)).toEqual(bytes);
    expect(decodeFromRadio(bytes)).toBeNull();
    expect(decodeFromRadio(concatBytes(frame, new Uint8Array(20)))).toBeNull();
  });

  it('base45 is that of RFC 9285, with the picture of every length of bytes read back', () => {
    expect(pairingTexts(new TextEncoder().encode('Hello!!')).picture).toBe('HN1:%69 VD92EX0');
    expect(pairingTexts(new TextEncoder().encode('base-45')).picture).toBe('HN1:UJCLQE7W581');
    const random = seededRandom('base45');
    for (let length = 1; length <= 100; length++) {
      const bytes = random.bytes(length);
      expect(readPairingText(pairingTexts(bytes).picture)).toEqual({ ok: true, value: bytes });
    }
    expect(readPairingText('HN1:FGW')).toEqual({ ok: true, value: Uint8Array.of(255, 255) });
    expect(readPairingText('HN1:GGW')).toEqual({ ok: false, error: 'pairing-unreadable' });
  });

  it('is known again by whoever has the key of the place, and by nobody else', async () => {
    const parsed = parsePairingCode(await encode());
    if (!parsed.ok) throw new Error(parsed.error);
    expect(await isMarkedWith(platformCrypto, parsed.value, key)).toBe(true);
    expect(await isMarkedWith(platformCrypto, parsed.value, hashOf('another street'))).toBe(false);
    expect((await pairingDevice(platformCrypto, hashOf('anna'))).length).toBe(8);
  });
});

describe('what a browser says and is told', () => {
  const offer = [
    'v=0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'a=candidate:1 1 udp 2113937151 876d82d4-6984-485a-8dac-338e9343196a.local 58980 typ host generation 0',
    'a=candidate:2 1 udp 2113942271 2001:db8::7 39362 typ host generation 0',
    'a=candidate:3 1 tcp 1518280447 10.77.0.1 9 typ host tcptype active',
    'a=candidate:4 1 udp 1677729535 203.0.113.7 5000 typ srflx raddr 0.0.0.0 rport 0',
    'a=candidate:5 1 udp 2113942271 10.77.0.1 39363 typ host generation 0',
    'a=ice-ufrag:YJJ3',
    'a=ice-pwd:FBK2LxDustYkXhb0j6mGPhzL',
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`,
    '',
  ].join('\r\n');

  it('the offer gives its words and its addresses in the network, plain ones first', () => {
    expect(readPairFacts(offer)).toEqual({
      ok: true,
      value: {
        fingerprint: new Uint8Array(32).fill(0xab),
        ufrag: 'YJJ3',
        password: 'FBK2LxDustYkXhb0j6mGPhzL',
        addresses: [
          { host: '10.77.0.1', port: 39_363 },
          { host: '2001:db8::7', port: 39_362 },
          { host: '876d82d4-6984-485a-8dac-338e9343196a.local', port: 58_980 },
        ],
      },
    });
    expect(readPairFacts(offer.replace('a=ice-pwd', 'a=x'))).toEqual({ ok: false, error: 'no-ice-words' });
  });

  it('the answers that both make up fit together: one leads, by the certificates alone', () => {
    const bora = { ...anna.facts, fingerprint: new Uint8Array(32) };
    expect([leadsPair(anna.facts, bora), leadsPair(bora, anna.facts)]).toEqual([false, true]);
    expect(writePairAnswer(anna.facts, bora)).toContain('a=setup:active');
    expect(writePairAnswer(bora, anna.facts)).toContain('a=setup:passive');
    expect(readPairFacts(writePairAnswer(bora, anna.facts))).toEqual({ ok: true, value: anna.facts });
  });
});
