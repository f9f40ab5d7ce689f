import type { Certificate } from '../crypto/certificate.ts';
import { nextHlc } from '../kernel/hlc.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import { authorityLane, communityOf, signEvent } from './event.ts';
import type { Incoming } from './intake.ts';
import { encodePayload, kinds } from './kinds.ts';

export type GenesisDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly signing: SigningKey;
};

/** The first event of a new community, signed by its founder's device. The community's id is the hash of its header. */
export const makeGenesis = async (
  { crypto, clock, random, signing }: GenesisDeps,
  { name, personName, certificate }: { name: string; personName: string; certificate: Certificate },
): Promise<{ community: Bytes; genesis: Incoming }> => {
  const payload = encodePayload(random, 'community.genesis', { name, personName, certificate: certificate.bytes });
  const event = await signEvent(crypto, signing, {
    community: new Uint8Array(16),
    author: signing.publicKey,
    lane: authorityLane,
    seq: 0,
    hlc: nextHlc(0, clock.now()),
    kind: kinds['community.genesis'].number,
    expires: 0,
    payloadHash: await crypto.sha256(payload),
    payloadSize: payload.length,
  });
  return { community: await communityOf(crypto, event), genesis: { envelope: event.envelope, payload } };
};
