import { array, object, optional, string, tuple } from 'valibot';
import { count } from '../../src/lib/contracts/fields.ts';
import { verifyCertificate } from '../../src/lib/crypto/certificate.ts';
import { communityKeyCheck, communityPlace } from '../../src/lib/crypto/community-key.ts';
import { respondHello } from '../../src/lib/crypto/hello.ts';
import { inviteKeys } from '../../src/lib/crypto/invite.ts';
import { sasEmoji } from '../../src/lib/crypto/sas.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { checkpointRoot } from '../../src/lib/log/checkpoint.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { communityOf, isGenesisHeader, parseEventNow } from '../../src/lib/log/event.ts';
import { nextDigest } from '../../src/lib/log/lanes.ts';
import { signingFromSeed } from '../support/node-crypto.ts';
import { crypto, cryptoWithEphemeral } from './engine.ts';
import { anyBytes, bytesOf, refused, work } from './op.ts';

const bytes32 = bytesOf(32);

/** What follows from other things by a hash or a key schedule, so that two implementations must come to the same. */
export const deriveWorks = {
  community: work(object({ genesis: anyBytes }), async ({ genesis }) => {
    const parsed = parseEventNow(genesis);
    if (!parsed.ok) return refused(parsed.error);
    if (!isGenesisHeader(parsed.value.header)) return refused('genesis-misplaced');
    return ok({ community: await communityOf(crypto, parsed.value) });
  }),
  digest: work(object({ ids: array(bytes32) }), ({ ids }) =>
    ok({ digest: ids.reduce((digest, id) => nextDigest(digest, bytesToText(id)), new Uint8Array(32)) }),
  ),
  client: work(object({ author: bytes32, lane: count }), ({ author, lane }) =>
    ok({ client: clientOf(bytesToText(author), lane) }),
  ),
  checkpoint: work(object({ lane: count, places: array(tuple([bytes32, count, bytes32])) }), ({ lane, places }) =>
    ok({ root: checkpointRoot(lane, places) }),
  ),
  invite: work(object({ secret: bytesOf(16) }), async ({ secret }) => ok(await inviteKeys(crypto, secret))),
  place: work(object({ key: bytes32, week: count }), async ({ key, week }) =>
    ok({ ...(await communityPlace(crypto, key, week)), check: await communityKeyCheck(crypto, key) }),
  ),
  sas: work(object({ transcript: bytes32 }), async ({ transcript }) =>
    ok({ emoji: (await sasEmoji(crypto, transcript)).join(' ') }),
  ),
  /** The answerer's side of a Hello whose ephemeral key the request names. */
  hello: work(
    object({
      ...{ ephemeral: bytes32, signing: bytes32, certificate: anyBytes, name: string(), build: string() },
      ...{ psk: bytes32, binding: anyBytes, clock: count, first: anyBytes, third: optional(anyBytes) },
    }),
    async ({ ephemeral, signing, certificate, name, build, psk, binding, clock, first, third }) => {
      const own = await verifyCertificate(crypto, certificate);
      if (!own.ok) return refused(own.error);
      const begun = await respondHello(
        {
          crypto: cryptoWithEphemeral(ephemeral),
          self: { certificate: own.value, signing: signingFromSeed(signing), name, build },
          ...{ psk, binding, nowMs: () => clock },
        },
        first,
      );
      if (!begun.ok) return refused(begun.error);
      const { second, finish } = begun.value;
      if (!third) return ok({ second });
      const done = await finish(third);
      if (!done.ok) return refused(done.error);
      const { peer, transcript } = done.value;
      return ok({ second, transcript, peer: peer.certificate.device, peerName: peer.name, peerClock: peer.clockMs });
    },
  ),
};
