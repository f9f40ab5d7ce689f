import { describe, expect, it } from 'vitest';
import { encodeInvite, inviteKeys, parseInvite, type Invite } from '../../src/lib/crypto/invite.ts';
import { bytesToText, textToBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { hashOf, platformCrypto } from './street-fixture.ts';

const invite: Invite = {
  community: hashOf('community').slice(0, 16),
  inviter: hashOf('anna'),
  secret: hashOf('secret').slice(0, 16),
  expires: 1_000,
  hint: 'ws://192.168.1.7:8787',
};
const codeOf = (change: (bytes: Uint8Array) => Uint8Array | void): string => {
  const bytes = textToBytes(encodeInvite(invite)) ?? new Uint8Array(0);
  return bytesToText(change(bytes) ?? bytes);
};
const refusalOf = (code: string, now = 0) => {
  const parsed = parseInvite(code, now);
  return parsed.ok ? 'taken' : parsed.error;
};

describe('an invite', () => {
  it('is read back from its code and from a whole link, blanks around it or not', () => {
    for (const text of [
      encodeInvite(invite),
      `https://hearth.example/#join=${encodeInvite(invite)}`,
      `  ${encodeInvite(invite)}\n`,
    ])
      expect(parseInvite(text, 999)).toEqual({ ok: true, value: invite });
  });

  it('of version 2 is a link code for a further device, alone or after #device=, and says so', () => {
    const code = encodeInvite({ ...invite, isForDevice: true });
    for (const text of [code, `https://hearth.example/#device=${code}`])
      expect(parseInvite(text, 999)).toEqual({ ok: true, value: { ...invite, isForDevice: true } });
    expect(code).not.toBe(encodeInvite(invite));
  });

  it('has at most 100 bytes: a hint that does not fit is left out', () => {
    for (let length = 0; length < 60; length++) {
      const hint = length < 6 ? '' : `ws://${'h'.repeat(length - 5)}`;
      const code = encodeInvite({ ...invite, hint });
      expect(textToBytes(code)?.length).toBeLessThanOrEqual(limits.inviteBytesMax);
      const kept = parseInvite(code, 0);
      expect(kept).toMatchObject({ ok: true, value: { hint: hint.length <= 31 ? hint : '' } });
    }
  });

  it('is over at its second of expiry and not before', () => {
    expect(refusalOf(encodeInvite(invite), 999)).toBe('taken');
    expect(refusalOf(encodeInvite(invite), 1_000)).toBe('invite-expired');
    expect(refusalOf(encodeInvite({ ...invite, expires: 0xffffffff }), 0xfffffffe)).toBe('taken');
  });

  it('is unreadable when cut at any byte of its fixed part, too long, of another version, or no invite at all', () => {
    for (let length = 0; length < 69; length++)
      expect(refusalOf(codeOf((bytes) => bytes.subarray(0, length)))).toBe('invite-unreadable');
    expect(refusalOf(codeOf((bytes) => bytes.subarray(0, 69)))).toBe('taken');
    for (const version of [0, 3, 255])
      expect(refusalOf(codeOf((bytes) => void bytes.set([version])))).toBe('invite-unreadable');
    for (const text of [
      '',
      '#join=',
      'https://example.org',
      'A'.repeat(137),
      'A'.repeat(1_000_000),
      `${encodeInvite(invite)}=`,
      `${encodeInvite(invite)}#join=`,
    ])
      expect(refusalOf(text)).toBe('invite-unreadable');
  });

  it('points to a meeting server and nowhere else', () => {
    for (const hint of ['javascript:alert(1)', 'http://x', 'ws://', 'ws://a b', 'wss', '\u0000', ' ws://a'])
      expect([hint, refusalOf(encodeInvite({ ...invite, hint }))]).toEqual([hint, 'invite-unreadable']);
    expect(refusalOf(codeOf((bytes) => void bytes.set([0xff], 70)))).toBe('invite-unreadable');
  });

  it('is found in no random text', () => {
    const random = seededRandom('invites');
    let taken = 0;
    for (let at = 0; at < 5_000; at++)
      if (parseInvite(bytesToText(random.bytes(60 + (at % 45))), 2 ** 31).ok) taken += 1;
    // A first byte of 1, an expiry in the later half and a hint that is an address: practically never.
    expect(taken).toBeLessThan(5);
  });

  it('gives both ends the same four keys, each for one use only, and none of them tells the secret', async () => {
    const keys = await inviteKeys(platformCrypto, invite.secret);
    expect(await inviteKeys(platformCrypto, invite.secret.slice())).toEqual(keys);
    expect(new Set([keys.tag, bytesToText(keys.meetingKey), bytesToText(keys.psk), bytesToText(keys.hash)]).size).toBe(
      4,
    );
    const others = await inviteKeys(platformCrypto, hashOf('other').slice(0, 16));
    expect([others.tag, others.psk, others.hash]).not.toEqual([keys.tag, keys.psk, keys.hash]);
  });
});
