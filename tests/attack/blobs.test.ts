import { describe, expect, it } from 'vitest';
import { encodeBulk, parseBulk, type BulkFrame } from '../../src/lib/blobs/bulk-frames.ts';
import { createBulkSessions } from '../../src/lib/blobs/bulk-sessions.ts';
import { createBlobExchange } from '../../src/lib/blobs/exchange.ts';
import { createServing } from '../../src/lib/blobs/serving.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { err, ok, unwrap } from '../../src/lib/kernel/result.ts';
import { createMemoryBlobFiles } from '../../src/lib/stores/memory-blobs.ts';
import { createMemoryStore } from '../../src/lib/stores/memory-store.ts';
import { bytesOf, streamOf } from '../contracts/blobs-place.ts';
import { openMemoryBlobs } from '../support/memory-blobs.ts';
import { createNodeCrypto } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createVirtualClock, settle } from '../support/virtual-clock.ts';
import { createFakeLink, createFakeLinks } from '../unit/link-fixture.ts';

const chunk = limits.blobChunkBytes;
const photo = { mediaType: 'image/png', isShared: true };

/** Anna's house, attacked over one link by mallory, a member, who sits at its other end. */
const attacked = async ({ isMember = true, quotaBytes = 1e9 } = {}) => {
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
const elsewhere = async (bytes: Bytes) => {
  const { blobs } = await attacked();
  const { cid } = unwrap(await blobs.put(streamOf(bytes), photo));
  return { cid, manifest: (await blobs.manifest(cid)) ?? new Uint8Array(0) };
};

/** Anna wants the blob, has its manifest from mallory, and has asked for chunks. */
const fetching = async (bytes: Bytes, options = {}) => {
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

describe('chunks from a neighbour who lies', () => {
  const bytes = bytesOf(9 * chunk + 5);
  const first = async (wrong: (slice: Bytes, other: Bytes) => Bytes) => {
    const anna = await fetching(bytes);
    const [at = 0, other = 0] = anna.places;
    anna.say({ t: 'chunk', cid: anna.cid, at, bytes: wrong(anna.slice(at), anna.slice(other)) });
    await anna.run(30_000);
    return anna;
  };

  it.each([
    ['one bit is wrong', 'bulk-wrong-chunk', (slice: Bytes) => slice.with(0, (slice[0] ?? 0) ^ 1) as Bytes],
    ['it is cut short', 'bulk-wrong-length', (slice: Bytes) => slice.slice(0, 100)],
    ['it is empty', 'bulk-wrong-length', () => new Uint8Array(0)],
    ['it is another chunk of the same blob', 'bulk-wrong-chunk', (_slice: Bytes, other: Bytes) => other],
    ['it is a chunk of another blob', 'bulk-wrong-chunk', () => bytesOf(chunk, 77)],
  ])('%s: nothing is stored, mallory is blamed and not asked for this blob again', async (_name, reason, wrong) => {
    const anna = await first(wrong);
    expect(anna.refusals.get(reason)).toBe(1);
    expect([anna.files.chunks.size, anna.blobs.view(anna.cid)?.have]).toEqual([0, 0]);
    expect(anna.exchange.progress(anna.cid)).toMatchObject({ blamed: ['mallory'], state: 'searching' });
    const before = anna.asked().length;
    await anna.run(120_000);
    expect(anna.asked().length).toBe(before);
    expect(anna.heard().at(-1)).toMatchObject({ t: 'cancel' });
  });

  it('what comes after the blame is not even looked at', async () => {
    const anna = await first(() => bytesOf(chunk, 5));
    for (const at of anna.places) anna.say({ t: 'chunk', cid: anna.cid, at, bytes: anna.slice(at) });
    await anna.run(1_000);
    expect(anna.files.chunks.size).toBe(0);
    const asked = anna.asked().length;
    anna.say({ t: 'have', cid: anna.cid, bitmap: Uint8Array.of(255, 255) });
    await anna.run(1_000);
    expect(anna.asked().length).toBe(asked);
  });

  it('a manifest of another blob is not believed, and mallory is blamed', async () => {
    const { cid } = await elsewhere(bytes);
    const other = await elsewhere(bytesOf(chunk, 4));
    const anna = await attacked();
    await anna.exchange.want(cid);
    await anna.run(100);
    anna.say({ t: 'chunk', cid, at: null, bytes: other.manifest });
    await anna.run(60_000);
    expect([anna.blobs.list(), anna.exchange.progress(cid)?.blamed]).toEqual([[], ['mallory']]);
  });

  it('an honest manifest of more than there is room for stops the fetch before a chunk is asked for', async () => {
    const anna = await fetching(bytes, { quotaBytes: 4 * chunk });
    expect(anna.places).toEqual([]);
    expect([anna.exchange.progress(anna.cid)?.state, anna.files.manifests.size]).toEqual(['no-room', 0]);
  });

  it('who says to have it and gives nothing is asked less and less', async () => {
    const anna = await fetching(bytes);
    await anna.run(600_000);
    expect(anna.asked().length).toBeLessThan(40);
    expect(anna.refusals.get('bulk-silent')).toBeGreaterThan(3);
  });
});

describe('floods', () => {
  it('the same chunk a hundred times is stored once, and the link of who sends it ends', async () => {
    const bytes = bytesOf(3 * chunk);
    const anna = await fetching(bytes);
    const [at = 0] = anna.places;
    for (let time = 0; time < 100; time++) anna.say({ t: 'chunk', cid: anna.cid, at, bytes: anna.slice(at) });
    await anna.run(100);
    expect(anna.files.chunks.size).toBe(1);
    expect(anna.refusals.get('bulk-unasked')).toBeGreaterThan(limits.bulkUnaskedMax);
    expect(anna.link.closedWith()).toBe('bulk-flood');
  });

  it('chunks that nobody asked for are dropped', async () => {
    const bytes = bytesOf(chunk);
    const { cid, manifest } = await elsewhere(bytes);
    const anna = await attacked();
    anna.say({ t: 'chunk', cid, at: null, bytes: manifest });
    anna.say({ t: 'chunk', cid, at: 0, bytes });
    await anna.run(100);
    expect([anna.files.chunks.size, anna.files.manifests.size, anna.refusals.get('bulk-unasked')]).toEqual([0, 0, 2]);
  });

  it('asks beyond what may wait are refused as busy, and the disk is not read for them', async () => {
    const anna = await attacked();
    const { cid } = unwrap(await anna.blobs.put(streamOf(bytesOf(300 * 1024)), photo));
    anna.link.drained = () => new Promise<void>(() => undefined);
    for (let at = 0; at < 500; at++) anna.say({ t: 'ask', cid, at });
    await anna.run(100);
    const busy = anna.heard().filter((frame) => frame.t === 'refuse' && frame.reason === 'busy');
    expect(busy.length).toBe(500 - limits.bulkAsksWaitingMax);
    expect(anna.reads()).toBe(0);
  });

  it('the same ask again while it waits is not answered twice', async () => {
    const anna = await attacked();
    const { cid } = unwrap(await anna.blobs.put(streamOf(bytesOf(chunk)), photo));
    for (let time = 0; time < 50; time++) anna.say({ t: 'ask', cid, at: 0 });
    await anna.run(100);
    expect(anna.reads()).toBeLessThanOrEqual(2);
    expect(anna.refusals.get('bulk-asked-twice')).toBeGreaterThan(40);
  });

  it('one neighbour gets no more than its bytes a minute, then is told so, and gets more in the next', async () => {
    const { clock, blobs, link, heard } = await attacked();
    const { cid } = unwrap(await blobs.put(streamOf(bytesOf(chunk)), photo));
    const bytesPerMinuteMax = 3 * chunk;
    const serving = createServing({
      clock,
      link,
      blobs,
      mayServe: () => true,
      onRefused: () => undefined,
      bytesPerMinuteMax,
    });
    for (let time = 0; time < 5; time++) {
      serving.ask({ cid, at: 0 });
      await settle();
    }
    expect(heard().map(({ t }) => t)).toEqual(['chunk', 'chunk', 'chunk', 'refuse', 'refuse']);
    expect(heard().at(-1)).toMatchObject({ reason: 'too-fast' });
    clock.after(60_000, () => serving.ask({ cid, at: 0 }));
    clock.fireNext(Infinity);
    await settle();
    expect(heard().at(-1)?.t).toBe('chunk');
    expect(limits.bulkBytesPerMinuteMax).toBeGreaterThan(limits.blobBytesMax / 8);
  });

  it('frames beyond the minute end the link', async () => {
    const anna = await attacked();
    for (let time = 0; time <= limits.bulkFramesPerMinuteMax; time++) anna.say({ t: 'cancel', cid: 'A'.repeat(43) });
    expect(anna.link.closedWith()).toBe('bulk-flood');
  });
});

describe('who may have what', () => {
  it('a blob that is not shared, one that is not known and a chunk beyond the end get the same answer', async () => {
    const anna = await attacked();
    const { cid: own } = unwrap(await anna.blobs.put(streamOf(bytesOf(10)), { ...photo, isShared: false }));
    const { cid: shared } = unwrap(await anna.blobs.put(streamOf(bytesOf(20)), photo));
    const asks: [string, number | null][] = [
      [own, null],
      [own, 0],
      ['A'.repeat(43), 0],
      [shared, 1],
    ];
    for (const [cid, at] of asks) anna.say({ t: 'ask', cid, at });
    await anna.run(2_000);
    expect(anna.heard()).toEqual(asks.map(([cid, at]) => ({ t: 'refuse', cid, at, reason: 'not-here' })));
    expect(anna.reads()).toBe(1);
  });

  it('somebody who is no member gets no answer at all', async () => {
    const anna = await attacked({ isMember: false });
    const { cid } = unwrap(await anna.blobs.put(streamOf(bytesOf(20)), photo));
    anna.say({ t: 'ask', cid, at: 0 });
    await anna.run(2_000);
    expect([anna.heard(), anna.reads(), anna.refusals.get('bulk-not-a-member')]).toEqual([[], 0, 1]);
  });

  it('somebody who is removed while chunks wait gets none of them', async () => {
    const clock = createVirtualClock(0);
    const random = seededRandom('removed');
    const blobs = await openMemoryBlobs({ crypto: createNodeCrypto(random), clock, random });
    const { cid } = unwrap(await blobs.put(streamOf(bytesOf(3 * chunk)), photo));
    const links = createFakeLinks();
    const link = createFakeLink('mallory');
    let isMember = true;
    const sessions = createBulkSessions({
      clock,
      links,
      blobs,
      isMember: () => isMember,
      onRefused: () => undefined,
      onHave: () => undefined,
      onDown: () => undefined,
    });
    await sessions.start();
    links.up(link);
    let drain = (): void => undefined;
    link.drained = () => new Promise<void>((resolve) => void (drain = resolve));
    for (const at of [0, 1, 2]) link.hear('bulk', encodeBulk({ t: 'ask', cid, at }));
    isMember = false;
    drain();
    await settle();
    expect(link.sent).toEqual([]);
  });

  it('a cid that is a path is wanted by nobody, read by nobody and leaves no trace', async () => {
    const anna = await attacked();
    for (const cid of ['../../records/x', '..', '', `../${'A'.repeat(40)}`, 'A'.repeat(44)]) {
      expect(await anna.exchange.want(cid)).toEqual(err('unknown-blob'));
      expect(await anna.blobs.readChunk(cid, 0)).toEqual(err('unknown-blob'));
      expect(await anna.blobs.manifest(cid)).toBeNull();
    }
    expect(anna.exchange.wanted()).toEqual([]);
  });

  it('noise on the channel is counted and does no harm', async () => {
    const anna = await attacked();
    for (const noise of [new Uint8Array(0), bytesOf(100), Uint8Array.of(0xff), new Uint8Array(1024)])
      anna.link.hear('bulk', noise);
    expect(anna.refusals.get('bulk-malformed')).toBe(4);
    expect(anna.link.closedWith()).toBeNull();
  });
});
