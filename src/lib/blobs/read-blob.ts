import { limits } from '../kernel/limits.ts';
import type { BlobRange, BlobRefusal } from '../kernel/ports/blobs.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { BlobEntry } from './blob-index.ts';
import { openChunk, plainSizeOf, sealedSliceBytes } from './sealed-chunks.ts';

/** Reads a range of a blob chunk by chunk, opened when a key is given; ends at the first chunk that is not here or does not open. */
export const readRange = async function* (
  crypto: CryptoPort,
  entry: BlobEntry,
  { from = 0, length = Number.MAX_SAFE_INTEGER, key }: BlobRange,
  readChunk: (index: number) => Promise<Result<Bytes, BlobRefusal>>,
): AsyncGenerator<Bytes, Result<void, BlobRefusal>> {
  const sliceBytes = key ? sealedSliceBytes : limits.blobChunkBytes;
  const size = key ? plainSizeOf(entry.manifest.size, entry.names.length) : entry.manifest.size;
  const end = Math.min(size, from + length);
  for (let at = from; at < end;) {
    const index = Math.floor(at / sliceBytes);
    const chunk = await readChunk(index);
    if (!chunk.ok) return chunk;
    const plain = key ? await openChunk(crypto, key, index, chunk.value) : chunk.value;
    if (!plain) return err('wrong-key');
    const part = plain.slice(at - index * sliceBytes, end - index * sliceBytes);
    if (part.length === 0) return err('damaged');
    at += part.length;
    yield part;
  }
  return ok(undefined);
};
