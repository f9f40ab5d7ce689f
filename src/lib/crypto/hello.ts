import { decodeCbor, encodeCbor, isCborBytes, isCborList, isCborMap, type Cbor } from '../kernel/codec.ts';
import { areBytesEqual, concatBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { AgreementKey, Bytes, CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { verifyCertificate, type Certificate } from './certificate.ts';
import { hkdfExpand, hkdfExtract } from './hkdf.ts';

/**
 * Hello: SIGMA-I (Krawczyk 2003) between two devices that share a key (the community's epoch key or an invite's).
 *   1 I -> R  [1, 1, ephemeralI]
 *   2 R -> I  [2, ephemeralR, sealed{certificate, name, build, clock, signature over "HN-HELLO1 R" || th1 || H(certificate)}]
 *   3 I -> R  [3, sealed{... signature over "HN-HELLO1 I" || th2 || H(certificate)}]
 * th1 covers message 1, the responder's ephemeral and the carrier's binding (both DTLS fingerprints), th2 adds message 2.
 * So each end knows who is there, that nobody sits between, and a stranger without the shared key learns no identity.
 */
export type HelloSelf = {
  readonly certificate: Certificate;
  readonly signing: SigningKey;
  readonly name: string;
  readonly build: string;
};
export type HelloPeer = {
  readonly certificate: Certificate;
  readonly name: string;
  readonly build: string;
  readonly clockMs: number;
};
/** `secret` is known to the two ends only, and new each time: keys for what follows come from it. */
export type HelloDone = { readonly peer: HelloPeer; readonly transcript: Bytes; readonly secret: Bytes };

export type HelloRefusal =
  | 'hello-malformed'
  | 'hello-version'
  | 'hello-key'
  | 'hello-unsealable'
  | 'hello-signature'
  | 'hello-certificate'
  | 'hello-certificate-expired'
  | 'hello-self';

export type HelloDeps = {
  readonly crypto: CryptoPort;
  readonly self: HelloSelf;
  readonly psk: Bytes;
  readonly binding: Uint8Array;
  readonly nowMs: () => number;
};

type Keys = { readonly prk: Bytes; readonly th1: Bytes };

/** The offerer's side: send `first`, give it message 2, send what it returns. */
export const initiateHello = async (deps: HelloDeps) => {
  const ephemeral = await deps.crypto.ephemeral();
  const first = encodeCbor([1, 1, ephemeral.publicKey]);
  const finish = async (second: Uint8Array): Promise<Result<{ third: Bytes; done: HelloDone }, HelloRefusal>> => {
    const parts = parseParts(second, 2, 3);
    if (!parts) return err('hello-malformed');
    const [, responderKey, sealed] = parts;
    if (!isCborBytes(responderKey, 32) || !isCborBytes(sealed)) return err('hello-malformed');
    const keys = await deriveKeys(deps, ephemeral, responderKey, first, responderKey);
    if (!keys) return err('hello-key');
    const peer = await openIdentity(deps, keys.prk, 'R', keys.th1, sealed);
    if (!peer.ok) return peer;
    const th2 = await deps.crypto.sha256(concatBytes(keys.th1, second));
    const third = encodeCbor([3, await sealIdentity(deps, keys.prk, 'I', th2)]);
    return ok({ third, done: await finished(deps, keys.prk, peer.value, concatBytes(th2, third)) });
  };
  return { first, finish };
};

/** The answerer's side: give it message 1, send `second`, give it message 3. */
export const respondHello = async (
  deps: HelloDeps,
  first: Uint8Array,
): Promise<
  Result<{ second: Bytes; finish(third: Uint8Array): Promise<Result<HelloDone, HelloRefusal>> }, HelloRefusal>
> => {
  const parts = parseParts(first, 1, 3);
  if (!parts || !isCborBytes(parts[2], 32)) return err('hello-malformed');
  if (parts[1] !== 1) return err('hello-version');
  const ephemeral = await deps.crypto.ephemeral();
  const keys = await deriveKeys(deps, ephemeral, parts[2], first, ephemeral.publicKey);
  if (!keys) return err('hello-key');
  const second = encodeCbor([2, ephemeral.publicKey, await sealIdentity(deps, keys.prk, 'R', keys.th1)]);
  const th2 = await deps.crypto.sha256(concatBytes(keys.th1, second));
  const finish = async (third: Uint8Array): Promise<Result<HelloDone, HelloRefusal>> => {
    const last = parseParts(third, 3, 2);
    if (!last || !isCborBytes(last[1])) return err('hello-malformed');
    const peer = await openIdentity(deps, keys.prk, 'I', th2, last[1]);
    if (!peer.ok) return peer;
    return ok(await finished(deps, keys.prk, peer.value, concatBytes(th2, third)));
  };
  return ok({ second, finish });
};

const finished = async (deps: HelloDeps, prk: Bytes, peer: HelloPeer, said: Bytes): Promise<HelloDone> => {
  const transcript = await deps.crypto.sha256(said);
  const secret = await hkdfExpand(deps.crypto, prk, concatBytes(utf8('HN-HELLO1 S'), transcript), 32);
  return { peer, transcript, secret };
};

type Side = 'I' | 'R';
const zeroNonce = new Uint8Array(12);

const deriveKeys = async (
  deps: HelloDeps,
  own: AgreementKey,
  peer: Bytes,
  first: Uint8Array,
  responderKey: Bytes,
): Promise<Keys | null> => {
  const shared = await own.derive(peer);
  if (!shared) return null;
  const th1 = await deps.crypto.sha256(concatBytes(utf8('HN-HELLO1'), first, responderKey, deps.binding));
  return { prk: await hkdfExtract(deps.crypto, deps.psk, shared), th1 };
};

const sideKey = (deps: HelloDeps, prk: Bytes, side: Side, th: Bytes) =>
  hkdfExpand(deps.crypto, prk, concatBytes(utf8(`HN-HELLO1 ${side}`), th), 32);

const signedBytes = async (deps: HelloDeps, side: Side, th: Bytes, certificate: Bytes): Promise<Bytes> =>
  concatBytes(utf8(`HN-HELLO1 ${side}`), th, await deps.crypto.sha256(certificate));

/** Each key seals exactly one message of one handshake, so the nonce is zero. */
const sealIdentity = async (deps: HelloDeps, prk: Bytes, side: Side, th: Bytes): Promise<Bytes> => {
  const { certificate, signing, name, build } = deps.self;
  const signature = await signing.sign(await signedBytes(deps, side, th, certificate.bytes));
  const body = encodeCbor({ certificate: certificate.bytes, name, build, clock: deps.nowMs(), signature });
  return deps.crypto.seal(await sideKey(deps, prk, side, th), zeroNonce, body, th);
};

const openIdentity = async (
  deps: HelloDeps,
  prk: Bytes,
  side: Side,
  th: Bytes,
  sealed: Bytes,
): Promise<Result<HelloPeer, HelloRefusal>> => {
  const body = await deps.crypto.open(await sideKey(deps, prk, side, th), zeroNonce, sealed, th);
  if (!body) return err('hello-unsealable');
  const fields = parseIdentity(body);
  if (!fields) return err('hello-malformed');
  const certificate = await verifyCertificate(deps.crypto, fields.certificate);
  if (!certificate.ok) return err('hello-certificate');
  const { device } = certificate.value;
  const isTrue = await deps.crypto.verify(
    device,
    await signedBytes(deps, side, th, fields.certificate),
    fields.signature,
  );
  if (!isTrue) return err('hello-signature');
  if (areBytesEqual(device, deps.self.certificate.device)) return err('hello-self');
  // Our own clock may be wrong by days in an outage, so expiry is judged with a week of grace on our side.
  if (certificate.value.expires * 1000 + hlcEpochMs + weekMs < deps.nowMs()) return err('hello-certificate-expired');
  return ok({ certificate: certificate.value, name: fields.name, build: fields.build, clockMs: fields.clock });
};

const weekMs = 7 * 24 * 3600 * 1000;
const hlcEpochMs = Date.UTC(2026, 0, 1);

const parseIdentity = (body: Bytes) => {
  const decoded = decodeCbor(body);
  if (!decoded.ok || !isCborMap(decoded.value)) return null;
  const { certificate, name, build, clock, signature } = decoded.value;
  if (!isCborBytes(certificate) || !isCborBytes(signature, 64) || typeof clock !== 'number') return null;
  if (typeof name !== 'string' || name.length > limits.nameCharsMax || typeof build !== 'string' || build.length > 80)
    return null;
  return { certificate, signature, clock, name, build };
};

const parseParts = (message: Uint8Array, kind: number, length: number): readonly Cbor[] | null => {
  if (message.length > limits.helloBytesMax) return null;
  const decoded = decodeCbor(message);
  if (!decoded.ok || !isCborList(decoded.value) || decoded.value.length !== length) return null;
  return decoded.value[0] === kind ? decoded.value : null;
};
