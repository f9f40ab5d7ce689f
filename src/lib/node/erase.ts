import { err, ok, type Result } from '../kernel/result.ts';

/** What of the browser holds anything of this app and can be reached from the node's worker; tests give their own. */
export type ErasePlaces = {
  readonly databases: Pick<IDBFactory, 'databases' | 'deleteDatabase'>;
  readonly files: () => Promise<FileSystemDirectoryHandle> | undefined;
  readonly caches: Pick<CacheStorage, 'keys' | 'delete'> | undefined;
};

/** held: another tab still has a database open; refused: the browser would not delete. */
export type EraseRefusal = 'erase-held' | 'erase-refused';

/**
 * Deletes everything this device holds: databases, files and caches. The store must be closed before. What only a page can
 * reach (small texts, the service worker) the page deletes itself.
 */
export const erasePlaces = async (places: ErasePlaces = workerPlaces()): Promise<Result<void, EraseRefusal>> => {
  try {
    for (const { name } of await places.databases.databases())
      if (name !== undefined && !(await deleteDatabase(places.databases, name))) return err('erase-held');
    const folder = await places.files();
    const names: string[] = [];
    if (folder) for await (const name of folder.keys()) names.push(name);
    for (const name of names) await folder?.removeEntry(name, { recursive: true });
    for (const name of (await places.caches?.keys()) ?? []) await places.caches?.delete(name);
    return ok(undefined);
  } catch (error) {
    if (error instanceof DOMException) return err('erase-refused');
    throw error;
  }
};

const deleteDatabase = (databases: Pick<IDBFactory, 'deleteDatabase'>, name: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const request = databases.deleteDatabase(name);
    request.addEventListener('success', () => resolve(true));
    request.addEventListener('blocked', () => resolve(false));
    request.addEventListener('error', () => reject(request.error ?? new DOMException('could not be deleted')));
  });

const workerPlaces = (): ErasePlaces => ({
  databases: indexedDB,
  files: () => navigator.storage?.getDirectory?.(),
  caches: globalThis.caches,
});
