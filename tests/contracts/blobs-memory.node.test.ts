import { describe, expect, it } from 'vitest';
import { openBlobs } from '../../src/lib/blobs/open-blobs.ts';
import { createWebCrypto } from '../../src/lib/crypto/webcrypto.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { createMemoryBlobDisk, createMemoryBlobFiles } from '../../src/lib/stores/memory-blobs.ts';
import { runBlobsContract } from './blobs-contract.ts';
import { bytesOf, isCrash, readAll, streamOf } from './blobs-place.ts';
import { createSeededRandom, createVirtualClock } from './transport-world.ts';

const crypto = createWebCrypto();

runBlobsContract('memory', async () => {
  const files = createMemoryBlobFiles();
  return {
    crypto,
    disk: async () => createMemoryBlobDisk({ files }),
    overwrite: async (folder, name, bytes) => void files[folder].set(name, new Uint8Array(bytes)),
    files: async () =>
      Object.entries(files).flatMap(([folder, names]) => [...names.keys()].map((name) => `${folder}/${name}`)),
    dispose: async () => {},
  };
});

describe('half-written files', () => {
  const chunk = limits.blobChunkBytes;
  const open = (
    files: ReturnType<typeof createMemoryBlobFiles>,
    beforeStep?: (n: number) => 'crash' | 'crash-after' | null,
  ) =>
    openBlobs({
      disk: createMemoryBlobDisk({ files, ...(beforeStep ? { beforeStep } : {}) }),
      crypto,
      clock: createVirtualClock(),
      random: createSeededRandom(3),
    });

  it('never count as chunks and are swept at the next start, wherever in its steps a write ended', async () => {
    for (const fault of ['crash', 'crash-after'] as const) {
      for (let k = 6; k < 24; k++) {
        const files = createMemoryBlobFiles();
        const blobs = await open(files, (n) => (n === k ? fault : null));
        const ended: unknown = await blobs
          .put(streamOf(bytesOf(3 * chunk)), { mediaType: 'a/b', isShared: false })
          .then(
            () => null,
            (error: unknown) => error,
          );
        expect(ended === null || isCrash(ended)).toBe(true);
        const after = await open(files);
        for (const { cid } of after.list()) expect((await readAll(after, cid)).end).toEqual(ok(undefined));
        const names = Object.values(files).flatMap((folder) => [...folder.keys()]);
        expect(names.filter((name) => name.startsWith('part-'))).toEqual([]);
        expect(files.chunks.size).toBe(after.list().length * 3);
      }
    }
  });

  it('two who read and write at once never see less than a whole chunk', async () => {
    const files = createMemoryBlobFiles();
    const blobs = await open(files);
    const puts = [1, 2, 3].map((seed) =>
      blobs.put(streamOf(bytesOf(2 * chunk, seed)), { mediaType: 'a/b', isShared: false }),
    );
    for (const put of puts) {
      const stored = await put;
      if (!stored.ok) throw new Error(stored.error);
      expect((await readAll(blobs, stored.value.cid)).bytes.length).toBe(2 * chunk);
    }
  });
});
