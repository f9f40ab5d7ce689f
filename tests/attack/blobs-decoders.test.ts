import { describe, expect, it } from 'vitest';
import { parseRecord, encodeRecord } from '../../src/lib/blobs/blob-record.ts';
import { encodeBulk, parseBulk, type BulkFrame } from '../../src/lib/blobs/bulk-frames.ts';
import { encodeManifest, manifestBytesMax, parseManifest } from '../../src/lib/blobs/manifest.ts';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { areBytesEqual } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { err } from '../../src/lib/kernel/result.ts';
import { bytesOf } from '../contracts/blobs-place.ts';
import { fuzz, harmless } from './fuzz-fixture.ts';

const cid = 'A'.repeat(43);
const chunk = limits.blobChunkBytes;
const honest = { v: 1, size: 2 * chunk, type: 'image/png', chunks: bytesOf(64) };
const manifestOf = (change: { [key: string]: Cbor }) => parseManifest(encodeCbor({ ...honest, ...change }));

describe('the decoders of blobs, under a seeded fuzzer', () => {
  const frames: BulkFrame[] = [
    { t: 'ask', cid, at: 7 },
    { t: 'ask', cid, at: null },
    { t: 'chunk', cid, at: 3, bytes: bytesOf(300) },
    { t: 'refuse', cid, at: 1, reason: 'busy' },
    { t: 'have', cid, bitmap: bytesOf(40) },
    { t: 'cancel', cid },
    { t: 'cancel', cid, at: 4 },
  ];
  it('bulk frames: 20,000 inputs, nothing taken that it would write in another way', async () => {
    const tally = await fuzz(31, 20_000, frames.map(encodeBulk), (bytes) => {
      const frame = parseBulk(bytes);
      return frame.ok ? areBytesEqual(encodeBulk(frame.value), bytes) : null;
    });
    expect(tally).toMatchObject(harmless(20_000));
    expect(tally.taken).toBeGreaterThan(100);
  });

  it('manifests: 20,000 inputs, nothing taken that it would write in another way', async () => {
    const seeds = [0, 1, chunk + 1].map((size) =>
      encodeManifest({ size, mediaType: 'text/plain', hashes: bytesOf(Math.ceil(size / chunk) * 32) }),
    );
    const tally = await fuzz(32, 20_000, seeds, (bytes) => {
      const manifest = parseManifest(bytes);
      return manifest.ok ? areBytesEqual(encodeManifest(manifest.value), bytes) : null;
    });
    expect(tally).toMatchObject(harmless(20_000));
    expect(tally.taken).toBeGreaterThan(100);
  });

  it('records on the disk: 10,000 inputs, none brings it down', async () => {
    const seeds = [encodeRecord({ holders: ['guide', 'chat'], isPinned: true, isShared: false, usedAt: 99 })];
    const tally = await fuzz(33, 10_000, seeds, (bytes) => (parseRecord(bytes) ? true : null));
    expect(tally).toMatchObject(harmless(10_000));
  });
});

describe('a manifest that lies', () => {
  it('about its size: a bomb of more bytes than a blob may have, or more or fewer chunks than its size needs', () => {
    expect(manifestOf({}).ok).toBe(true);
    expect(manifestOf({ size: limits.blobBytesMax + 1 })).toEqual(err('manifest-size'));
    expect(manifestOf({ size: Number.MAX_SAFE_INTEGER })).toEqual(err('manifest-size'));
    expect(manifestOf({ size: -1 })).toEqual(err('manifest-size'));
    expect(manifestOf({ size: 3 * chunk })).toEqual(err('manifest-chunks'));
    expect(manifestOf({ size: chunk })).toEqual(err('manifest-chunks'));
    expect(manifestOf({ size: 0 })).toEqual(err('manifest-chunks'));
  });

  it('with millions of chunks is refused by its length alone', () => {
    const millions = encodeCbor({ ...honest, chunks: new Uint8Array(32 * 1_000_000) });
    expect(millions.length).toBeGreaterThan(manifestBytesMax);
    expect(parseManifest(millions)).toEqual(err('manifest-size'));
  });

  it('with hashes of another length, another version, a type that is none, or anything beside', () => {
    expect(manifestOf({ chunks: bytesOf(63) })).toEqual(err('manifest-chunks'));
    expect(manifestOf({ chunks: [bytesOf(32), bytesOf(32)] })).toEqual(err('manifest-chunks'));
    expect(manifestOf({ v: 2 })).toEqual(err('manifest-version'));
    expect(manifestOf({ type: 'text/html; <script>' })).toEqual(err('manifest-type'));
    expect(manifestOf({ name: 'x' })).toEqual(err('manifest-malformed'));
  });
});

describe('a bulk frame', () => {
  const raw = (frame: { [key: string]: Cbor }) => parseBulk(encodeCbor(frame));
  it('with a place beyond every blob, a chunk longer than any, or a bitmap longer than any is refused', () => {
    const bytes = new Uint8Array(32);
    expect(raw({ t: 'ask', cid: bytes, at: limits.blobChunksMax })).toEqual(err('bulk-malformed'));
    expect(raw({ t: 'ask', cid: bytes, at: -1 })).toEqual(err('bulk-malformed'));
    expect(raw({ t: 'chunk', cid: bytes, at: 0, bytes: new Uint8Array(chunk + 1) })).toEqual(err('bulk-malformed'));
    expect(raw({ t: 'have', cid: bytes, bitmap: new Uint8Array(limits.blobChunksMax / 8 + 1) })).toEqual(
      err('bulk-malformed'),
    );
    expect(raw({ t: 'refuse', cid: bytes, at: 0, reason: 'because' })).toEqual(err('bulk-malformed'));
    expect(raw({ t: 'give', cid: bytes, at: 0 })).toEqual(err('bulk-type'));
  });

  it('whose cid is a path, or not 32 bytes, is refused', () => {
    for (const bad of ['../../records', `../${'A'.repeat(40)}`, new Uint8Array(31), new Uint8Array(33), null])
      expect(raw({ t: 'ask', cid: bad, at: 0 })).toEqual(err('bulk-malformed'));
  });

  it('with more in it than is read is refused', () => {
    expect(raw({ t: 'ask', cid: new Uint8Array(32), at: 0, also: 1 })).toEqual(err('bulk-malformed'));
  });
});
