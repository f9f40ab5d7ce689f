import { communityKeyCheck, sealCommunityKey } from '../crypto/community-key.ts';
import { textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err, ok } from '../kernel/result.ts';
import { authOf, done, type ActDeps, type Written } from './acts.ts';
import type { Neighbourhood } from './neighbourhood.ts';

type Epoch = { readonly epoch: Bytes; readonly key: Bytes };

/** Writing the community key: a new one for everybody who is in, or the current one for devices it was not sealed to. */
export const createKeyActs = ({ crypto, random }: Pick<ActDeps, 'crypto' | 'random'>) => {
  /** One event holds so many seals; more of them repeat the epoch with the same check. */
  const write = async (here: Neighbourhood, { epoch, key }: Epoch, devices: readonly string[]): Promise<Written> => {
    const check = await communityKeyCheck(crypto, key);
    const seals: { device: Bytes; sealedKey: Bytes }[] = [];
    for (const id of devices) {
      const [device, agreement] = [textToBytes(id), here.membership().agreementKeyOf(id)];
      const sealedKey = agreement && (await sealCommunityKey(crypto, key, agreement, here.log.community));
      // A device whose agreement key is unsound cannot be sealed to; the others must not go without a key for it.
      if (device && sealedKey) seals.push({ device, sealedKey });
    }
    if (seals.length === 0) return err('key-not-sealable');
    for (let at = 0; at < seals.length; at += limits.sealsPerEventMax) {
      const sealed = seals.slice(at, at + limits.sealsPerEventMax);
      const written = done(await here.log.append('community.key', { auth: authOf(here), epoch, check, sealed }));
      if (!written.ok) return written;
    }
    return ok(undefined);
  };

  return {
    /** A fresh key in a new epoch, sealed to every device that is in. */
    rotate: (here: Neighbourhood): Promise<Written> =>
      write(
        here,
        { epoch: random.bytes(16), key: random.bytes(32) },
        [...here.membership().members.values()].flatMap(({ devices }) => devices),
      ),
    /** The current key once more, for devices that lack it. */
    reseal: async (here: Neighbourhood, devices: readonly string[]): Promise<Written> => {
      const current = here.currentKey();
      const epoch = current && textToBytes(current.epoch);
      return current && epoch ? write(here, { epoch, key: current.key }, devices) : err('no-community-key');
    },
  };
};
export type KeyActs = ReturnType<typeof createKeyActs>;
