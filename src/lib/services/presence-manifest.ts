import { capabilityId, parseCapabilityId } from '../kernel/bus/capability.ts';
import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList, isCborMap, type Cbor } from '../kernel/codec.ts';
import { bytesToText, concatBytes, textToBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, SigningKey } from '../kernel/ports/crypto.ts';
import type { About, BatteryClass, Offer, Profile } from '../kernel/bus/registry.ts';

/**
 * The signed manifest of what a device offers (protocol 8), version 2: CBOR [body, signature64], signed over
 * "HN-PRESENCE1" || body; body = CBOR [2, device32, clock ms, name, profile, battery, load percent,
 * [[capability id, {param: [text...]}, load percent, full, schema: 0 or 8 bytes]...]].
 */
export type Manifest = {
  readonly device: string;
  readonly sentAt: number;
  readonly about: About;
  readonly offers: readonly Offer[];
};
/** A manifest of the right shape, and what its signature is to be checked against. Nothing of it is believed before that. */
export type ReadManifest = Manifest & { readonly key: Bytes; readonly signed: Bytes; readonly signature: Bytes };

const version = 2;
const profiles: readonly Profile[] = ['anchor', 'hearth', 'spark', 'bridge'];
const batteryClasses: readonly BatteryClass[] = ['mains', 'good', 'low', 'unknown'];
const label = utf8('HN-PRESENCE1');
const textCharsMax = limits.callParamCharsMax;
/** The outer list, its two heads and the signature. */
const signatureRoomBytes = 80;

/** Bytes for the neighbours, never more than they would take: params that do not fit are left out, the longest list first. */
export const signManifest = async (
  signing: SigningKey,
  { sentAt, about, offers }: Omit<Manifest, 'device'>,
): Promise<Bytes> => {
  const bodyOf = (told: readonly Offer[]): Bytes =>
    encodeCbor([
      version,
      signing.publicKey,
      sentAt,
      about.name,
      about.profile,
      about.battery,
      about.loadPercent,
      told.map(encodeOffer),
    ]);
  let told = offers.slice(0, limits.presenceOffersMax);
  let body = bodyOf(told);
  while (body.length + signatureRoomBytes > limits.presenceBytesMax && told.length > 0) {
    told = shorten(told);
    body = bodyOf(told);
  }
  return encodeCbor([body, await signing.sign(concatBytes(label, body))]);
};

const encodeOffer = (offer: Offer): Cbor => [
  capabilityId(offer),
  Object.fromEntries(Object.entries(offer.params).map(([name, values]) => [name, [...values]])),
  offer.loadPercent,
  offer.isFull,
  textToBytes(offer.schema) ?? new Uint8Array(0),
];

/** Half of the longest list of params goes; when there is none left, the last offer. */
const shorten = (offers: readonly Offer[]): Offer[] => {
  const lists = offers.flatMap(({ params }) => Object.values(params));
  const longest = lists.reduce<readonly string[]>((a, b) => (b.length > a.length ? b : a), []);
  if (longest.length === 0) return offers.slice(0, -1);
  return offers.map((offer) => ({
    ...offer,
    params: Object.fromEntries(
      Object.entries(offer.params).map(([name, values]) => [
        name,
        values === longest ? values.slice(0, values.length >> 1) : values,
      ]),
    ),
  }));
};

/** Total: whatever came, a manifest of exactly this shape and within every bound, or null. */
export const readManifest = (bytes: Bytes): ReadManifest | null => {
  if (bytes.length > limits.presenceBytesMax) return null;
  const outer = decodeCbor(bytes);
  if (!outer.ok || !isCborList(outer.value) || outer.value.length !== 2) return null;
  const [body, signature] = outer.value;
  if (!isCborBytes(body) || !isCborBytes(signature, 64)) return null;
  const inner = decodeCbor(body);
  if (!inner.ok || !isCborList(inner.value) || inner.value.length !== 8 || inner.value[0] !== version) return null;
  const [, key, sentAt, name, profile, battery, loadPercent, list] = inner.value;
  if (!isCborBytes(key, 32) || !isCborCount(sentAt) || !isCborList(list) || list.length > limits.presenceOffersMax)
    return null;
  const about = readAbout(name, profile, battery, loadPercent);
  const offers = list.map(readOffer).filter((offer) => offer !== null);
  const isWhole = offers.length === list.length && new Set(offers.map(capabilityId)).size === offers.length;
  if (!about || !isWhole) return null;
  return { key, signed: concatBytes(label, body), signature, device: bytesToText(key), sentAt, about, offers };
};

const readAbout = (
  name: Cbor | undefined,
  profile: Cbor | undefined,
  battery: Cbor | undefined,
  loadPercent: Cbor | undefined,
): About | null => {
  if (typeof name !== 'string' || name.length > limits.nameCharsMax || !isCborCount(loadPercent)) return null;
  const knownProfile = profiles.find((each) => each === profile);
  const knownBattery = batteryClasses.find((each) => each === battery);
  if (!knownProfile || !knownBattery) return null;
  return { name, profile: knownProfile, battery: knownBattery, loadPercent: Math.min(loadPercent, 100) };
};

const readOffer = (item: Cbor): Offer | null => {
  if (!isCborList(item) || item.length !== 5) return null;
  const [id, params, loadPercent, isFull, schema] = item;
  const capability = typeof id === 'string' ? parseCapabilityId(id) : null;
  if (!capability || !isCborMap(params) || !isCborCount(loadPercent) || typeof isFull !== 'boolean') return null;
  if (!isCborBytes(schema) || (schema.length !== 0 && schema.length !== 8)) return null;
  const lists = Object.entries(params).map(([name, values]) => [name, readTexts(values)] as const);
  if (lists.length > limits.callParamsMax || lists.some(([name, texts]) => !texts || name.length > textCharsMax))
    return null;
  return {
    ...capability,
    params: Object.fromEntries(lists.map(([name, texts]) => [name, texts ?? []])),
    loadPercent: Math.min(loadPercent, 100),
    isFull,
    schema: bytesToText(schema),
  };
};

const readTexts = (values: Cbor): readonly string[] | null => {
  if (!isCborList(values) || values.length > limits.corporaMax) return null;
  const texts = values.filter((value): value is string => typeof value === 'string' && value.length <= textCharsMax);
  return texts.length === values.length ? texts : null;
};
