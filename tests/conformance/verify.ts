import { object, optional, string } from 'valibot';
import { parseManifest } from '../../src/lib/blobs/manifest.ts';
import { verifyCertificate } from '../../src/lib/crypto/certificate.ts';
import { createTokenJudge } from '../../src/lib/crypto/token-judge.ts';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { holdsRight } from '../../src/lib/kernel/bus/authorize.ts';
import { areBytesEqual, bytesToText } from '../../src/lib/kernel/ids.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { communityOf, isGenesisHeader, parseEventNow, verifyEvent } from '../../src/lib/log/event.ts';
import { frozenFrom, verifyProof } from '../../src/lib/log/fork.ts';
import { verifyReceipt } from '../../src/lib/log/receipts.ts';
import { readManifest } from '../../src/lib/services/presence-manifest.ts';
import { agreementFromSeed } from '../support/node-crypto.ts';
import { tellHeader, tellPresence } from './decode.ts';
import { crypto } from './engine.ts';
import { anyBytes, bytesOf, idBytes, judged, refused, work } from './op.ts';
import { courtOf, rolesOf, worldFields } from './world.ts';

/** What is signed, hashed or agreed on: what it says when it holds, else why it does not. */
export const verifyWorks = {
  /** Key rule ED1: one verdict for every signature, whatever engine is underneath. */
  signature: work(
    object({ key: bytesOf(32), message: anyBytes, signature: anyBytes }),
    async ({ key, message, signature }) =>
      (await crypto.verify(key, message, signature)) ? ok({ holds: true }) : refused('signature'),
  ),
  /** Key rule X1: the result is never all zero. */
  agreement: work(object({ secret: bytesOf(32), peer: anyBytes }), async ({ secret, peer }) => {
    const shared = await agreementFromSeed(secret).derive(peer);
    return shared ? ok({ shared }) : refused('agreement');
  }),
  event: work(
    object({ bytes: anyBytes, payload: optional(anyBytes), community: optional(bytesOf(16)) }),
    async ({ bytes, payload, community }) => {
      const parsed = parseEventNow(bytes);
      if (!parsed.ok) return refused(parsed.error);
      const { header, id } = parsed.value;
      const named = isGenesisHeader(header) ? await communityOf(crypto, parsed.value) : header.community;
      if (community && !areBytesEqual(named, community)) return refused('event-community');
      const verified = await verifyEvent(crypto, parsed.value);
      if (!verified.ok) return refused(verified.error);
      const isFit =
        !payload ||
        (payload.length === header.payloadSize && areBytesEqual(await crypto.sha256(payload), header.payloadHash));
      return isFit ? ok({ id: idBytes(id), ...tellHeader(header), community: named }) : refused('payload-hash');
    },
  ),
  certificate: work(object({ bytes: anyBytes }), async ({ bytes }) =>
    judged(await verifyCertificate(crypto, bytes), ({ bytes: _same, ...fields }) => fields),
  ),
  /** `device`: whom the link has proven (P5). */
  presence: work(object({ bytes: anyBytes, device: optional(bytesOf(32)) }), async ({ bytes, device }) => {
    const manifest = readManifest(bytes);
    if (!manifest) return refused('presence-malformed');
    if (device && manifest.device !== bytesToText(device)) return refused('presence-foreign');
    const isSigned = await crypto.verify(manifest.key, manifest.signed, manifest.signature);
    return isSigned ? ok(tellPresence(manifest)) : refused('presence-signature');
  }),
  receipt: work(object({ bytes: anyBytes, community: bytesOf(16) }), async ({ bytes, community }) =>
    judged(await verifyReceipt(crypto, community, bytes), ({ device, hlc, nextByPlace }) => ({
      device: idBytes(device),
      hlc,
      places: [...nextByPlace].map(([place, next]) => {
        const [author = '', lane = ''] = place.split(' ');
        return [idBytes(author), Number(lane), next];
      }),
    })),
  ),
  proof: work(object({ bytes: anyBytes, community: bytesOf(16) }), async ({ bytes, community }) =>
    judged(await verifyProof(crypto, community, bytes), (proof) => ({
      device: idBytes(proof.device),
      lane: proof.lane,
      seq: proof.seq,
      first: idBytes(proof.first.id),
      second: idBytes(proof.second.id),
      frozenFrom: frozenFrom(proof),
    })),
  ),
  token: work(
    object({ bytes: anyBytes, audience: bytesOf(32), command: string(), world: worldFields }),
    async ({ bytes, audience, command, world }) => {
      const views = rolesOf(world);
      const policy = contractsByName.get(command)?.policy;
      const verdict = await createTokenJudge(
        crypto,
        courtOf(world, () => world.now),
      )(bytes, {
        audience: bytesToText(audience),
        command,
        holdsRight: (device) => policy !== undefined && holdsRight(device, policy, views),
      });
      if (!verdict.ok) return refused(verdict.error.reason, verdict.error.code);
      return ok({
        links: verdict.value.links.map(({ hash, policy: each }) => ({ hash: idBytes(hash), policy: each })),
      });
    },
  ),
  /** `cid` is what names the blob. */
  manifest: work(object({ bytes: anyBytes, cid: bytesOf(32) }), async ({ bytes, cid }) => {
    if (!areBytesEqual(await crypto.sha256(bytes), cid)) return refused('manifest-hash');
    return judged(parseManifest(bytes), (manifest) => ({ ...manifest }));
  }),
};
