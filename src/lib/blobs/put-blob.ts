import { bytesToText, concatBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { BlobRefusal, BlobWish } from '../kernel/ports/blobs.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { BlobIndex } from './blob-index.ts';
import type { BlobSpace } from './blob-space.ts';
import { encodeManifest, isMediaType, sealedMediaType, type Manifest } from './manifest.ts';
import { sealChunk, sealedSliceBytes } from './sealed-chunks.ts';
import { sliced } from './slices.ts';

export type WrittenChunks = { readonly manifest: Manifest; readonly bytes: Bytes; readonly cid: string };

/**
 * Cuts a source into chunks, seals them if there is a key, and writes each before the next is read. The chunks belong to `user`
 * (a text of this put alone) until the manifest is stored; after a refusal nobody needs them and they are removed.
 */
export const writeChunks = async (
  deps: { readonly crypto: CryptoPort; readonly index: BlobIndex; readonly space: BlobSpace },
  user: string,
  source: AsyncIterable<Uint8Array>,
  { mediaType }: BlobWish,
  key: Bytes | null,
): Promise<Result<WrittenChunks, BlobRefusal>> => {
  const { crypto, index, space } = deps;
  if (!isMediaType(mediaType)) return err('media-type');
  const hashes: Bytes[] = [];
  let size = 0;
  const store = async (plain: Bytes): Promise<Result<void, BlobRefusal>> => {
    const bytes = key ? await sealChunk(crypto, key, hashes.length, plain) : plain;
    if (size + bytes.length > limits.blobBytesMax) return err('too-large');
    const hash = await crypto.sha256(bytes);
    hashes.push(hash);
    size += bytes.length;
    index.use(bytesToText(hash), user);
    return space.writeChunk(bytesToText(hash), bytes);
  };
  const storeAll = async (): Promise<Result<void, BlobRefusal>> => {
    for await (const plain of guarded(sliced(source, key ? sealedSliceBytes : limits.blobChunkBytes))) {
      if (plain === null) return err('source-failed');
      const stored = await store(plain);
      if (!stored.ok) return stored;
    }
    // A sealed blob has a chunk even when there is nothing in it: else all empty ones would have one cid.
    return key && hashes.length === 0 ? store(new Uint8Array(0)) : ok(undefined);
  };
  const stored = await storeAll();
  if (!stored.ok) {
    await releaseChunks(deps, user, hashes.map(bytesToText));
    return stored;
  }
  const manifest = { size, mediaType: key ? sealedMediaType : mediaType, hashes: concatBytes(...hashes) };
  const bytes = encodeManifest(manifest);
  return ok({ manifest, bytes, cid: bytesToText(await crypto.sha256(bytes)) });
};

/** The put is over: chunks that no blob names either are removed. */
export const releaseChunks = async (
  { index, space }: { readonly index: BlobIndex; readonly space: BlobSpace },
  user: string,
  names: readonly string[],
): Promise<void> => {
  for (const name of names) if (index.leave(name, user) && index.isOnDisk(name)) await space.removeChunk(name);
};

/** What the source throws (a file that was deleted while it was read) ends the put as a refusal: null is its last item. */
const guarded = async function* (source: AsyncGenerator<Bytes>): AsyncGenerator<Bytes | null> {
  for (;;) {
    let step: IteratorResult<Bytes>;
    try {
      step = await source.next();
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) throw error;
      yield null;
      return;
    }
    if (step.done) return;
    yield step.value;
  }
};
