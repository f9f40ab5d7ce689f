import { createKeptText, pageStore, type TextStore } from './kept-text.svelte.ts';

/** What the browser says about the room of this app, in bytes. `parts` only where it tells (Chromium). */
export type StorageRoom = {
  readonly usedBytes: number;
  readonly grantedBytes: number;
  readonly parts: { readonly dataBytes: number; readonly appBytes: number } | null;
};
/** fine; tight: four fifths are used; full: what a person writes may not fit any more; unknown: the browser does not tell. */
export type StorageLevel = 'unknown' | 'fine' | 'tight' | 'full';

type BrowserStorage = Pick<StorageManager, 'persist' | 'persisted' | 'estimate'>;
type StorageDeps = {
  /** null until the node has told. */
  readonly isMember: () => boolean | null;
  readonly isInstalled: () => boolean;
  readonly storage?: BrowserStorage;
  readonly store?: TextStore;
};

const tightShare = 0.8;
/** Below it a long message with its index and its receipts may be refused. */
const spareBytes = 1024 * 1024;

/**
 * The room this app has in the browser, and whether the browser promised to keep it. The promise is asked for once, when there is
 * something worth keeping: founding, being let in, installing or the first words of one's own; never because a page was opened.
 */
export const createStorage = ({
  isMember,
  isInstalled,
  storage = navigator.storage,
  store = pageStore,
}: StorageDeps) => {
  const asked = createKeptText('hearthnet.storage.asked', store);
  let room = $state.raw<StorageRoom | null>(null);
  let persisted = $state<boolean | null>(null);
  let wasRefused = $state(false);

  const level = $derived.by((): StorageLevel => {
    if (!room) return 'unknown';
    if (room.grantedBytes - room.usedBytes < spareBytes) return 'full';
    return room.usedBytes >= tightShare * room.grantedBytes ? 'tight' : 'fine';
  });

  /** A browser that does not tell leaves everything unknown; nothing of the app depends on it. */
  const look = async (): Promise<void> => {
    try {
      persisted = await storage.persisted();
      room = readRoom(await storage.estimate());
    } catch {
      room = null;
    }
  };

  const keep = async (): Promise<void> => {
    asked.value = 'yes';
    try {
      persisted = await storage.persist();
      wasRefused = !persisted;
    } catch {
      wasRefused = true;
    }
  };

  /** Asks the browser, unless it was asked before. */
  const keepOnce = async (): Promise<void> => {
    if (asked.value === '') await keep();
  };

  let wasMember: boolean | null = null;
  let wasInstalled = isInstalled();
  /** Asks when there has just come to be something worth keeping; what was so when the page opened is no reason. */
  const note = (member: boolean | null, installed: boolean): void => {
    if ((member === true && wasMember === false) || (installed && !wasInstalled)) void keepOnce();
    wasMember = member ?? wasMember;
    wasInstalled = installed;
  };
  const stop = $effect.root(() => {
    $effect(() => note(isMember(), isInstalled()));
  });

  return {
    get room() {
      return room;
    },
    get level() {
      return level;
    },
    /** null until the browser was looked at. */
    get isPersisted() {
      return persisted;
    },
    /** True when the browser was asked here and now and said no: then installing the app helps, or using it more. */
    get wasRefused() {
      return wasRefused;
    },
    /** Whether so many bytes more have room; true where the browser does not tell. Asked before large things are taken in. */
    fits: (bytes: number): boolean => room === null || room.grantedBytes - room.usedBytes - spareBytes >= bytes,
    note,
    look,
    keep,
    keepOnce,
    stop,
  };
};
export type StorageState = ReturnType<typeof createStorage>;

const readRoom = (estimate: StorageEstimate): StorageRoom | null => {
  const { usage, quota } = estimate;
  if (usage === undefined || quota === undefined || quota <= 0) return null;
  const details = 'usageDetails' in estimate ? estimate.usageDetails : null;
  return { usedBytes: usage, grantedBytes: quota, parts: readParts(details) };
};

/** Chromium's own split of the usage; in no standard. */
const readParts = (details: unknown): StorageRoom['parts'] => {
  if (typeof details !== 'object' || details === null) return null;
  const bytesOf = (...names: string[]): number =>
    Object.entries(details).reduce(
      (total, [name, bytes]) => total + (names.includes(name) && typeof bytes === 'number' ? bytes : 0),
      0,
    );
  return {
    dataBytes: bytesOf('indexedDB', 'fileSystem'),
    appBytes: bytesOf('caches', 'serviceWorkerRegistrations'),
  };
};
