import { describe, expect, it } from 'vitest';
import { encodeBulk } from '../../src/lib/blobs/bulk-frames.ts';
import { createBulkSessions } from '../../src/lib/blobs/bulk-sessions.ts';
import { createServing } from '../../src/lib/blobs/serving.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { err, unwrap } from '../../src/lib/kernel/result.ts';
import { bytesOf, streamOf } from '../contracts/blobs-place.ts';
import { openMemoryBlobs } from '../support/memory-blobs.ts';
import { createNodeCrypto } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createVirtualClock, settle } from '../support/virtual-clock.ts';
import { createFakeLink, createFakeLinks } from '../unit/link-fixture.ts';
import { attacked, chunk, elsewhere, fetching, photo } from './blobs-fixture.ts';

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

describe('who may have what', () => {
  it('nothing of what is shared goes out while the files are switched off, but what a call of our own lends does', async () => {
    const { clock, blobs, link, heard } = await attacked();
    const { cid } = unwrap(await blobs.put(streamOf(bytesOf(10)), photo));
    const world = { isGiving: true };
    const lentCid = 'A'.repeat(43);
    const lent = { read: (device: string, of: string) => (device === 'mallory' && of === lentCid ? bytesOf(3) : null) };
    const serving = createServing({
      clock,
      link,
      blobs,
      mayServe: () => true,
      onRefused: () => undefined,
      lent,
      isGiving: () => world.isGiving,
    });
    const ask = async (each: string) => {
      serving.ask({ cid: each, at: 0 });
      await settle();
      return heard().at(-1)?.t;
    };
    expect(await ask(cid)).toBe('chunk');
    world.isGiving = false;
    expect(await ask(cid)).toBe('refuse');
    expect(heard().at(-1)).toMatchObject({ reason: 'not-here' });
    expect(await ask(lentCid)).toBe('chunk');
    world.isGiving = true;
    expect(await ask(cid)).toBe('chunk');
  });

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
