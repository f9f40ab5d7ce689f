import { bytesToText, concatBytes } from '../kernel/ids.ts';
import type { AgreementKey, Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { utf8 } from '../kernel/ids.ts';
import { hkdf } from './hkdf.ts';
import { hpkeOpen, hpkeSeal } from './hpke.ts';

/** The epoch key of a community sealed to one device; bound to the community so that it cannot be replayed into another. */
export const sealCommunityKey = (
  crypto: CryptoPort,
  key: Bytes,
  recipient: Uint8Array,
  community: Uint8Array,
): Promise<Bytes | null> => hpkeSeal(crypto, recipient, concatBytes(utf8('HN-COMMUNITY-KEY'), community), key);

export const openCommunityKey = async (
  crypto: CryptoPort,
  own: AgreementKey,
  sealed: Uint8Array,
  community: Uint8Array,
): Promise<Bytes | null> => {
  const key = await hpkeOpen(crypto, own, concatBytes(utf8('HN-COMMUNITY-KEY'), community), sealed);
  return key?.length === 32 ? key : null;
};

/** What a `community.key` event says of its key without saying the key. */
export const communityKeyCheck = (crypto: CryptoPort, key: Bytes): Promise<Bytes> =>
  crypto.sha256(concatBytes(utf8('HN-KEY-CHECK'), key));

/** Where the members of a community meet in a given week: the tag changes every week and tells the server nothing. */
export const communityPlace = async (crypto: CryptoPort, key: Bytes, week: number) => ({
  tag: bytesToText(await hkdf(crypto, key, 'HN-MEET-TAG', utf8(String(week)), 24)),
  key: await hkdf(crypto, key, 'HN-MEETING'),
  psk: await hkdf(crypto, key, 'HN-HELLO-PSK'),
});
