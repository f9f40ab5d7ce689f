import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Blobs } from '../../src/lib/kernel/ports/blobs.ts';
import { pause, type Clock } from '../../src/lib/kernel/ports/clock.ts';
import { ok, unwrap } from '../../src/lib/kernel/result.ts';
import { areSame, bytesOf, readAll } from '../contracts/blobs-place.ts';
import { createBlobStreet, putAt, sourceOf } from './blobs-fixture.ts';

const chunk = limits.blobChunkBytes;

/** Gives out chunks in which one bit is wrong. */
const lying = (blobs: Blobs): Blobs => ({
  ...blobs,
  readChunk: async (cid, at) => {
    const read = await blobs.readChunk(cid, at);
    if (read.ok) read.value[7] = (read.value[7] ?? 0) ^ 1;
    return read;
  },
});

/** Takes so long over each chunk. */
const slowBy =
  (clock: Clock, ms: number) =>
  (blobs: Blobs): Blobs => ({
    ...blobs,
    readChunk: async (cid, at) => {
      await pause(clock, ms);
      return blobs.readChunk(cid, at);
    },
  });

describe('a blob from several neighbours', () => {
  it('comes whole from five, of whom one lies, one leaves and one is slow; the liar is blamed and the load is shared', async () => {
    const street = createBlobStreet();
    const slow = slowBy(street.clock, 40_000);
    const bora = await street.open('bora');
    const chen = await street.open('chen');
    const dora = await street.open('dora', { serves: lying });
    const emil = await street.open('emil', { serves: slow });
    const fine = await street.open('fine');
    const bytes = bytesOf(60 * chunk + 123);
    const cid = await putAt(bytes, bora, chen, dora, emil, fine);
    const anna = await street.open('anna');
    await street.until('anna is linked with all', () => anna.links().length === 5);
    expect(await anna.exchange.want(cid)).toEqual(ok(undefined));
    await street.until('a fifth has come', () => (anna.blobs.view(cid)?.have ?? 0) > 12);
    fine.crash();
    await street.until('all has come', () => anna.exchange.progress(cid)?.state === 'complete');
    const read = await readAll(anna.blobs, cid);
    expect([areSame(read.bytes, bytes), read.end]).toEqual([true, ok(undefined)]);
    const progress = anna.exchange.progress(cid);
    expect(progress?.blamed).toEqual([dora.device]);
    const gave = new Map(progress?.from.map(({ device, chunks }) => [device, chunks]));
    expect([...gave.values()].reduce((total, each) => total + each, 0)).toBe(61);
    for (const honest of [bora, chen]) expect(gave.get(honest.device)).toBeGreaterThan(10);
    expect(gave.get(dora.device)).toBeUndefined();
    expect(anna.refusals.get('bulk-wrong-chunk')).toBe(1);
    expect(anna.exchange.wanted()).toEqual([]);
  });

  it('goes on after the link was lost, with what had come before', async () => {
    const street = createBlobStreet();
    const bora = await street.open('bora');
    const bytes = bytesOf(40 * chunk);
    const cid = await putAt(bytes, bora);
    const anna = await street.open('anna');
    await street.until('linked', () => anna.links().length === 1);
    await anna.exchange.want(cid);
    await street.until('some has come', () => (anna.blobs.view(cid)?.have ?? 0) > 5);
    street.network.cut('anna', 'bora');
    await street.until('the link is gone', () => anna.links().length === 0);
    expect(anna.exchange.progress(cid)?.state).toBe('searching');
    await street.until('all has come', () => anna.exchange.progress(cid)?.state === 'complete');
    expect(areSame((await readAll(anna.blobs, cid)).bytes, bytes)).toBe(true);
    expect(anna.exchange.progress(cid)?.from).toEqual([{ device: bora.device, chunks: 40 }]);
  });

  it('goes on by itself after a restart, and no chunk comes twice', async () => {
    const street = createBlobStreet();
    const bora = await street.open('bora');
    const bytes = bytesOf(40 * chunk, 3);
    const cid = await putAt(bytes, bora);
    const before = await street.open('anna');
    await street.until('linked', () => before.links().length === 1);
    await before.exchange.want(cid, { isPinned: true });
    await street.until('some has come', () => (before.blobs.view(cid)?.have ?? 0) > 10);
    before.crash();
    await street.run(1_000);
    const had = before.kept.files.chunks.size;
    const anna = await street.open('anna', { kept: before.kept });
    expect(anna.exchange.wanted()).toEqual([cid]);
    expect(anna.blobs.view(cid)?.have).toBe(had);
    await street.until('all has come', () => anna.exchange.progress(cid)?.state === 'complete');
    expect(anna.exchange.progress(cid)?.from).toEqual([{ device: bora.device, chunks: 40 - had }]);
    expect(anna.blobs.view(cid)).toMatchObject({ isPinned: true, holders: [] });
    const again = await street.open('anna again', { kept: anna.kept });
    expect(again.exchange.wanted()).toEqual([]);
  });

  it('spreads: who has only a part gives that part on while the rest is still coming', async () => {
    const street = createBlobStreet();
    const bora = await street.open('bora', { serves: slowBy(street.clock, 500) });
    const bytes = bytesOf(80 * chunk, 4);
    const cid = await putAt(bytes, bora);
    const anna = await street.open('anna');
    const chen = await street.open('chen');
    await street.until('all are linked', () => anna.links().length === 2 && chen.links().length === 2);
    await anna.exchange.want(cid);
    await chen.exchange.want(cid);
    await street.until('both have it', () =>
      [anna, chen].every(({ exchange }) => exchange.progress(cid)?.state === 'complete'),
    );
    const fromEachOther =
      (anna.exchange.progress(cid)?.from.find(({ device }) => device === chen.device)?.chunks ?? 0) +
      (chen.exchange.progress(cid)?.from.find(({ device }) => device === anna.device)?.chunks ?? 0);
    expect(fromEachOther).toBeGreaterThan(0);
  });

  it('is searched for until somebody has it', async () => {
    const street = createBlobStreet();
    const bytes = bytesOf(2 * chunk, 5);
    const bora = await street.open('bora');
    const anna = await street.open('anna');
    const elsewhere = createBlobStreet();
    const cid = await putAt(bytes, await elsewhere.open('dora'));
    await street.until('linked', () => anna.links().length === 1);
    await anna.exchange.want(cid);
    await street.run(60_000);
    expect(anna.exchange.progress(cid)?.state).toBe('searching');
    await putAt(bytes, bora);
    await street.until('found', () => anna.exchange.progress(cid)?.state === 'complete', 20_000);
  });

  it('a cancel takes effect at the far side at once: of what was asked and not sent, nothing is read any more', async () => {
    const street = createBlobStreet({ carrierDelayMs: [200, 200] });
    let reads = 0;
    const counting = (blobs: Blobs): Blobs => ({
      ...blobs,
      readChunk: (cid, at) => {
        reads += 1;
        return blobs.readChunk(cid, at);
      },
    });
    const bora = await street.open('bora', { serves: counting });
    const cid = await putAt(bytesOf(200 * chunk), bora);
    const anna = await street.open('anna');
    await street.until('linked', () => anna.links().length === 1);
    await anna.exchange.want(cid);
    await street.until('it flows', () => (anna.blobs.view(cid)?.have ?? 0) > 5);
    await anna.exchange.cancel(cid);
    const readsThen = reads;
    await street.run(200);
    const readsWhenHeard = reads;
    await street.run(60_000);
    expect(reads - readsWhenHeard).toBeLessThanOrEqual(1);
    expect(readsWhenHeard - readsThen).toBeLessThanOrEqual(limits.bulkChunksAskedMax);
    expect([anna.exchange.wanted(), anna.exchange.progress(cid)]).toEqual([[], null]);
    expect(anna.blobs.view(cid)?.holders).toEqual([]);
  });

  it('a chunk that the disk spoiled is fetched again by itself', async () => {
    const street = createBlobStreet();
    const bora = await street.open('bora');
    const bytes = bytesOf(3 * chunk, 6);
    const cid = await putAt(bytes, bora);
    const anna = await street.open('anna');
    await street.until('linked', () => anna.links().length === 1);
    await anna.exchange.want(cid, { holder: 'guide' });
    await street.until('whole', () => anna.exchange.progress(cid)?.state === 'complete');
    const [name = ''] = anna.kept.files.chunks.keys();
    anna.kept.files.chunks.set(name, bytesOf(chunk, 99));
    expect((await readAll(anna.blobs, cid)).end).toEqual({ ok: false, error: 'damaged' });
    await street.until('whole again', () => anna.exchange.progress(cid)?.state === 'complete');
    expect(areSame((await readAll(anna.blobs, cid)).bytes, bytes)).toBe(true);
    expect(anna.blobs.view(cid)?.holders).toEqual(['guide']);
  });

  it('without room it says so, keeps what it has, and goes on when there is room', async () => {
    const street = createBlobStreet();
    const bora = await street.open('bora');
    const cid = await putAt(bytesOf(6 * chunk, 7), bora);
    let quota = 3 * chunk;
    const anna = await street.open('anna', { quotaBytes: () => quota });
    await street.until('linked', () => anna.links().length === 1);
    await anna.exchange.want(cid);
    await street.until('no room', () => anna.exchange.progress(cid)?.state === 'no-room');
    quota = 20 * chunk;
    await street.until('whole', () => anna.exchange.progress(cid)?.state === 'complete');
  });

  it('the same bytes are answered at once when they are here, and the holder is noted', async () => {
    const street = createBlobStreet();
    const anna = await street.open('anna');
    const cid = await putAt(bytesOf(10), anna);
    expect(await anna.exchange.want(cid, { holder: 'chat' })).toEqual(ok(undefined));
    expect(anna.exchange.progress(cid)?.state).toBe('complete');
    expect(anna.blobs.view(cid)?.holders).toEqual(['shelf', 'chat']);
  });

  it('a blob full of the same chunk needs that chunk once', async () => {
    const street = createBlobStreet();
    const bora = await street.open('bora');
    const bytes = new Uint8Array(30 * chunk);
    const { cid } = unwrap(
      await bora.blobs.put(sourceOf(bytes), { mediaType: 'a/b', isShared: true, holder: 'shelf' }),
    );
    const anna = await street.open('anna');
    await street.until('linked', () => anna.links().length === 1);
    await anna.exchange.want(cid);
    await street.until('whole', () => anna.exchange.progress(cid)?.state === 'complete');
    expect(areSame((await readAll(anna.blobs, cid)).bytes, bytes)).toBe(true);
    expect(anna.kept.files.chunks.size).toBe(1);
  });
});
