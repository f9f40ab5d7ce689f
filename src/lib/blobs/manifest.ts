import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborMap } from '../kernel/codec.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/**
 * What a blob is made of (protocol 10): its cid is the SHA-256 of these bytes. `hashes` are the 32-byte hashes of its chunks, one
 * after the other; every chunk has `limits.blobChunkBytes`, the last one what is left.
 */
export type Manifest = { readonly size: number; readonly mediaType: string; readonly hashes: Bytes };

export type ManifestRefusal =
  'manifest-malformed' | 'manifest-version' | 'manifest-size' | 'manifest-chunks' | 'manifest-type';

export const manifestVersion = 1;
/** What stands as the media type of a sealed blob: its own type is nobody's business but the reader's. */
export const sealedMediaType = 'application/x-hearthnet-sealed';
/** No honest manifest is longer: its hashes, and room for the rest. Fits in one frame of a link. */
export const manifestBytesMax = limits.blobChunksMax * 32 + 256;

const mediaTypePattern = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/;

export const isMediaType = (text: string): boolean =>
  text.length <= limits.blobTypeCharsMax && mediaTypePattern.test(text);

export const chunkCountOf = (size: number): number => Math.ceil(size / limits.blobChunkBytes);

/** Bytes of the chunk at `index`. */
export const chunkLengthOf = (size: number, index: number): number =>
  Math.min(limits.blobChunkBytes, size - index * limits.blobChunkBytes);

export const encodeManifest = ({ size, mediaType, hashes }: Manifest): Bytes =>
  encodeCbor({ v: manifestVersion, size, type: mediaType, chunks: hashes });

/** Total, and one blob has one manifest: the codec takes one spelling only, and nothing may stand in it that is not read. */
export const parseManifest = (bytes: Uint8Array): Result<Manifest, ManifestRefusal> => {
  if (bytes.length > manifestBytesMax) return err('manifest-size');
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isCborMap(decoded.value)) return err('manifest-malformed');
  const { v, size, type, chunks } = decoded.value;
  if (v !== manifestVersion) return err('manifest-version');
  if (Object.keys(decoded.value).length !== 4) return err('manifest-malformed');
  if (!isCborCount(size) || size > limits.blobBytesMax) return err('manifest-size');
  if (!isCborBytes(chunks, chunkCountOf(size) * 32)) return err('manifest-chunks');
  if (typeof type !== 'string' || !isMediaType(type)) return err('manifest-type');
  return ok({ size, mediaType: type, hashes: chunks });
};
