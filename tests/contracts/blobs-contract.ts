import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { err, ok, unwrap } from '../../src/lib/kernel/result.ts';
import { areSame, bytesOf, openPlace, readAll, streamOf, type BlobPlace } from './blobs-place.ts';
import { runBlobFaults } from './blobs-faults.ts';

const chunk = limits.blobChunkBytes;
const photo = { mediaType: 'image/png', isShared: true };

/** What any disk under the blobs must make true. */
export const runBlobsContract = (name: string, makePlace: () => Promise<BlobPlace>): void => {
  describe(`blobs on ${name}`, () => {
    let place: BlobPlace;
    beforeEach(async () => {
      place = await makePlace();
    });
    afterEach(() => place.dispose());
    const put = async (blobs: Awaited<ReturnType<typeof openPlace>>['blobs'], bytes: Uint8Array, wish = {}) =>
      unwrap(await blobs.put(streamOf(bytes), { ...photo, ...wish }));
    /** The names of the chunk files of these bytes. */
    const chunkName = async (bytes: Uint8Array, at: number): Promise<string> =>
      bytesToText(await place.crypto.sha256(bytes.subarray(at * chunk, (at + 1) * chunk)));

    for (const length of [0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk + 17])
      it(`anna puts ${length} bytes in and reads the same out, also after a restart`, async () => {
        const bytes = bytesOf(length);
        const first = await openPlace(place);
        const { cid, size, key } = await put(first.blobs, bytes);
        expect([size, key, cid.length]).toEqual([length, null, 43]);
        const { blobs } = await openPlace(place);
        expect(blobs.view(cid)).toMatchObject({
          size: length,
          have: Math.ceil(length / chunk),
          mediaType: 'image/png',
        });
        const read = await readAll(blobs, cid);
        expect([areSame(read.bytes, bytes), read.end]).toEqual([true, ok(undefined)]);
      });

    it('the same bytes twice are one blob, and shared chunks lie on the disk once', async () => {
      const { blobs } = await openPlace(place);
      const bytes = bytesOf(2 * chunk);
      const one = await put(blobs, bytes);
      expect((await put(blobs, bytes)).cid).toBe(one.cid);
      await put(blobs, bytes.subarray(0, chunk));
      expect((await place.files()).filter((file) => file.startsWith('chunks/'))).toHaveLength(2);
      expect(unwrap(await blobs.remove(one.cid))).toBeUndefined();
      expect((await place.files()).filter((file) => file.startsWith('chunks/'))).toHaveLength(1);
    });

    it('sealed twice, the same bytes have two cids; only the key opens them, and a range of them', async () => {
      const { blobs } = await openPlace(place);
      const bytes = bytesOf(2 * chunk + 5);
      const one = await put(blobs, bytes, { isSealed: true });
      const two = await put(blobs, bytes, { isSealed: true });
      expect(one.cid).not.toBe(two.cid);
      if (!one.key || !two.key) throw new Error('no key');
      expect(areSame((await readAll(blobs, one.cid, { key: one.key })).bytes, bytes)).toBe(true);
      expect((await readAll(blobs, one.cid, { key: two.key })).end).toEqual(err('wrong-key'));
      const part = await readAll(blobs, two.cid, { key: two.key, from: chunk - 20, length: 40 });
      expect(areSame(part.bytes, bytes.subarray(chunk - 20, chunk + 20))).toBe(true);
      expect(blobs.view(one.cid)?.mediaType).toBe('application/x-hearthnet-sealed');
    });

    it('in a sealed blob equal parts do not look equal', async () => {
      const { blobs } = await openPlace(place);
      await put(blobs, new Uint8Array(3 * chunk), { isSealed: true });
      const { cid } = await put(blobs, new Uint8Array(0), { isSealed: true });
      await blobs.remove(cid);
      expect((await place.files()).filter((file) => file.startsWith('chunks/'))).toHaveLength(4);
    });

    it('an empty sealed blob does not have the cid of another empty one', async () => {
      const { blobs } = await openPlace(place);
      const one = await put(blobs, new Uint8Array(0), { isSealed: true });
      const two = await put(blobs, new Uint8Array(0), { isSealed: true });
      expect(one.cid).not.toBe(two.cid);
      expect((await readAll(blobs, one.cid, { key: one.key ?? new Uint8Array(32) })).end).toEqual(ok(undefined));
    });

    it('bora fetches chunk by chunk: what he has is on the disk and survives a restart, the rest is missing', async () => {
      const bytes = bytesOf(3 * chunk + 1);
      const { blobs: annas } = await openPlace(place);
      const { cid } = await put(annas, bytes);
      const manifest = await annas.manifest(cid);
      await annas.remove(cid);
      const { blobs } = await openPlace(place);
      expect(await blobs.begin(cid, manifest ?? new Uint8Array(0), { isShared: true })).toEqual(ok(undefined));
      expect([...(blobs.bitmap(cid) ?? [])]).toEqual([0]);
      expect(await blobs.putChunk(cid, 2, bytes.subarray(2 * chunk, 3 * chunk))).toEqual(ok(true));
      expect(await blobs.putChunk(cid, 2, bytes.subarray(2 * chunk, 3 * chunk))).toEqual(ok(false));
      expect(await blobs.putChunk(cid, 1, bytes.subarray(2 * chunk, 3 * chunk))).toEqual(err('wrong-chunk'));
      expect(await blobs.putChunk(cid, 3, bytes.subarray(0, 2))).toEqual(err('wrong-length'));
      expect(await blobs.putChunk(cid, 4, bytes.subarray(0, 2))).toEqual(err('unknown-chunk'));
      const again = (await openPlace(place)).blobs;
      expect([...(again.bitmap(cid) ?? [])]).toEqual([0b100]);
      expect(await again.readChunk(cid, 0)).toEqual(err('not-here'));
      expect((await readAll(again, cid)).end).toEqual(err('not-here'));
      for (const at of [0, 1, 3]) await again.putChunk(cid, at, bytes.subarray(at * chunk, (at + 1) * chunk));
      expect(areSame((await readAll(again, cid)).bytes, bytes)).toBe(true);
    });

    it('a manifest that does not hash to the cid is refused, and nothing is stored', async () => {
      const { blobs } = await openPlace(place);
      const { cid } = await put(blobs, bytesOf(10));
      const manifest = (await blobs.manifest(cid)) ?? new Uint8Array(0);
      const before = await place.files();
      expect(await blobs.begin('A'.repeat(43), manifest, { isShared: true })).toEqual(err('wrong-manifest'));
      expect(await place.files()).toEqual(before);
    });

    it('a chunk that the disk spoiled is found when it is read, removed, told, and can be put again', async () => {
      const bytes = bytesOf(2 * chunk);
      const { cid } = await put((await openPlace(place)).blobs, bytes);
      await place.overwrite('chunks', await chunkName(bytes, 1), bytesOf(chunk, 9));
      const { blobs } = await openPlace(place);
      const told: string[] = [];
      blobs.onDamaged((each) => told.push(each));
      expect((await readAll(blobs, cid)).end).toEqual(err('damaged'));
      expect([told, blobs.view(cid)?.have, blobs.hasChunk(cid, 1)]).toEqual([[cid], 1, false]);
      expect(await blobs.putChunk(cid, 1, bytes.subarray(chunk))).toEqual(ok(true));
      expect(areSame((await readAll(blobs, cid)).bytes, bytes)).toBe(true);
    });

    it('half a chunk under its own name, as a bad disk leaves it, is not given out', async () => {
      const bytes = bytesOf(chunk);
      const { cid } = await put((await openPlace(place)).blobs, bytes);
      await place.overwrite('chunks', await chunkName(bytes, 0), bytes.subarray(0, 1000));
      expect(await (await openPlace(place)).blobs.readChunk(cid, 0)).toEqual(err('damaged'));
    });

    it('a spoiled manifest is removed; who holds the blob is not forgotten, and it can be begun again', async () => {
      const bytes = bytesOf(chunk);
      const first = (await openPlace(place)).blobs;
      const { cid } = await put(first, bytes, { holder: 'guide' });
      const manifest = (await first.manifest(cid)) ?? new Uint8Array(0);
      const other = await put(first, bytesOf(5));
      await place.overwrite('manifests', cid, (await first.manifest(other.cid)) ?? manifest.subarray(0, 20));
      const { blobs } = await openPlace(place);
      expect([blobs.view(cid), blobs.lost()]).toEqual([null, [cid]]);
      expect(await blobs.begin(cid, manifest, { isShared: true })).toEqual(ok(undefined));
      expect([blobs.view(cid)?.holders, blobs.lost()]).toEqual([['guide'], []]);
    });

    it('a spoiled record keeps its blob, and shows it to nobody', async () => {
      const { cid } = await put((await openPlace(place)).blobs, bytesOf(10));
      await place.overwrite('records', cid, new Uint8Array(3));
      expect((await openPlace(place)).blobs.view(cid)).toMatchObject({ isPinned: true, isShared: false });
    });

    it('holders are counted by name and survive a restart; a held blob is not removed', async () => {
      const { blobs } = await openPlace(place);
      const { cid } = await put(blobs, bytesOf(10), { holder: 'chat' });
      await blobs.ref(cid, 'guide');
      await blobs.ref(cid, 'guide');
      expect((await openPlace(place)).blobs.view(cid)?.holders).toEqual(['chat', 'guide']);
      await blobs.unref(cid, 'chat');
      expect(await blobs.remove(cid)).toEqual(err('still-held'));
      await blobs.unref(cid, 'guide');
      expect(await blobs.remove(cid)).toEqual(ok(undefined));
      expect(await blobs.ref(cid, 'guide')).toEqual(err('unknown-blob'));
      expect(await place.files()).toEqual([]);
    });

    it('a media type that is none is refused', async () => {
      const { blobs } = await openPlace(place);
      for (const mediaType of ['', 'image', '../png', 'a/'.padEnd(200, 'b'), 'Text/Html'])
        expect(await blobs.put(streamOf(bytesOf(3)), { mediaType, isShared: true })).toEqual(err('media-type'));
    });

    it('a source that breaks off leaves nothing behind', async () => {
      const { blobs } = await openPlace(place);
      const broken = async function* () {
        yield bytesOf(chunk + 5);
        throw new DOMException('the file is gone', 'NotReadableError');
      };
      expect(await blobs.put(broken(), photo)).toEqual(err('source-failed'));
      expect([await place.files(), blobs.usage().usedBytes]).toEqual([[], 0]);
    });
    runBlobFaults(() => place, makePlace);
  });
};
