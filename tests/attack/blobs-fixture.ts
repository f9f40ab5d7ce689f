import { expect } from 'vitest';
import { encodeBulk, parseBulk, type BulkFrame } from '../../src/lib/blobs/bulk-frames.ts';
import { createBlobExchange } from '../../src/lib/blobs/exchange.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { ok, unwrap } from '../../src/lib/kernel/result.ts';
import { createMemoryBlobFiles } from '../../src/lib/stores/memory-blobs.ts';
import { createMemoryStore } from '../../src/lib/stores/memory-store.ts';
import { streamOf } from '../contracts/blobs-place.ts';
import { openMemoryBlobs } from '../support/memory-blobs.ts';
import { createNodeCrypto } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createVirtualClock, settle } from '../support/virtual-clock.ts';
import { createFakeLink, createFakeLinks } from '../unit/link-fixture.ts';

export const chunk = limits.blobChunkBytes;
export const photo = { mediaType: 'image/png', isShared: true };

/** Anna's house, attacked over one link by mallory, a member, who sits at its other end. */
export const attacked = async ({ isMember = true, quotaBytes = 1e9 } = {}) => {
  const clock = createVirtualClock(1_800_000_000_000);
  const random = seededRandom('anna');
  const crypto = createNodeCrypto(random);
  const files = createMemoryBlobFiles();
  const blobs = await openMemoryBlobs({ crypto, clock, random, files, quotaBytes: () => quotaBytes });
  const links = createFakeLinks();
  const link = createFakeLink('mallory');
  const refusals = new Map<string, number>();
  let reads = 0;
  const exchange = createBlobExchange({
    clock,
    random,
    store: createMemoryStore(),
    links,
    blobs: {
      ...blobs,
      readChunk: (cid, at) => {
        reads += 1;
        return blobs.readChunk(cid, at);
      },
    },
    isMember: () => isMember,
    neighbours: () => (link.isOpen ? ['mallory'] : []),
    onNeighbours: () => () => undefined,
    askHave: async (_device, cids) => cids.map(() => 'all' as const),
    onRefused: (reason) => void refusals.set(reason, (refusals.get(reason) ?? 0) + 1),
  });
  await exchange.start();
  links.up(link);
  const say = (frame: BulkFrame) => link.hear('bulk', encodeBulk(frame));
  const run = async (ms: number): Promise<void> => {
    const end = clock.now() + ms;
    await settle();
    while (clock.fireNext(end)) await settle();
  };
  const heard = (): BulkFrame[] =>
    link.sent.filter(({ channel }) => channel === 'bulk').map(({ frame }) => unwrap(parseBulk(frame)));
  /** What anna asked of mallory since the last look. */
  const asked = (): Extract<BulkFrame, { t: 'ask' }>[] =>
    heard()
      .filter((frame) => frame.t === 'ask')
      .map((frame) => frame as Extract<BulkFrame, { t: 'ask' }>);
  return { clock, crypto, blobs, files, links, link, exchange, refusals, say, run, heard, asked, reads: () => reads };
};

/** A blob that exists elsewhere: what mallory would have to give. */
export const elsewhere = async (bytes: Bytes) => {
  const { blobs } = await attacked();
  const { cid } = unwrap(await blobs.put(streamOf(bytes), photo));
  return { cid, manifest: (await blobs.manifest(cid)) ?? new Uint8Array(0) };
};

/** Anna wants the blob, has its manifest from mallory, and has asked for chunks. */
export const fetching = async (bytes: Bytes, options = {}) => {
  const { cid, manifest } = await elsewhere(bytes);
  const anna = await attacked(options);
  expect(await anna.exchange.want(cid)).toEqual(ok(undefined));
  await anna.run(100);
  anna.say({ t: 'chunk', cid, at: null, bytes: manifest });
  await anna.run(100);
  const places = anna.asked().flatMap(({ at }) => (at === null ? [] : [at]));
  const slice = (at: number): Bytes => bytes.slice(at * chunk, (at + 1) * chunk);
  return { ...anna, cid, manifest, places, slice };
};
