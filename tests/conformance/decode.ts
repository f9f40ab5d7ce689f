import { object, string } from 'valibot';
import { parseBulk } from '../../src/lib/blobs/bulk-frames.ts';
import { parseManifest } from '../../src/lib/blobs/manifest.ts';
import { parseInvite } from '../../src/lib/crypto/invite.ts';
import { readCard } from '../../src/lib/crypto/recovery.ts';
import { parseToken } from '../../src/lib/crypto/token.ts';
import { count } from '../../src/lib/contracts/fields.ts';
import { parseCapabilityId } from '../../src/lib/kernel/bus/capability.ts';
import { decodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { parseEventNow, type Header } from '../../src/lib/log/event.ts';
import { kinds, parsePayload, type KindName } from '../../src/lib/log/kinds.ts';
import { parseRpc, type RpcFrame } from '../../src/lib/mesh/rpc-frames.ts';
import { parseFrame, type SyncFrame } from '../../src/lib/replica/frames.ts';
import { guardUpdate } from '../../src/lib/replica/guard.ts';
import { readManifest, type Manifest as PresenceManifest } from '../../src/lib/services/presence-manifest.ts';
import { crypto } from './engine.ts';
import { notationText } from './notation.ts';
import { anyBytes, idBytes, judged, refused, work, type Judged } from './op.ts';

const fromBytes = (run: (bytes: Uint8Array<ArrayBuffer>) => Judged) =>
  work(object({ bytes: anyBytes }), ({ bytes }) => run(bytes));

/** Bytes or texts as they come from outside: what they say, or why they are refused. No key is touched. */
export const decodeWorks = {
  cbor: fromBytes((bytes) => judged(decodeCbor(bytes), (value) => ({ json: notationText(value) }))),
  event: fromBytes((bytes) =>
    judged(parseEventNow(bytes), ({ header, id }) => ({ id: idBytes(id), ...tellHeader(header) })),
  ),
  payload: work(object({ kind: string(), bytes: anyBytes }), ({ kind, bytes }) =>
    isKind(kind) ? judged(parsePayload(kind, bytes), (body) => ({ body: body as Cbor })) : refused('kind-unknown'),
  ),
  token: fromBytes((bytes) =>
    judged(parseToken(bytes), (links) => ({
      links: links.map(({ body: _body, signature: _signature, ...told }) => told),
    })),
  ),
  presence: fromBytes((bytes) => {
    const manifest = readManifest(bytes);
    return manifest ? ok(tellPresence(manifest)) : refused('presence-malformed');
  }),
  rpc: fromBytes((bytes) => judged(parseRpc(bytes), tellRpc)),
  sync: fromBytes((bytes) => judged(parseFrame(bytes), tellSync)),
  bulk: fromBytes((bytes) =>
    judged(parseBulk(bytes), ({ cid, ...rest }) => ({ ...(rest as { [name: string]: Cbor }), cid: idBytes(cid) })),
  ),
  update: fromBytes((bytes) =>
    judged(guardUpdate(bytes), (structs) => ({
      structs: structs.map(({ client, clock, root, envelope }) => ({
        client,
        clock,
        root,
        envelope: new Uint8Array(envelope),
      })),
    })),
  ),
  manifest: fromBytes((bytes) => judged(parseManifest(bytes), (manifest) => ({ ...manifest }))),
  capability: work(object({ text: string() }), ({ text }) => {
    const asked = parseCapabilityId(text);
    return asked ? ok({ name: asked.name, ...asked.version }) : refused('capability-unknown', 'not_found');
  }),
  invite: work(object({ text: string(), now: count }), ({ text, now }) =>
    judged(parseInvite(text, now), ({ isForDevice = false, ...invite }) => ({ ...invite, isForDevice })),
  ),
  card: work(object({ text: string() }), async ({ text }) => {
    const read = await readCard(crypto, text);
    if (read.ok) return ok({ entropy: read.value });
    return refused('position' in read.error ? `card-word-${read.error.position}` : read.error.reason);
  }),
};

export const isKind = (kind: string): kind is KindName => Object.hasOwn(kinds, kind);

export const tellHeader = (header: Header): { readonly [name: string]: Cbor } => ({ ...header });

export const tellPresence = ({ device, sentAt, about, offers }: PresenceManifest): Cbor => ({
  device: idBytes(device),
  sentAt,
  ...about,
  offers: offers.map(({ name, version, params, loadPercent, isFull, schema }) => ({
    capability: `${name}@${version.major}.${version.minor}`,
    params: Object.fromEntries(Object.entries(params).map(([param, texts]) => [param, [...texts]])),
    loadPercent,
    isFull,
    schema: idBytes(schema),
  })),
});

/** A frame by its own names; where an input is fetched instead of sent along, its place stands under `input`. */
const tellRpc = (frame: RpcFrame): Cbor => {
  if (frame.t !== 'call' || frame.input instanceof Uint8Array) return frame as unknown as Cbor;
  return { ...frame, input: { ...frame.input, cid: idBytes(frame.input.cid) } } as unknown as Cbor;
};

const tellSync = (frame: SyncFrame): Cbor =>
  frame.type === 'ask' ? { ...frame, clocks: [...frame.clocks].map(([client, clock]) => [client, clock]) } : frame;
