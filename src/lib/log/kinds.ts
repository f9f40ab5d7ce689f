import {
  array,
  instance,
  literal,
  maxLength,
  minLength,
  minValue,
  number,
  object,
  picklist,
  pipe,
  safeInteger,
  safeParse,
  strictTuple,
  string,
  check,
  type GenericSchema,
  type InferOutput,
} from 'valibot';
import { decodeCbor, encodeCbor, type Cbor } from '../kernel/codec.ts';
import { compareBytes, concatBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { isLane, monthLane } from './event.ts';
import { isServerAddress } from './server-address.ts';

/**
 * The registry of event kinds: name, where its events live, how large a payload may be, and its schema.
 * A payload is 16 salt bytes and then one deterministic CBOR map. An unknown kind is stored and void, so that an old build
 * keeps what a new one says.
 */
const bytes = (length: number) =>
  pipe(
    instance(Uint8Array),
    check((value) => value.length === length, 'wrong length'),
  );
const anyBytes = (most: number) =>
  pipe(
    instance(Uint8Array),
    check((value) => value.length <= most, 'too long'),
  );
const nameText = pipe(string(), minLength(1), maxLength(limits.nameCharsMax));
const noBytes = new Uint8Array(0);
const heads = pipe(array(bytes(32)), maxLength(limits.authorityHeadsMax));

const genesis = object({
  name: pipe(string(), minLength(1), maxLength(limits.communityNameCharsMax)),
  certificate: anyBytes(300),
  personName: nameText,
});
const admit = object({
  auth: heads,
  certificate: anyBytes(300),
  personName: nameText,
  inviteHash: bytes(32),
  epoch: bytes(16),
  sealedKey: anyBytes(160),
});
const communityKey = object({
  auth: heads,
  epoch: bytes(16),
  /** SHA-256("HN-KEY-CHECK" || key): whoever seals this epoch's key later cannot pass off another. */
  check: bytes(32),
  sealed: pipe(array(object({ device: bytes(32), sealedKey: anyBytes(160) })), maxLength(400)),
});
const profile = object({ auth: heads, personName: nameText });
const count = pipe(number(), safeInteger(), minValue(0));
/** [device, lane, how many leading events of it count, their prefix digest]: what of somebody's writing outlives an act against them. */
const cuts = pipe(array(strictTuple([bytes(32), count, count, bytes(32)])), maxLength(limits.cutsMax));
const coSigned = object({
  auth: heads,
  intent: anyBytes(limits.intentBytesMax),
  signatures: pipe(array(object({ device: bytes(32), signature: bytes(64) })), maxLength(limits.coSignaturesMax)),
});
const promote = object({ auth: heads, person: bytes(32), role: picklist(['trusted', 'anchor']) });
const leave = object({ auth: heads, cuts });
const propose = object({
  auth: heads,
  intent: anyBytes(limits.intentBytesMax),
  reason: pipe(string(), maxLength(limits.reasonCharsMax)),
});
const endorse = object({ auth: heads, proposal: bytes(32), signature: bytes(64) });
const policy = object({ auth: heads, admit: picklist(['member', 'trusted', 'anchor']) });
/** Where devices of this neighbourhood meet, in order of preference; none says that no server is known. */
const servers = object({
  auth: heads,
  urls: pipe(array(pipe(string(), check(isServerAddress, 'no server address'))), maxLength(limits.serversInLogMax)),
});
const deviceAdd = object({ auth: heads, certificate: anyBytes(300), epoch: bytes(16), sealedKey: anyBytes(160) });
const deviceRevoke = object({ auth: heads, statement: anyBytes(limits.intentBytesMax), signature: bytes(64) });
const tokenRevoke = object({ auth: heads, token: bytes(32) });
const checkpoint = object({
  auth: heads,
  lane: pipe(
    count,
    check((lane) => lane >= monthLane(0) && isLane(lane), 'no month lane'),
  ),
  /** [device, how many leading events of its lane, their prefix digest], each device once, in the order of their keys. */
  places: pipe(
    array(strictTuple([bytes(32), pipe(count, minValue(1)), bytes(32)])),
    minLength(1),
    maxLength(limits.checkpointPlacesMax),
    check(
      (places) => places.every(([device], at) => compareBytes(places[at - 1]?.[0] ?? noBytes, device) < 0),
      'not in order',
    ),
  ),
  root: bytes(32),
});
const message = object({
  to: literal('everyone'),
  text: pipe(
    string(),
    minLength(1),
    check((text) => new TextEncoder().encode(text).length <= limits.messageTextBytesMax, 'too long'),
  ),
  clientId: bytes(16),
});
const removal = object({ target: bytes(32) });

/** A document's id is the first 16 bytes of this event's id, so nobody can make one under another's id. */
const docCreate = object({
  title: pipe(string(), minLength(1), maxLength(limits.documentTitleCharsMax)),
  kind: literal('plan'),
});
/** `update` is an ordinary Yjs update (V1); `replica/documents` judges what is in it. */
const docUpdate = object({ doc: bytes(16), update: anyBytes(limits.documentUpdateBytesMax) });

export const kinds = {
  'community.genesis': { number: 1, lane: 'authority', payloadBytesMax: 1024, schema: genesis },
  'community.admit': { number: 2, lane: 'authority', payloadBytesMax: 2048, schema: admit },
  'community.key': { number: 3, lane: 'authority', payloadBytesMax: 60 * 1024, schema: communityKey },
  'person.profile': { number: 4, lane: 'authority', payloadBytesMax: 1024, schema: profile },
  'community.promote': { number: 5, lane: 'authority', payloadBytesMax: 1024, schema: promote },
  'community.demote': { number: 6, lane: 'authority', payloadBytesMax: 56 * 1024, schema: coSigned },
  'community.remove': { number: 7, lane: 'authority', payloadBytesMax: 56 * 1024, schema: coSigned },
  'community.leave': { number: 8, lane: 'authority', payloadBytesMax: 56 * 1024, schema: leave },
  'community.propose': { number: 9, lane: 'authority', payloadBytesMax: 56 * 1024, schema: propose },
  'community.endorse': { number: 10, lane: 'authority', payloadBytesMax: 1024, schema: endorse },
  'community.policy': { number: 11, lane: 'authority', payloadBytesMax: 1024, schema: policy },
  'device.add': { number: 12, lane: 'authority', payloadBytesMax: 2048, schema: deviceAdd },
  'device.revoke': { number: 13, lane: 'authority', payloadBytesMax: 56 * 1024, schema: deviceRevoke },
  'token.revoke': { number: 14, lane: 'authority', payloadBytesMax: 1024, schema: tokenRevoke },
  'community.checkpoint': { number: 15, lane: 'authority', payloadBytesMax: 56 * 1024, schema: checkpoint },
  'community.servers': { number: 16, lane: 'authority', payloadBytesMax: 2048, schema: servers },
  'chat.message': { number: 32, lane: 'month', payloadBytesMax: 8 * 1024, schema: message },
  'chat.remove': { number: 33, lane: 'month', payloadBytesMax: 256, schema: removal },
  'doc.create': { number: 40, lane: 'month', payloadBytesMax: 1024, schema: docCreate },
  'doc.update': { number: 41, lane: 'month', payloadBytesMax: 17 * 1024, schema: docUpdate },
} as const satisfies Record<
  string,
  { number: number; lane: 'authority' | 'month'; payloadBytesMax: number; schema: GenericSchema }
>;

export type KindName = keyof typeof kinds;
export type Payload<K extends KindName> = InferOutput<(typeof kinds)[K]['schema']>;
export type PayloadRefusal = 'payload-too-large' | 'payload-malformed' | 'payload-schema';

const nameByNumber = new Map<number, KindName>(
  Object.entries(kinds).map(([name, kind]) => [kind.number, name as KindName]),
);

/** undefined for a kind this build does not know. */
export const kindName = (kind: number): KindName | undefined => nameByNumber.get(kind);

/** Throws when the body does not fit its own schema: services validate what people type before they come here. */
export const encodePayload = <K extends KindName>(random: Random, kind: K, body: Payload<K>): Bytes => {
  const payload = concatBytes(random.bytes(limits.payloadSaltBytes), encodeCbor(body as unknown as Cbor));
  const parsed = parsePayload(kind, payload);
  if (!parsed.ok) throw new Error(`payload of ${kind} refused by its own schema: ${parsed.error}`);
  return payload;
};

export const parsePayload = <K extends KindName>(kind: K, payload: Uint8Array): Result<Payload<K>, PayloadRefusal> => {
  if (payload.length > kinds[kind].payloadBytesMax) return err('payload-too-large');
  if (payload.length < limits.payloadSaltBytes) return err('payload-malformed');
  const decoded = decodeCbor(payload.subarray(limits.payloadSaltBytes));
  if (!decoded.ok) return err('payload-malformed');
  const parsed = safeParse(kinds[kind].schema, decoded.value);
  return parsed.success ? ok(parsed.output as Payload<K>) : err('payload-schema');
};
