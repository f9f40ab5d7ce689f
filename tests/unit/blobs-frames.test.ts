import { describe, expect, it } from 'vitest';
import { encodeBulk, parseBulk, type BulkFrame } from '../../src/lib/blobs/bulk-frames.ts';
import { createChunkPlan } from '../../src/lib/blobs/chunk-plan.ts';
import {
  chunkCountOf,
  chunkLengthOf,
  encodeManifest,
  isMediaType,
  manifestBytesMax,
  parseManifest,
} from '../../src/lib/blobs/manifest.ts';
import { sliced } from '../../src/lib/blobs/slices.ts';
import { encodeRecord, parseRecord } from '../../src/lib/blobs/blob-record.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { ok, unwrap } from '../../src/lib/kernel/result.ts';
import { areSame, bytesOf, streamOf } from '../contracts/blobs-place.ts';
import { createSeededRandom } from '../contracts/transport-world.ts';

const cid = 'A'.repeat(43);
const chunk = limits.blobChunkBytes;

describe('bulk frames', () => {
  const frames: BulkFrame[] = [
    { t: 'ask', cid, at: null },
    { t: 'ask', cid, at: 16_383 },
    { t: 'chunk', cid, at: 3, bytes: bytesOf(10) },
    { t: 'chunk', cid, at: null, bytes: bytesOf(10) },
    { t: 'refuse', cid, at: 0, reason: 'not-here' },
    { t: 'refuse', cid, at: null, reason: 'too-fast' },
    { t: 'have', cid, bitmap: bytesOf(4) },
    { t: 'cancel', cid },
    { t: 'cancel', cid, at: 5 },
    { t: 'cancel', cid, at: null },
  ];
  it('come back from bytes as they were', () => {
    for (const frame of frames) expect(parseBulk(encodeBulk(frame))).toEqual(ok(frame));
  });
});

describe('a manifest', () => {
  it('comes back from bytes as it was, the largest in one frame of a link', () => {
    for (const size of [0, 1, chunk, chunk + 1, limits.blobBytesMax]) {
      const manifest = { size, mediaType: 'image/svg+xml', hashes: bytesOf(chunkCountOf(size) * 32) };
      const bytes = encodeManifest(manifest);
      expect(bytes.length).toBeLessThanOrEqual(manifestBytesMax);
      const { hashes, ...rest } = unwrap(parseManifest(bytes));
      expect(rest).toEqual({ size, mediaType: 'image/svg+xml' });
      expect(areSame(hashes, manifest.hashes)).toBe(true);
    }
    expect(chunkCountOf(limits.blobBytesMax)).toBe(limits.blobChunksMax);
    expect(manifestBytesMax).toBeLessThan(limits.frameBytesMax);
  });

  it('knows the length of every chunk', () => {
    expect([0, 1, 2].map((at) => chunkLengthOf(2 * chunk + 7, at))).toEqual([chunk, chunk, 7]);
    expect(chunkLengthOf(chunk, 0)).toBe(chunk);
  });

  it('names a media type and nothing that only looks like one', () => {
    for (const good of ['image/png', 'application/vnd.oasis.opendocument.text', 'text/markdown'])
      expect(isMediaType(good)).toBe(true);
    for (const bad of [
      '',
      '/',
      'a/',
      'text/html; charset=utf-8',
      'a/b/c',
      'A/B',
      'a/b\n',
      '../x/y',
      `a/${'b'.repeat(100)}`,
    ])
      expect(isMediaType(bad)).toBe(false);
  });
});

describe('a record', () => {
  it('comes back as it was, and noise is none', () => {
    const record = { holders: ['a', 'b'], isPinned: true, isShared: false, usedAt: 5 };
    expect(parseRecord(encodeRecord(record))).toEqual(record);
    for (const noise of [new Uint8Array(0), bytesOf(20), encodeRecord(record).subarray(1)])
      expect(parseRecord(noise)).toBeNull();
  });
});

describe('slices', () => {
  it('have the wished length whatever the parts, and no byte is lost', async () => {
    for (const part of [1, 7, 10, 11, 64]) {
      const slices: Uint8Array[] = [];
      for await (const slice of sliced(streamOf(bytesOf(64), part), 10)) slices.push(slice);
      expect(slices.map(({ length }) => length)).toEqual([10, 10, 10, 10, 10, 10, 4]);
      expect(slices.flatMap((slice) => [...slice])).toEqual([...bytesOf(64)]);
    }
  });
});

describe('a chunk plan', () => {
  const none = new Uint8Array(2);
  const bits = (...places: number[]): Uint8Array => {
    const bitmap = new Uint8Array(2);
    for (const at of places) bitmap[at >> 3] = (bitmap[at >> 3] ?? 0) | (1 << (at & 7));
    return bitmap;
  };
  it('takes the rarest chunk among the neighbours first', () => {
    const plan = createChunkPlan(10, none, createSeededRandom(4));
    const [bora, chen] = [bits(1, 2, 3), bits(2, 3)];
    plan.learn(null, bora);
    plan.learn(null, chen);
    expect(plan.pick(bora)).toBe(1);
    plan.asked(1);
    expect([2, 3]).toContain(plan.pick(bora));
    plan.learn(chen, null);
    plan.learn(null, bits(2));
    expect(plan.pick(bora)).toBe(3);
  });
  it('gives each missing chunk to one neighbour at a time, and none that is here', () => {
    const plan = createChunkPlan(10, bits(0, 9), createSeededRandom(4));
    const picked: number[] = [];
    for (let at = plan.pick('all'); at !== null; at = plan.pick('all')) {
      plan.asked(at);
      picked.push(at);
    }
    expect(picked.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    plan.back(4);
    expect(plan.pick('all')).toBe(4);
    for (const at of picked) plan.came(at);
    expect([plan.missing(), plan.pick('all')]).toEqual([0, null]);
  });
});
