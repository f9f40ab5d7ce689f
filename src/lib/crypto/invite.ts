import { bytesToText, concatBytes, textToBytes, utf8, utf8ToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { hkdf } from './hkdf.ts';

/**
 * An invite, at most 100 bytes, only ever in a URL fragment or on paper:
 * version 1 | community 16 | inviter's device 32 | secret 16 | expiry 4 (seconds since 2026-01-01, big endian) | hint (UTF-8).
 * The hint is the meeting server's address, empty when it is the host of the link. Who knows the secret can knock; only the
 * inviter's device opens. Version 2 is a link code: the same, for a further device of the inviter's own person; another text
 * goes in front of it in a link (`#device=`), and what it opens is another door.
 */
export type Invite = {
  readonly community: Bytes;
  readonly inviter: Bytes;
  readonly secret: Bytes;
  readonly expires: number;
  readonly hint: string;
  readonly isForDevice?: boolean;
};

export type InviteRefusal = 'invite-unreadable' | 'invite-expired';

const fixedBytes = 1 + 16 + 32 + 16 + 4;

/** A hint that does not fit is left out; the newcomer then needs the right address by the link itself or in Settings. */
export const encodeInvite = (invite: Invite): string => {
  const hint = utf8(invite.hint);
  const expiry = new Uint8Array(4);
  new DataView(expiry.buffer).setUint32(0, invite.expires);
  const fits = fixedBytes + hint.length <= limits.inviteBytesMax;
  return bytesToText(
    concatBytes(
      Uint8Array.of(invite.isForDevice ? 2 : 1),
      invite.community,
      invite.inviter,
      invite.secret,
      expiry,
      fits ? hint : new Uint8Array(0),
    ),
  );
};

/** Takes the code itself or a whole link with `#join=` or `#device=`. `nowSeconds` since 2026-01-01. */
export const parseInvite = (text: string, nowSeconds: number): Result<Invite, InviteRefusal> => {
  const code = inviteCode(text);
  const bytes = code.length <= 2 * limits.inviteBytesMax ? textToBytes(code) : null;
  if (!bytes || bytes.length < fixedBytes || bytes.length > limits.inviteBytesMax) return err('invite-unreadable');
  const [version] = bytes;
  if (version !== 1 && version !== 2) return err('invite-unreadable');
  const hint = utf8ToText(bytes.slice(fixedBytes));
  if (hint === null || (hint !== '' && !/^wss?:\/\/[^\s]+$/.test(hint))) return err('invite-unreadable');
  const expires = new DataView(bytes.buffer).getUint32(65);
  if (expires <= nowSeconds) return err('invite-expired');
  return ok({
    community: bytes.slice(1, 17),
    inviter: bytes.slice(17, 49),
    secret: bytes.slice(49, 65),
    expires,
    hint,
    ...(version === 2 ? { isForDevice: true } : {}),
  });
};

/** The code in what somebody pasted: alone, or at the end of a link. */
export const inviteCode = (text: string): string =>
  text
    .trim()
    .split(/#(?:join|device)=/)
    .at(-1) ?? '';

/** What both sides derive from the secret: where to meet, what seals the meeting, what Hello mixes in, and what `admit` names. */
export const inviteKeys = async (crypto: CryptoPort, secret: Uint8Array) => ({
  tag: bytesToText(await hkdf(crypto, secret, 'HN-INVITE-TAG', undefined, 24)),
  meetingKey: await hkdf(crypto, secret, 'HN-INVITE-MEETING'),
  psk: await hkdf(crypto, secret, 'HN-INVITE-PSK'),
  hash: await crypto.sha256(concatBytes(utf8('HN-INVITE-HASH'), secret)),
});
