import {
  array,
  boolean,
  instance,
  nullable,
  object,
  optional,
  picklist,
  record,
  string,
  tuple,
  unknown,
} from 'valibot';
import { encodeBulk, parseBulk, type BulkFrame } from '../../src/lib/blobs/bulk-frames.ts';
import { encodeManifest } from '../../src/lib/blobs/manifest.ts';
import { count } from '../../src/lib/contracts/fields.ts';
import { issueCertificate } from '../../src/lib/crypto/certificate.ts';
import { encodeInvite } from '../../src/lib/crypto/invite.ts';
import { makeCard } from '../../src/lib/crypto/recovery.ts';
import { parseToken, signToken } from '../../src/lib/crypto/token.ts';
import { capabilityId, parseCapabilityId } from '../../src/lib/kernel/bus/capability.ts';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { parsePolicy } from '../../src/lib/kernel/bus/token-policy.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { signEvent } from '../../src/lib/log/event.ts';
import { encodePayload } from '../../src/lib/log/kinds.ts';
import { placeKey, signReceipt } from '../../src/lib/log/receipts.ts';
import { encodeRpc, parseRpc, type RpcFrame } from '../../src/lib/mesh/rpc-frames.ts';
import { encodeRuns } from '../../src/lib/replica/canonical.ts';
import { encodeFrame, parseFrame, type SyncFrame } from '../../src/lib/replica/frames.ts';
import { signManifest } from '../../src/lib/services/presence-manifest.ts';
import { signingFromSeed } from '../support/node-crypto.ts';
import { isKind } from './decode.ts';
import { crypto } from './engine.ts';
import { fromNotation } from './notation.ts';
import { anyBytes, bytesOf, refused, work, type Judged } from './op.ts';

/**
 * Fields as `decode` tells them, and their one encoding. Keys come as seeds (RFC 8032, RFC 7748), so that what is signed has one
 * encoding too.
 */
const seed = bytesOf(32);

/** What the encoders of the product throw at is a value that has no encoding. */
const encoded = async (make: () => Uint8Array | Promise<Uint8Array>): Promise<Judged> => {
  try {
    return ok({ bytes: new Uint8Array(await make()) });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return refused('not-encodable');
  }
};

/** A frame somebody has put together is encoded and read again, so that nothing is encoded that nobody would take. */
const frameWork = (make: (frame: unknown) => Uint8Array, read: (bytes: Uint8Array) => { readonly ok: boolean }) =>
  work(object({ frame: record(string(), unknown()) }), async ({ frame }) => {
    const made = await encoded(() => make(frame));
    if (!made.ok) return made;
    const { bytes } = made.value as { readonly bytes: Uint8Array };
    return read(bytes).ok ? made : refused('not-encodable');
  });

const rpcFrame = (frame: unknown): Uint8Array => {
  const { input, ...rest } = frame as { readonly input?: unknown };
  if (typeof input !== 'object' || input === null || input instanceof Uint8Array) return encodeRpc(frame as RpcFrame);
  const { cid } = input as { readonly cid?: unknown };
  const place = { ...input, cid: cid instanceof Uint8Array ? bytesToText(cid) : '' };
  return encodeRpc({ ...rest, input: place } as unknown as RpcFrame);
};

const syncFrame = (frame: unknown): Uint8Array => {
  const { clocks } = frame as { readonly clocks?: unknown };
  const isAsk = Array.isArray(clocks);
  return encodeFrame((isAsk ? { ...(frame as object), clocks: new Map(clocks) } : frame) as SyncFrame);
};

const bulkFrame = (frame: unknown): Uint8Array => {
  const { cid } = frame as { readonly cid?: unknown };
  return encodeBulk({ ...(frame as BulkFrame), cid: cid instanceof Uint8Array ? bytesToText(cid) : '' });
};

const header = object({
  ...{ community: bytesOf(16), lane: count, seq: count, hlc: count, kind: count, expires: count },
  ...{ payloadHash: bytesOf(32), payloadSize: count },
});
const offer = object({
  capability: string(),
  params: record(string(), array(string())),
  loadPercent: count,
  isFull: boolean(),
  schema: instance(Uint8Array),
});

export const encodeWorks = {
  cbor: work(object({ json: string() }), ({ json }) => encoded(() => encodeCbor(fromNotation(JSON.parse(json))))),
  rpc: frameWork(rpcFrame, parseRpc),
  sync: frameWork(syncFrame, parseFrame),
  bulk: frameWork(bulkFrame, parseBulk),
  update: work(
    object({ runs: array(object({ author: bytesOf(32), lane: count, start: count, envelopes: array(anyBytes) })) }),
    ({ runs }) =>
      encoded(() =>
        encodeRuns(
          runs.map(({ author, lane, ...run }) => {
            const id = bytesToText(author);
            return { ...run, author: id, client: clientOf(id, lane) };
          }),
        ),
      ),
  ),
  event: work(object({ seed, header }), ({ seed, header }) =>
    encoded(async () => {
      const key = signingFromSeed(seed);
      return (await signEvent(crypto, key, { ...header, author: key.publicKey })).envelope;
    }),
  ),
  payload: work(
    object({ kind: string(), salt: bytesOf(16), body: record(string(), unknown()) }),
    ({ kind, salt, body }) =>
      isKind(kind)
        ? encoded(() => encodePayload({ bytes: () => salt }, kind, body as Parameters<typeof encodePayload>[2]))
        : refused('kind-unknown'),
  ),
  certificate: work(
    object({ root: seed, device: seed, agreement: bytesOf(32), created: count, expires: count }),
    ({ root, device, agreement, created, expires }) =>
      encoded(async () => {
        const [rootKey, deviceKey] = [signingFromSeed(root), signingFromSeed(device)];
        const fields = { root: rootKey.publicKey, device: deviceKey.publicKey, agreement, created, expires };
        return (await issueCertificate(fields, { root: rootKey.sign, device: deviceKey.sign })).bytes;
      }),
  ),
  token: work(
    object({
      ...{ seed, chain: nullable(anyBytes), audience: bytesOf(32), community: bytesOf(16), command: string() },
      ...{ policy: unknown(), notBefore: count, expires: count, nonce: bytesOf(12), epoch: bytesOf(16) },
    }),
    ({ seed, chain, policy, ...fields }) => {
      const links = chain === null ? { ok: true as const, value: [] } : parseToken(chain);
      const narrowed = parsePolicy(policy as Cbor);
      if (!links.ok || narrowed === null) return refused('not-encodable');
      return encoded(() => signToken(signingFromSeed(seed), links.value, { ...fields, policy: narrowed }));
    },
  ),
  presence: work(
    object({
      ...{ seed, sentAt: count, name: string(), loadPercent: count, offers: array(offer) },
      profile: picklist(['anchor', 'hearth', 'spark', 'bridge']),
      battery: picklist(['mains', 'good', 'low', 'unknown']),
    }),
    ({ seed, sentAt, offers, ...about }) =>
      encoded(() =>
        signManifest(signingFromSeed(seed), {
          sentAt,
          about,
          offers: offers.map(({ capability, schema, ...told }) => ({
            ...told,
            ...(parseCapabilityId(capability) ?? { name: '', version: { major: 0, minor: 0 } }),
            schema: bytesToText(schema),
          })),
        }),
      ),
  ),
  receipt: work(
    object({ seed, community: bytesOf(16), hlc: count, places: array(tuple([bytesOf(32), count, count])) }),
    ({ seed, community, hlc, places }) =>
      encoded(async () => {
        const next = places.map(([author, lane, held]) => [placeKey(bytesToText(author), lane), held] as const);
        return (await signReceipt(signingFromSeed(seed), { community, hlc, nextByPlace: new Map(next) })).bytes;
      }),
  ),
  manifest: work(object({ size: count, mediaType: string(), hashes: anyBytes }), (fields) =>
    encoded(() => encodeManifest(fields)),
  ),
  invite: work(
    object({
      ...{ community: bytesOf(16), inviter: bytesOf(32), secret: bytesOf(16), expires: count, hint: string() },
      isForDevice: optional(boolean(), false),
    }),
    (fields) => ok({ text: encodeInvite(fields) }),
  ),
  capability: work(object({ name: string(), major: count, minor: count }), ({ name, major, minor }) => {
    const text = capabilityId({ name, version: { major, minor } });
    return parseCapabilityId(text) ? ok({ text }) : refused('not-encodable');
  }),
  card: work(object({ entropy: bytesOf(16) }), async ({ entropy }) => {
    const { words, qr } = await makeCard(crypto, entropy);
    return ok({ words: words.join(' '), qr });
  }),
};
