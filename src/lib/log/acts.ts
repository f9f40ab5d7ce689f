import { communityKeyCheck, sealCommunityKey } from '../crypto/community-key.ts';
import type { Certificate } from '../crypto/certificate.ts';
import { textToBytes } from '../kernel/ids.ts';
import type { Bytes, CryptoPort, DeviceKeys } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Commit, StoreRefusal } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { Neighbourhood } from './neighbourhood.ts';

export type ActRefusal = StoreRefusal | 'no-community-key' | 'key-not-sealable' | 'invite-used';

export type ActDeps = { readonly crypto: CryptoPort; readonly random: Random; readonly device: DeviceKeys };

/** The authority acts of this device, written as events. Whether they take effect is decided by the fold, for everybody alike. */
export const createActs = ({ crypto, random, device }: ActDeps) => ({
  /** A fresh community key, sealed to this device: what a founder writes right after the genesis. */
  writeFirstKey: async ({ log, membership }: Neighbourhood): Promise<Result<void, ActRefusal>> => {
    const key = random.bytes(32);
    const sealedKey = await sealCommunityKey(crypto, key, device.agreement.publicKey, log.community);
    if (!sealedKey) return err('key-not-sealable');
    const written = await log.append('community.key', {
      auth: [...membership().authorityHeads],
      epoch: random.bytes(16),
      check: await communityKeyCheck(crypto, key),
      sealed: [{ device: device.signing.publicKey, sealedKey }],
    });
    return written.ok ? ok(undefined) : written;
  },
  /** Lets a device in: names its certificate and the invite, and seals the current community key to it. `along` is stored in the same commit. */
  admit: async (
    { log, membership, currentKey }: Neighbourhood,
    newcomer: { certificate: Certificate; name: string; inviteHash: Bytes },
    along: Commit['kv'],
  ): Promise<Result<void, ActRefusal>> => {
    const current = currentKey();
    if (!current) return err('no-community-key');
    const sealedKey = await sealCommunityKey(crypto, current.key, newcomer.certificate.agreement, log.community);
    if (!sealedKey) return err('key-not-sealable');
    const written = await log.append(
      'community.admit',
      {
        auth: [...membership().authorityHeads],
        certificate: newcomer.certificate.bytes,
        personName: newcomer.name,
        inviteHash: newcomer.inviteHash,
        epoch: textToBytes(current.epoch) ?? new Uint8Array(16),
        sealedKey,
      },
      along,
    );
    return written.ok ? ok(undefined) : written;
  },
  rename: async ({ log, membership }: Neighbourhood, personName: string): Promise<Result<void, ActRefusal>> => {
    const written = await log.append('person.profile', { auth: [...membership().authorityHeads], personName });
    return written.ok ? ok(undefined) : written;
  },
});
export type Acts = ReturnType<typeof createActs>;
