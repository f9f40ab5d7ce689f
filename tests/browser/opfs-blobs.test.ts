import { wrap, type Remote } from 'comlink';
import { afterAll, describe, expect, it } from 'vitest';
import { createWebCrypto } from '../../src/lib/crypto/webcrypto.ts';
import type { BlobDisk, BlobFolder } from '../../src/lib/kernel/ports/blobs.ts';
import { platformRandom as random } from '../../src/lib/node/platform.ts';
import { openOpfsBlobDisk } from '../../src/lib/stores/opfs-blobs.ts';
import { runBlobsContract } from '../contracts/blobs-contract.ts';
import { bytesOf, type BlobPlace } from '../contracts/blobs-place.ts';
import type { RemoteDisk } from './opfs-blobs.worker.ts';

const crypto = createWebCrypto();
let places = 0;

const homeOf = async (folder: string) => (await navigator.storage.getDirectory()).getDirectoryHandle(folder);

/** A folder of its own in the browser's private file system, looked at beside the adapter. */
const makePlace = async (open: (folder: string) => Promise<BlobDisk>): Promise<BlobPlace & { folder: string }> => {
  const folder = `blobs-${Date.now()}-${(places += 1)}`;
  await open(folder);
  return {
    folder,
    crypto,
    disk: () => open(folder),
    overwrite: async (into: BlobFolder, name, bytes) => {
      const place = await (await homeOf(folder)).getDirectoryHandle(into);
      const writable = await (await place.getFileHandle(name, { create: true })).createWritable();
      await writable.write(new Uint8Array(bytes));
      await writable.close();
    },
    files: async () => {
      const found: string[] = [];
      for (const each of ['chunks', 'manifests', 'records']) {
        const place = await (await homeOf(folder)).getDirectoryHandle(each);
        for await (const name of place.keys()) found.push(`${each}/${name}`);
      }
      return found;
    },
    dispose: async () => (await navigator.storage.getDirectory()).removeEntry(folder, { recursive: true }),
  };
};

const openHere = async (folder: string): Promise<BlobDisk> => {
  const disk = await openOpfsBlobDisk({ random, folder });
  if (!disk) throw new Error('no private file system');
  return disk;
};

const worker = new Worker(new URL('./opfs-blobs.worker.ts', import.meta.url), { type: 'module' });
afterAll(() => worker.terminate());
// One for all: a wrapper that is collected would end the worker's ear with it.
const remote: Remote<RemoteDisk> = wrap<RemoteDisk>(worker);
const openInWorker = async (folder: string): Promise<BlobDisk> => {
  const kind = await remote.open(folder);
  if (!kind) throw new Error('no private file system');
  return {
    kind,
    names: (of) => remote.names(of),
    read: (of, name) => remote.read(of, name),
    write: (of, name, bytes) => remote.write(of, name, bytes),
    remove: (of, name) => remote.remove(of, name),
    sweep: () => remote.sweep(),
  };
};

runBlobsContract('OPFS in a worker', () => makePlace(openInWorker));
runBlobsContract('OPFS on a page', () => makePlace(openHere));

describe('OPFS blob disk', () => {
  it('writes through sync access handles in a worker and through swap files on a page, and says which', async () => {
    const place = await makePlace(openInWorker);
    expect((await openInWorker(place.folder)).kind).toBe('opfs');
    expect((await openHere(place.folder)).kind).toBe('opfs-swap');
    await place.dispose();
  });

  it('takes no name that is not 43 letters of base64url: no path leads out of its folder', async () => {
    const place = await makePlace(openHere);
    const disk = await place.disk();
    for (const name of ['../records', '..', 'a/b', '', `../${'A'.repeat(40)}`, 'A'.repeat(44)])
      await expect(disk.write('chunks', name, bytesOf(3))).rejects.toThrow('not a name of ours');
    expect(await place.files()).toEqual([]);
    await place.dispose();
  });

  it('does not see a half-written file, and sweeps it', async () => {
    const place = await makePlace(openInWorker);
    await place.overwrite('chunks', 'part-of-something', bytesOf(1000));
    const disk = await place.disk();
    expect(await disk.names('chunks')).toEqual([]);
    expect(await disk.sweep()).toBe(1);
    expect(await place.files()).toEqual([]);
    await place.dispose();
  });

  it('replaces a file as a whole', async () => {
    const place = await makePlace(openInWorker);
    const disk = await place.disk();
    const name = 'A'.repeat(43);
    await disk.write('records', name, bytesOf(100, 1));
    await disk.write('records', name, bytesOf(10, 2));
    expect(await disk.read('records', name)).toEqual(bytesOf(10, 2));
    await place.dispose();
  });

  it('is null where the browser has no private file system', async () => {
    const refused = async () => {
      throw new DOMException('not here', 'SecurityError');
    };
    expect(await openOpfsBlobDisk({ random, folder: 'x', root: refused })).toBeNull();
  });
});
