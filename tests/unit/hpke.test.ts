import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { describe, expect, it } from 'vitest';
import { openCommunityKey, sealCommunityKey } from '../../src/lib/crypto/community-key.ts';
import { hpkeOpen, hpkeSeal } from '../../src/lib/crypto/hpke.ts';
import { concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { agreementFromSeed } from '../support/node-crypto.ts';
import { hashOf, platformCrypto } from './street-fixture.ts';

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
const seed = hashOf('recipient seed');
const recipient = agreementFromSeed(seed);
const info = utf8('info');
const own = (buffer: ArrayBuffer): Bytes => new Uint8Array(buffer);

describe('HPKE beside @hpke/core', () => {
  it('opens what @hpke/core sealed', async () => {
    const key = await suite.kem.deserializePublicKey(recipient.publicKey.buffer);
    for (const length of [0, 1, 32, 5_000]) {
      const plain = new Uint8Array(length).fill(length);
      const { enc, ct } = await suite.seal({ recipientPublicKey: key, info: info.buffer }, plain.buffer);
      expect(await hpkeOpen(platformCrypto, recipient, info, concatBytes(own(enc), own(ct)))).toEqual(plain);
    }
  });

  it('seals what @hpke/core opens', async () => {
    const recipientKey = await suite.kem.deserializePrivateKey(seed.buffer);
    for (const length of [0, 1, 32, 5_000]) {
      const plain = new Uint8Array(length).fill(length);
      const sealed = (await hpkeSeal(platformCrypto, recipient.publicKey, info, plain)) ?? new Uint8Array(0);
      const opened = await suite.open(
        { recipientKey, enc: sealed.slice(0, 32).buffer, info: info.buffer },
        sealed.slice(32).buffer,
      );
      expect(own(opened)).toEqual(plain);
    }
  });

  it('opens nothing that was changed, cut, meant for another use or for another key', async () => {
    const sealed = (await hpkeSeal(platformCrypto, recipient.publicKey, info, utf8('secret'))) ?? new Uint8Array(0);
    let opened = 0;
    for (let at = 0; at < sealed.length; at++) {
      // The top bit of an X25519 key is ignored by its definition (RFC 7748), but enc is bound into the key schedule all the same.
      const changed = sealed.map((byte, index) => (index === at ? byte ^ 0x80 : byte));
      if (await hpkeOpen(platformCrypto, recipient, info, changed)) opened += 1;
      if (await hpkeOpen(platformCrypto, recipient, info, sealed.subarray(0, at))) opened += 1;
    }
    expect(opened).toBe(0);
    expect(await hpkeOpen(platformCrypto, recipient, utf8('other'), sealed)).toBeNull();
    expect(await hpkeOpen(platformCrypto, agreementFromSeed(hashOf('other')), info, sealed)).toBeNull();
  });

  it('seals to no key that would make the secret known to everybody', async () => {
    expect(await hpkeSeal(platformCrypto, new Uint8Array(32), info, utf8('secret'))).toBeNull();
    expect(await hpkeOpen(platformCrypto, recipient, info, new Uint8Array(64))).toBeNull();
  });
});

describe('the community key', () => {
  it('opens for its device in its community only', async () => {
    const [key, community] = [hashOf('epoch'), hashOf('community').slice(0, 16)];
    const sealed = (await sealCommunityKey(platformCrypto, key, recipient.publicKey, community)) ?? new Uint8Array(0);
    expect(await openCommunityKey(platformCrypto, recipient, sealed, community)).toEqual(key);
    expect(await openCommunityKey(platformCrypto, recipient, sealed, hashOf('another').slice(0, 16))).toBeNull();
    const short =
      (await sealCommunityKey(platformCrypto, key.slice(0, 31), recipient.publicKey, community)) ?? new Uint8Array(0);
    expect(await openCommunityKey(platformCrypto, recipient, short, community)).toBeNull();
  });
});
