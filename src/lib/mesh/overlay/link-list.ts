import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList } from '../../kernel/codec.ts';
import { bytesToText, concatBytes, textToBytes, utf8 } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import type { Bytes, CryptoPort, SigningKey } from '../../kernel/ports/crypto.ts';

/**
 * Which links a device says it holds: CBOR [body, signature64], signed over "HN-LINKS1" || body; body = CBOR
 * [1, device32, ms since 1970, [device32 ... at most `limits.linkListMax`]]. Its own word only, for the picture of the mesh.
 */
export type LinkList = { readonly device: string; readonly sentAt: number; readonly links: readonly string[] };

const label = utf8('HN-LINKS1');

export const signLinkList = async (
  signing: SigningKey,
  { sentAt, links }: Omit<LinkList, 'device'>,
): Promise<Bytes> => {
  const devices = links.slice(0, limits.linkListMax).flatMap((device) => textToBytes(device) ?? []);
  const body = encodeCbor([1, signing.publicKey, sentAt, devices]);
  return encodeCbor([body, await signing.sign(concatBytes(label, body))]);
};

/** What the bytes say; nothing of it is to be believed before `verify` says so. null for any other shape. */
export const readLinkList = (
  bytes: Uint8Array,
): (LinkList & { readonly verify: (crypto: CryptoPort) => Promise<boolean> }) | null => {
  const outer = decodeCbor(bytes);
  if (!outer.ok || !isCborList(outer.value) || outer.value.length !== 2) return null;
  const [body, signature] = outer.value;
  if (!isCborBytes(body) || !isCborBytes(signature, 64)) return null;
  const inner = decodeCbor(body);
  if (!inner.ok || !isCborList(inner.value) || inner.value.length !== 4 || inner.value[0] !== 1) return null;
  const [, key, sentAt, list] = inner.value;
  if (!isCborBytes(key, 32) || !isCborCount(sentAt) || !isCborList(list) || list.length > limits.linkListMax)
    return null;
  const links = list.flatMap((each) => (isCborBytes(each, 32) ? [bytesToText(each)] : []));
  if (links.length !== list.length) return null;
  return {
    device: bytesToText(key),
    sentAt,
    links,
    verify: (crypto) => crypto.verify(key, concatBytes(label, body), signature),
  };
};
