import { communityPlace } from '../crypto/community-key.ts';
import { isMarkedWith, pairingDevice, type MarkedCode } from '../crypto/pairing-code.ts';
import { areBytesEqual, textToBytes } from '../kernel/ids.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { Neighbours, StrangersPlace } from './neighbours.ts';

/** Whose code was read, and which place the two have in common; null is that of the community. */
export type PairingPlace = { readonly code: MarkedCode; readonly place: StrangersPlace | null; readonly psk: Bytes };
export type PlaceRefusal = 'pairing-foreign' | 'pairing-both-guests' | 'pairing-not-inviter';

type PlaceDeps = {
  readonly crypto: CryptoPort;
  readonly neighbours: Pick<Neighbours, 'strangersPlaces'>;
  readonly keys: () => readonly Bytes[];
};

/** Where the two could have met on a server: that place's key has marked the code, or it is the inviter's own device. */
export const findPairingPlace = async (
  deps: PlaceDeps,
  role: MarkedCode['role'],
  code: MarkedCode,
): Promise<Result<PairingPlace, PlaceRefusal>> => {
  const { crypto, neighbours } = deps;
  if (role === 'guest') {
    if (code.role === 'guest') return err('pairing-both-guests');
    const place = knocking(deps);
    const inviter = textToBytes(place?.inviter ?? '');
    if (!place || !inviter || !areBytesEqual(code.device, await pairingDevice(crypto, inviter)))
      return err('pairing-not-inviter');
    return ok({ code, place, psk: place.psk });
  }
  if (code.role === 'guest') {
    for (const place of neighbours.strangersPlaces())
      if (place.inviter === null && (await isMarkedWith(crypto, code, place.key)))
        return ok({ code, place, psk: place.psk });
    return err('pairing-foreign');
  }
  for (const epochKey of deps.keys()) {
    const { key, psk } = await communityPlace(crypto, epochKey, 0);
    if (await isMarkedWith(crypto, code, key)) return ok({ code, place: null, psk });
  }
  return err('pairing-foreign');
};

/** A member's code is marked with the community's newest key, a guest's with its invite's. */
export const ownPairingKey = async (deps: PlaceDeps): Promise<Bytes | null> => {
  const [newest] = deps.keys();
  if (newest) return (await communityPlace(deps.crypto, newest, 0)).key;
  return knocking(deps)?.key ?? null;
};

/** The place at which this device knocks itself. */
const knocking = ({ neighbours }: PlaceDeps): StrangersPlace | null =>
  neighbours.strangersPlaces().find(({ inviter }) => inviter !== null) ?? null;
