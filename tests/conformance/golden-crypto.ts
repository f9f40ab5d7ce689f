import { parseInvite } from '../../src/lib/crypto/invite.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { $hex, readVectors, refusal, type EventFile, type Vector } from './golden-files.ts';
import { agreementFromSeed } from '../support/node-crypto.ts';
import { hexBytes, toNotation } from './notation.ts';

/** Certificates, invites, where a community meets, and Hello. */
export const cryptoVectors = (): Vector[] => {
  const { seeds } = readVectors<EventFile>('events.json');
  const {
    certificates,
    invite,
    communityPlace: place,
    hello,
  } = readVectors<{
    certificates: Readonly<Record<'anna' | 'bora', string>>;
    invite: { code: string; tag: string; meetingKey: string; psk: string; hash: string };
    communityPlace: { epochKey: string; week: number; tag: string; key: string; psk: string };
    hello: {
      psk: string;
      binding: string;
      first: string;
      second: string;
      third: string;
      transcript: string;
      emoji: string;
    };
  }>('crypto.json');
  const filled = (byte: string): object => $hex(byte.repeat(32));
  const answerer = {
    ...{ ephemeral: filled('01'), signing: $hex(seeds.bora.device), certificate: $hex(certificates.bora) },
    ...{ name: 'Bora', build: 'vector', clock: Date.UTC(2026, 5, 15, 12) },
    ...{ psk: $hex(hello.psk), binding: $hex(hello.binding), first: $hex(hello.first), third: $hex(hello.third) },
  };
  const agreementOf = (name: 'anna' | 'bora') =>
    toNotation(agreementFromSeed(hexBytes(seeds[name].agreement)).publicKey);
  const cut = (hex: string): string => `${hex.slice(0, -2)}${hex.endsWith('00') ? '01' : '00'}`;
  const { isForDevice: _never, ...told } = unwrap(parseInvite(invite.code, 0));
  return [
    ...(['anna', 'bora'] as const).map((name): Vector => ({
      name: `${name}'s certificate is written`,
      request: {
        ...{ op: 'encode', type: 'certificate', root: $hex(seeds[name].root), device: $hex(seeds[name].device) },
        ...{ agreement: agreementOf(name), created: 1_000, expires: 1_000 + 400 * 86_400 },
      },
      expect: { ok: { bytes: $hex(certificates[name]) } },
    })),
    {
      name: 'an invite is written',
      request: { op: 'encode', type: 'invite', ...(toNotation(told) as object) },
      expect: { ok: { text: invite.code } },
    },
    ...Object.entries(certificates).map(([name, bytes]): Vector => ({
      name: `${name}'s certificate holds`,
      request: { op: 'verify', type: 'certificate', bytes: $hex(bytes) },
      expect: { ok: { created: 1_000 } },
    })),
    {
      name: "a certificate whose device's half does not fit",
      request: { op: 'verify', type: 'certificate', bytes: $hex(cut(certificates.anna)) },
      expect: refusal('certificate-device-signature'),
    },
    {
      name: 'an invite is read',
      request: { op: 'decode', type: 'invite', text: invite.code, now: 0 },
      expect: { ok: { hint: 'wss://hearth.example', expires: 20_000_000, isForDevice: false } },
    },
    {
      name: 'an invite that has run out',
      request: { op: 'decode', type: 'invite', text: invite.code, now: 20_000_000 },
      expect: refusal('invite-expired'),
    },
    {
      name: "an invite's keys",
      request: { op: 'derive', type: 'invite', secret: $hex('44'.repeat(16)) },
      expect: {
        ok: { tag: invite.tag, meetingKey: $hex(invite.meetingKey), psk: $hex(invite.psk), hash: $hex(invite.hash) },
      },
    },
    {
      name: 'where a community meets',
      request: { op: 'derive', type: 'place', key: $hex(place.epochKey), week: place.week },
      expect: { ok: { tag: place.tag, key: $hex(place.key), psk: $hex(place.psk) } },
    },
    {
      name: 'Hello, as the answerer says it',
      request: { op: 'derive', type: 'hello', ...answerer },
      expect: { ok: { second: $hex(hello.second), transcript: $hex(hello.transcript), peerName: 'Anna' } },
    },
    {
      name: 'Hello with another shared secret',
      request: { op: 'derive', type: 'hello', ...answerer, psk: filled('99') },
      expect: refusal('hello-unsealable'),
    },
    {
      name: 'the six emoji',
      request: { op: 'derive', type: 'sas', transcript: $hex(hello.transcript) },
      expect: { ok: { emoji: hello.emoji } },
    },
  ];
};
