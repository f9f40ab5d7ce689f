import { describe, expect, it } from 'vitest';
import { createServing } from '../../src/lib/blobs/serving.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { bytesOf, streamOf } from '../contracts/blobs-place.ts';
import { settle } from '../support/virtual-clock.ts';
import { attacked, chunk, elsewhere, fetching, photo } from './blobs-fixture.ts';

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
