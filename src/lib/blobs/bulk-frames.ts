import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborMap, type Cbor } from '../kernel/codec.ts';
import { bytesToText, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { manifestBytesMax } from './manifest.ts';

/** Where in a blob: the number of a chunk, or null for the manifest. */
export type Place = number | null;

/**
 * What travels on a link's `bulk` channel (protocol 10), each one CBOR map with the cid as 32 bytes. `have` is told unasked to
 * whoever asked for that blob lately: one bit a chunk. `cancel` without a place takes back all that was asked of the blob.
 */
export type BulkFrame =
  | { readonly t: 'ask'; readonly cid: string; readonly at: Place }
  | { readonly t: 'chunk'; readonly cid: string; readonly at: Place; readonly bytes: Bytes }
  | { readonly t: 'refuse'; readonly cid: string; readonly at: Place; readonly reason: BulkRefusal }
  | { readonly t: 'have'; readonly cid: string; readonly bitmap: Bytes }
  | { readonly t: 'cancel'; readonly cid: string; readonly at?: Place };

/** not-here: this chunk, or the blob as far as the asker may know; busy: too much is asked at once; too-fast: enough for this minute. */
export type BulkRefusal = 'not-here' | 'busy' | 'too-fast';
export type BulkParseRefusal = 'bulk-malformed' | 'bulk-type';

export const encodeBulk = (frame: BulkFrame): Bytes => {
  const { cid, ...rest } = frame;
  const bytes = textToBytes(cid);
  if (!bytes) throw new TypeError('bulk: not a cid');
  return encodeCbor({ ...(rest as { readonly [key: string]: Cbor }), cid: bytes });
};

/** Total: a frame or a reason, for any bytes. */
export const parseBulk = (frame: Uint8Array): Result<BulkFrame, BulkParseRefusal> => {
  const decoded = decodeCbor(frame);
  if (!decoded.ok || !isCborMap(decoded.value)) return err('bulk-malformed');
  const { t, cid: cidBytes, at, bytes, bitmap, reason } = decoded.value;
  if (!isCborBytes(cidBytes, 32)) return err('bulk-malformed');
  const cid = bytesToText(cidBytes);
  // Nothing may stand in a frame that is not read: one meaning, one spelling.
  const keyCount = Object.keys(decoded.value).length;
  const isLong = (keys: number): boolean => keyCount === keys;
  switch (t) {
    case 'ask':
      return isLong(3) && isPlace(at) ? ok({ t, cid, at }) : err('bulk-malformed');
    case 'chunk':
      return isLong(4) && isPlace(at) && isCborBytes(bytes) && bytes.length <= bytesMaxAt(at)
        ? ok({ t, cid, at, bytes })
        : err('bulk-malformed');
    case 'refuse':
      return isLong(4) && isPlace(at) && isReason(reason) ? ok({ t, cid, at, reason }) : err('bulk-malformed');
    case 'have':
      return isLong(3) && isCborBytes(bitmap) && bitmap.length <= limits.blobChunksMax / 8
        ? ok({ t, cid, bitmap })
        : err('bulk-malformed');
    case 'cancel':
      if (at === undefined) return isLong(2) ? ok({ t, cid }) : err('bulk-malformed');
      return isLong(3) && isPlace(at) ? ok({ t, cid, at }) : err('bulk-malformed');
    default:
      return err('bulk-type');
  }
};

const isPlace = (at: Cbor | undefined): at is Place => at === null || (isCborCount(at) && at < limits.blobChunksMax);
const bytesMaxAt = (at: Place): number => (at === null ? manifestBytesMax : limits.blobChunkBytes);
const isReason = (reason: Cbor | undefined): reason is BulkRefusal =>
  reason === 'not-here' || reason === 'busy' || reason === 'too-fast';
