import { communityKeyCheck, sealCommunityKey } from '../crypto/community-key.ts';
import type { Certificate } from '../crypto/certificate.ts';
import { bytesToText, textToBytes } from '../kernel/ids.ts';
import type { Bytes, CryptoPort, DeviceKeys } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Commit, StoreRefusal } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { cutsOf } from './cuts.ts';
import { encodeStatement, statementMessage } from './intent.ts';
import type { AppendRefusal, EventLog } from './event-log.ts';
import type { Neighbourhood } from './neighbourhood.ts';

export type ActRefusal = StoreRefusal | AppendRefusal | 'no-community-key' | 'key-not-sealable' | 'invite-used';

export type ActDeps = { readonly crypto: CryptoPort; readonly random: Random; readonly device: DeviceKeys };
export type Written = Result<void, ActRefusal>;

/** What was appended, without the entry: the fold tells what came of it. */
export const done = (written: Awaited<ReturnType<EventLog['append']>>): Written =>
  written.ok ? ok(undefined) : written;

/** What every authority event names as its past. */
export const authOf = ({ membership }: Pick<Neighbourhood, 'membership'>): Bytes[] => [...membership().authorityHeads];

/** The authority acts of this device, written as events. Whether they take effect is decided by the fold, for everybody alike. */
export const createActs = ({ crypto, random, device }: ActDeps) => {
  /** The current community key, sealed to a device that comes in. */
  const sealedFor = async (
    { log, currentKey }: Neighbourhood,
    certificate: Certificate,
  ): Promise<Result<{ epoch: Bytes; sealedKey: Bytes }, ActRefusal>> => {
    const current = currentKey();
    if (!current) return err('no-community-key');
    const sealedKey = await sealCommunityKey(crypto, current.key, certificate.agreement, log.community);
    if (!sealedKey) return err('key-not-sealable');
    return ok({ epoch: textToBytes(current.epoch) ?? new Uint8Array(16), sealedKey });
  };

  return {
    /** A fresh community key, sealed to this device: what a founder writes right after the genesis. */
    writeFirstKey: async (here: Neighbourhood): Promise<Written> => {
      const key = random.bytes(32);
      const sealedKey = await sealCommunityKey(crypto, key, device.agreement.publicKey, here.log.community);
      if (!sealedKey) return err('key-not-sealable');
      return done(
        await here.log.append('community.key', {
          auth: authOf(here),
          epoch: random.bytes(16),
          check: await communityKeyCheck(crypto, key),
          sealed: [{ device: device.signing.publicKey, sealedKey }],
        }),
      );
    },
    /** Lets a device in: names its certificate and the invite, and seals the current community key to it. `along` is stored in the same commit. */
    admit: async (
      here: Neighbourhood,
      newcomer: { certificate: Certificate; name: string; inviteHash: Bytes },
      along: Commit['kv'],
    ): Promise<Written> => {
      const sealed = await sealedFor(here, newcomer.certificate);
      if (!sealed.ok) return sealed;
      const { certificate, name, inviteHash } = newcomer;
      const body = {
        auth: authOf(here),
        certificate: certificate.bytes,
        personName: name,
        inviteHash,
        ...sealed.value,
      };
      return done(await here.log.append('community.admit', body, { along }));
    },
    /** A further device of a member, by the certificate their root signed; any member's device may write it. */
    addDevice: async (here: Neighbourhood, certificate: Certificate, along: Commit['kv'] = []): Promise<Written> => {
      const sealed = await sealedFor(here, certificate);
      if (!sealed.ok) return sealed;
      const body = { auth: authOf(here), certificate: certificate.bytes, ...sealed.value };
      return done(await here.log.append('device.add', body, { along }));
    },
    /** Gives up a device of this person for good. What of it is known here counts; `rootSign` is the person's root key for one signature. */
    revokeDevice: async (
      here: Neighbourhood,
      given: { readonly device: Uint8Array; rootSign(message: Uint8Array): Promise<Bytes> },
    ): Promise<Written> => {
      const cuts = cutsOf(here.log, [bytesToText(given.device)]);
      const statement = encodeStatement(here.log.community, given.device.slice() as Bytes, cuts);
      const signature = await given.rootSign(statementMessage(statement));
      return done(await here.log.append('device.revoke', { auth: authOf(here), statement, signature }));
    },
    /** Takes a token back before it expires. */
    revokeToken: async (here: Neighbourhood, token: Bytes): Promise<Written> =>
      done(await here.log.append('token.revoke', { auth: authOf(here), token })),
    rename: async (here: Neighbourhood, personName: string): Promise<Written> =>
      done(await here.log.append('person.profile', { auth: authOf(here), personName })),
  };
};
export type Acts = ReturnType<typeof createActs>;
