import { devicesErase } from '../contracts/devices.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import type { Failure } from '../kernel/errors.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/** held: another tab of this app still holds the data; refused: the browser would not delete it. */
export type WipeRefusal = 'held' | 'refused';

/** What of the browser holds anything of this app; tests give their own. */
export type WipePlatform = {
  readonly databases: Pick<IDBFactory, 'databases' | 'deleteDatabase'>;
  readonly files: () => Promise<FileSystemDirectoryHandle> | undefined;
  readonly caches: Pick<CacheStorage, 'keys' | 'delete'> | undefined;
  readonly workers: Pick<ServiceWorkerContainer, 'getRegistrations'> | undefined;
  readonly texts: readonly Pick<Storage, 'clear'>[];
};

/**
 * Deletes everything that this app keeps in this browser, from the page alone: databases, files, the kept copy of the app,
 * and small texts. For when the node cannot start; a node that runs holds the databases open ('held').
 */
export const wipeBrowser = async (platform: WipePlatform = pagePlatform()): Promise<Result<void, WipeRefusal>> => {
  try {
    const names = (await platform.databases.databases()).flatMap(({ name }) => name ?? []);
    for (const name of names) {
      if (!(await deleteDatabase(platform.databases, name))) return err('held');
    }
    const folder = await platform.files();
    if (folder) {
      const entries: string[] = [];
      for await (const name of folder.keys()) entries.push(name);
      for (const name of entries) await folder.removeEntry(name, { recursive: true });
    }
    for (const name of (await platform.caches?.keys()) ?? []) await platform.caches?.delete(name);
    await forgetPage(platform);
    return ok(undefined);
  } catch {
    return err('refused');
  }
};

const deleteDatabase = (databases: Pick<IDBFactory, 'deleteDatabase'>, name: string): Promise<boolean> =>
  new Promise((done, fail) => {
    const request = databases.deleteDatabase(name);
    request.addEventListener('success', () => done(true));
    request.addEventListener('blocked', () => done(false));
    request.addEventListener('error', () => fail(request.error ?? new Error('the database could not be deleted')));
  });

const pagePlatform = (): WipePlatform => ({
  databases: indexedDB,
  files: () => navigator.storage?.getDirectory?.(),
  caches: globalThis.caches,
  workers: navigator.serviceWorker,
  texts: [localStorage, sessionStorage],
});

/** What only a page can reach: language, look, drafts, the name of a passkey, and the worker of the kept copy of the app. */
const forgetPage = async (platform: WipePlatform = pagePlatform()): Promise<void> => {
  for (const registration of (await platform.workers?.getRegistrations()) ?? []) await registration.unregister();
  for (const texts of platform.texts) texts.clear();
};

type Parts = {
  /** null where no node runs. */
  readonly bus: BusClient | null;
  /** Called when nothing is left. */
  readonly done: () => void;
  readonly wipe?: () => Promise<Result<void, WipeRefusal>>;
  readonly forget?: () => Promise<void>;
};

/** Erasing everything: by the node that runs or, where none does, by the page itself. */
export const createErasure = ({ bus, done, wipe = wipeBrowser, forget = forgetPage }: Parts) => {
  let isBusy = $state(false);
  let failure = $state.raw<Failure | null>(null);
  let refusal = $state<WipeRefusal | null>(null);

  const byNode = async (node: BusClient, confirm: string): Promise<boolean> => {
    const reply = await node.call(devicesErase, { confirm });
    if (reply.ok) await forget();
    else failure = reply.error;
    return reply.ok;
  };
  const byPage = async (): Promise<boolean> => {
    const wiped = await wipe();
    refusal = wiped.ok ? null : wiped.error;
    return wiped.ok;
  };

  return {
    get isBusy() {
      return isBusy;
    },
    /** Why the node refused. */
    get failure() {
      return failure;
    },
    /** Why the page could not do it. */
    get refusal() {
      return refusal;
    },
    erase: async (confirm: string): Promise<void> => {
      if (isBusy) return;
      isBusy = true;
      failure = null;
      refusal = null;
      const isErased = bus ? await byNode(bus, confirm) : await byPage();
      isBusy = false;
      if (isErased) done();
    },
  };
};
export type Erasure = ReturnType<typeof createErasure>;
