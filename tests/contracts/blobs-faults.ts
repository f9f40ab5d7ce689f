import { expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { err, ok, unwrap } from '../../src/lib/kernel/result.ts';
import { areSame, bytesOf, isCrash, openPlace, readAll, streamOf, type BlobPlace } from './blobs-place.ts';

const chunk = limits.blobChunkBytes;
const photo = { mediaType: 'image/png', isShared: true };

/** The part of the contract about room and about ends in the middle. */
export const runBlobFaults = (at: () => BlobPlace, makePlace: () => Promise<BlobPlace>): void => {
  it('over the quota what nobody needs makes way, the blob unused for longest first; held and pinned ones stay', async () => {
    const { blobs, clock } = await openPlace(at(), { quotaBytes: 4 * chunk + 2_000 });
    const cids: string[] = [];
    for (let seed = 1; seed <= 4; seed++) {
      clock.advance(100_000);
      cids.push(unwrap(await blobs.put(streamOf(bytesOf(chunk, seed)), photo)).cid);
    }
    const [one = '', two = '', three = '', four = ''] = cids;
    await blobs.ref(one, 'guide');
    await blobs.pin(three, true);
    clock.advance(100_000);
    await readAll(blobs, two);
    const fifth = unwrap(await blobs.put(streamOf(bytesOf(chunk, 5)), photo)).cid;
    expect([one, two, three, four, fifth].map((cid) => blobs.view(cid) !== null)).toEqual([
      true,
      true,
      true,
      false,
      true,
    ]);
    expect(await blobs.put(streamOf(bytesOf(3 * chunk, 6)), { ...photo })).toEqual(err('quota-full'));
    for (const cid of [one, three]) expect((await readAll(blobs, cid)).end).toEqual(ok(undefined));
    expect(blobs.usage().usedBytes).toBeLessThanOrEqual(blobs.usage().quotaBytes);
  });

  it('a file that can never fit is refused before anything makes way for it', async () => {
    const { blobs } = await openPlace(at(), { quotaBytes: 4 * chunk });
    const { cid } = unwrap(await blobs.put(streamOf(bytesOf(chunk)), photo));
    const wish = { ...photo, expectedBytes: 9 * chunk };
    expect(await blobs.put(streamOf(bytesOf(9 * chunk)), wish)).toEqual(err('quota-full'));
    const huge = { ...photo, expectedBytes: limits.blobBytesMax + 1 };
    expect(await blobs.put(streamOf(bytesOf(1)), huge)).toEqual(err('too-large'));
    expect(blobs.view(cid)?.have).toBe(1);
  });

  it('a blob that is being read is not evicted under its reader', async () => {
    const { blobs } = await openPlace(at(), { quotaBytes: 3 * chunk });
    const { cid } = unwrap(await blobs.put(streamOf(bytesOf(2 * chunk)), photo));
    const reader = blobs.read(cid);
    expect((await reader.next()).done).toBe(false);
    expect(await blobs.put(streamOf(bytesOf(2 * chunk, 3)), photo)).toEqual(err('quota-full'));
    expect((await reader.next()).done).toBe(false);
    expect(await reader.next()).toEqual({ done: true, value: ok(undefined) });
    expect((await blobs.put(streamOf(bytesOf(2 * chunk, 3)), photo)).ok).toBe(true);
  });

  it('what could never fit is refused before it is fetched', async () => {
    const big = (await openPlace(at())).blobs;
    const { cid } = unwrap(await big.put(streamOf(bytesOf(2 * chunk)), photo));
    const manifest = (await big.manifest(cid)) ?? new Uint8Array(0);
    await big.remove(cid);
    const { blobs } = await openPlace(at(), { quotaBytes: chunk });
    expect(await blobs.begin(cid, manifest, { isShared: true })).toEqual(err('quota-full'));
    expect(await at().files()).toEqual([]);
  });

  it('a full disk is told at every write, loses nothing, and leaves nothing behind', async () => {
    const kept = bytesOf(chunk + 1, 4);
    const { cid } = unwrap(await (await openPlace(at())).blobs.put(streamOf(kept), { ...photo, holder: 'guide' }));
    const before = (await at().files()).toSorted();
    for (let fullAt = 1; fullAt <= 5; fullAt++) {
      const { blobs } = await openPlace(at(), { fullAt });
      expect(await blobs.put(streamOf(bytesOf(2 * chunk)), photo)).toEqual(err('quota-full'));
      const { blobs: after } = await openPlace(at());
      for (const { cid: each, holders } of after.list()) if (holders.length === 0) await after.remove(each);
      expect((await at().files()).toSorted()).toEqual(before);
      expect(areSame((await readAll(after, cid)).bytes, kept)).toBe(true);
    }
  });

  it('ended at any operation on the disk: what was told as stored is whole, nothing half is seen, and garbage is swept', async () => {
    const kept = bytesOf(chunk + 3, 8);
    const coming = bytesOf(2 * chunk + 9, 5);
    /** What was told as stored and not taken back, by cid. */
    const act = async (place: BlobPlace, breaksAt: number, told: Map<string, Uint8Array>): Promise<number> => {
      const { blobs, operations } = await openPlace(place, { breaksAt });
      const first = unwrap(await blobs.put(streamOf(kept), { ...photo, holder: 'guide' }));
      told.set(first.cid, kept);
      const second = unwrap(await blobs.put(streamOf(coming), { ...photo, holder: 'chat' }));
      told.set(second.cid, coming);
      told.delete(second.cid);
      unwrap(await blobs.unref(second.cid, 'chat'));
      unwrap(await blobs.remove(second.cid));
      return operations();
    };
    const whole = await makePlace();
    const operations = await act(whole, 0, new Map());
    await whole.dispose();
    for (let k = 1; k <= operations; k++) {
      const place = await makePlace();
      const told = new Map<string, Uint8Array>();
      const ended: unknown = await act(place, k, told).then(
        () => null,
        (error: unknown) => error,
      );
      expect(isCrash(ended)).toBe(true);
      const { blobs } = await openPlace(place);
      for (const [cid, bytes] of told) expect(areSame((await readAll(blobs, cid)).bytes, bytes)).toBe(true);
      for (const { cid, have, total } of blobs.list())
        if (have === total) expect((await readAll(blobs, cid)).end).toEqual(ok(undefined));
        else expect(told.has(cid)).toBe(false);
      const known = blobs.list().reduce((total, blob) => total + blob.total + 2, 0);
      expect((await place.files()).length).toBe(known);
      expect(blobs.lost()).toEqual([]);
      await place.dispose();
    }
  });
};
