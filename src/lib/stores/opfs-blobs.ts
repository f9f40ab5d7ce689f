import { bytesToText } from '../kernel/ids.ts';
import type { BlobDisk, BlobFolder, DiskRefusal } from '../kernel/ports/blobs.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/** The parts of OPFS that not every browser has, or that TypeScript's page types leave out. */
type OpfsFile = FileSystemFileHandle & {
  createSyncAccessHandle?: () => Promise<SyncFile>;
  move?: (name: string) => Promise<void>;
};
type SyncFile = {
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
};

export type OpfsBlobDiskOptions = {
  readonly random: Random;
  /** Name of the folder in the origin's private file system. */
  readonly folder: string;
  readonly root?: () => Promise<FileSystemDirectoryHandle>;
};

const folders: readonly BlobFolder[] = ['chunks', 'manifests', 'records'];
/** A name that the rooms above made from 32 bytes: nothing else becomes a path. */
const namePattern = /^[A-Za-z0-9_-]{43}$/;
const partPrefix = 'part-';

/**
 * Blobs in the origin private file system, one file each. In a worker a file is written through a sync access handle under a
 * name of its own, flushed, then moved to its place; where the browser lacks that, through its swap file, which takes the place of
 * the old one when it is closed. null where there is no such file system (a private window, an old browser).
 */
export const openOpfsBlobDisk = async ({
  random,
  folder,
  root = () => navigator.storage.getDirectory(),
}: OpfsBlobDiskOptions): Promise<BlobDisk | null> => {
  const places = await openFolders(folder, root);
  const kind = places && (await findWay(places.records, random));
  if (!places || !kind) return null;

  const write = async (into: BlobFolder, name: string, bytes: Uint8Array): Promise<Result<void, DiskRefusal>> => {
    assertName(name);
    try {
      await (kind === 'opfs' ? writeAndMove : writeBySwap)(places[into], name, bytes, random);
      return ok(undefined);
    } catch (error) {
      if (!isDiskError(error)) throw error;
      return err(error.name === 'QuotaExceededError' ? 'quota-full' : 'disk-failed');
    }
  };
  return {
    kind,
    write,
    names: async (of) => {
      const names: string[] = [];
      for await (const name of places[of].keys()) if (namePattern.test(name)) names.push(name);
      return names;
    },
    read: async (from, name): Promise<Bytes | null> => {
      assertName(name);
      try {
        const file = await (await places[from].getFileHandle(name)).getFile();
        return new Uint8Array(await file.arrayBuffer());
      } catch (error) {
        // NotFoundError, or NotReadableError for what the disk lost: either way the bytes are not here.
        if (isDiskError(error)) return null;
        throw error;
      }
    },
    remove: (from, name) => removeEntry(places[from], assertName(name)),
    sweep: async () => {
      let swept = 0;
      for (const each of folders) {
        const leftovers: string[] = [];
        for await (const name of places[each].keys()) if (!namePattern.test(name)) leftovers.push(name);
        for (const name of leftovers) await removeEntry(places[each], name);
        swept += leftovers.length;
      }
      return swept;
    },
  };
};

type Places = { readonly [name in BlobFolder]: FileSystemDirectoryHandle };

const openFolders = async (folder: string, root: () => Promise<FileSystemDirectoryHandle>): Promise<Places | null> => {
  try {
    const home = await (await root()).getDirectoryHandle(folder, { create: true });
    const open = (name: BlobFolder) => home.getDirectoryHandle(name, { create: true });
    return { chunks: await open('chunks'), manifests: await open('manifests'), records: await open('records') };
  } catch (error) {
    // SecurityError in a private window, TypeError where `navigator.storage` has no such method.
    if (isDiskError(error) || error instanceof TypeError) return null;
    throw error;
  }
};

/** Tries it: only what has worked here once is relied on. */
const findWay = async (place: FileSystemDirectoryHandle, random: Random): Promise<'opfs' | 'opfs-swap' | null> => {
  const name = partName(random);
  try {
    const file: OpfsFile = await place.getFileHandle(name, { create: true });
    const hasSync = typeof file.createSyncAccessHandle === 'function' && typeof file.move === 'function';
    return hasSync ? 'opfs' : typeof file.createWritable === 'function' ? 'opfs-swap' : null;
  } catch (error) {
    if (isDiskError(error)) return null;
    throw error;
  } finally {
    await removeEntry(place, name);
  }
};

const writeAndMove = async (
  place: FileSystemDirectoryHandle,
  name: string,
  bytes: Uint8Array,
  random: Random,
): Promise<void> => {
  const part = partName(random);
  const file: OpfsFile = await place.getFileHandle(part, { create: true });
  try {
    const handle = await file.createSyncAccessHandle?.();
    try {
      handle?.truncate(0);
      if (handle?.write(bytes, { at: 0 }) !== bytes.length) throw new DOMException('short write', 'QuotaExceededError');
      handle.flush();
    } finally {
      handle?.close();
    }
    await file.move?.(name);
  } catch (error) {
    await removeEntry(place, part);
    throw error;
  }
};

const writeBySwap = async (place: FileSystemDirectoryHandle, name: string, bytes: Uint8Array): Promise<void> => {
  const isNew = !(await isThere(place, name));
  const file = await place.getFileHandle(name, { create: true });
  try {
    const writable = await file.createWritable();
    await writable.write(new Uint8Array(bytes));
    await writable.close();
  } catch (error) {
    // Asking for the file has made an empty one.
    if (isNew) await removeEntry(place, name);
    throw error;
  }
};

const isThere = async (place: FileSystemDirectoryHandle, name: string): Promise<boolean> => {
  try {
    await place.getFileHandle(name);
    return true;
  } catch (error) {
    if (isDiskError(error)) return false;
    throw error;
  }
};

const removeEntry = async (place: FileSystemDirectoryHandle, name: string): Promise<void> => {
  try {
    await place.removeEntry(name);
  } catch (error) {
    // Gone already, or still open in another tab's dying worker: the next start sweeps it.
    if (!isDiskError(error)) throw error;
  }
};

const partName = (random: Random): string => `${partPrefix}${bytesToText(random.bytes(12))}`;

const assertName = (name: string): string => {
  if (!namePattern.test(name)) throw new RangeError('blob disk: not a name of ours');
  return name;
};

const isDiskError = (error: unknown): error is DOMException => error instanceof DOMException;
