import type { Commit, Store, StoredEvent, StoreRefusal, Truncation } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { makeSegments } from '../kernel/segment.ts';
import { assertKeyIsFree, byLane, compareEventPlaces, epochKey, nextEpoch, oneEventAPlace } from './store-format.ts';

/** What survives a crash: keep it, and open a new store on it. */
export type MemoryDisk = {
  readonly events: Map<string, StoredEvent>;
  readonly payloads: Map<string, Uint8Array<ArrayBuffer>>;
  readonly kv: Map<string, unknown>;
  /** Takes back the relaxed commits since the last strict one, oldest first: what a power cut would lose. */
  readonly unflushed: (() => void)[];
};

/**
 * What happens to one commit instead of its success. crash: the process ends before anything of it is written; crash-after:
 * all of it is written, but the caller never hears so; power-cut: like crash, and every relaxed commit since the last strict
 * one is lost too; quota-full: refused, nothing written.
 */
export type StoreFault = 'crash' | 'crash-after' | 'power-cut' | 'quota-full';

export type MemoryStoreOptions = {
  readonly disk?: MemoryDisk;
  /** Asked before the n-th commit of this store, n counted from 1. */
  readonly beforeCommit?: (n: number) => StoreFault | null;
};

export type MemoryStore = Store & { readonly epoch: number };

export const createMemoryDisk = (): MemoryDisk => ({
  events: new Map(),
  payloads: new Map(),
  kv: new Map(),
  unflushed: [],
});

/** A store in memory, for tests and the simulator. Everything completes in the order it was asked, so a run repeats exactly. */
export const createMemoryStore = ({
  disk = createMemoryDisk(),
  beforeCommit = () => null,
}: MemoryStoreOptions = {}): MemoryStore => {
  let state: 'open' | 'closed' | 'crashed' = 'open';
  let commits = 0;
  const epoch = nextEpoch(disk.kv.get(epochKey));
  disk.kv.set(epochKey, epoch);

  const crash = (): never => {
    state = 'crashed';
    throw simulatedCrash();
  };

  const assertReadable = (): void => {
    if (state === 'crashed') throw simulatedCrash();
    if (state === 'closed') throw new Error('the store is closed');
  };

  const commit = async (batch: Commit, durability: 'strict' | 'relaxed'): Promise<Result<void, StoreRefusal>> => {
    if (state === 'crashed') throw simulatedCrash();
    if (state === 'closed') return err('closed');
    const fault = beforeCommit((commits += 1));
    if (fault === 'power-cut') for (const takeBack of disk.unflushed.splice(0).reverse()) takeBack();
    if (fault === 'crash' || fault === 'power-cut') return crash();
    if (fault === 'quota-full') return err('quota-full');
    // Cloned before anything is written: a value that cannot be stored throws here and leaves nothing behind.
    const kv = (batch.kv ?? []).map(({ key, value }) => ({ key: assertKeyIsFree(key), value: structuredClone(value) }));
    if (disk.kv.get(epochKey) !== epoch) return err('fenced');
    const cut = eventsBeyond(disk, batch.truncate ?? []);
    const events = freshEvents(disk, batch.events ?? [], cut);
    if (!events) return err('conflict');
    for (const [place, { id }] of cut) {
      put(disk, disk.events, place, undefined);
      put(disk, disk.payloads, id, undefined);
    }
    for (const [place, event] of events) put(disk, disk.events, place, { ...event, envelope: event.envelope.slice() });
    for (const { id, payload } of batch.payloads ?? []) put(disk, disk.payloads, id, payload.slice());
    for (const { id } of batch.drop ?? []) put(disk, disk.payloads, id, undefined);
    for (const { key, value } of kv) put(disk, disk.kv, key, value ?? undefined);
    if (durability === 'strict') disk.unflushed.length = 0;
    if (fault === 'crash-after') return crash();
    return ok(undefined);
  };

  return {
    epoch,
    commit,
    segments: async () => {
      assertReadable();
      const lanes = byLane([...disk.events.values()].sort(compareEventPlaces));
      return lanes.flatMap((lane) => makeSegments(lane, (id) => disk.payloads.get(id)));
    },
    payloads: async () => {
      assertReadable();
      const inSegments = new Set([...disk.events.values()].map(({ id }) => id));
      return [...disk.payloads]
        .filter(([id]) => !inSegments.has(id))
        .map(([id, payload]) => ({ id, payload: payload.slice() }))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    // A record costs memory nothing: segments are made when they are read, so there is never anything to pack.
    pack: async () => {
      if (state === 'crashed') throw simulatedCrash();
      if (state === 'closed') return err('closed');
      return disk.kv.get(epochKey) === epoch ? ok(false) : err('fenced');
    },
    get: async (key) => {
      assertReadable();
      return structuredClone(disk.kv.get(key));
    },
    list: async (prefix) => {
      assertReadable();
      const found = [...disk.kv].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
      return found.map(([key, value]) => ({ key, value: structuredClone(value) }));
    },
    close: () => {
      if (state === 'open') state = 'closed';
    },
  };
};

export const isSimulatedCrash = (error: unknown): boolean => error instanceof Error && error.name === 'SimulatedCrash';

const simulatedCrash = (): Error =>
  Object.assign(new Error('the device stopped here, as the test wished'), { name: 'SimulatedCrash' });

/** What a commit truncates, by place. */
const eventsBeyond = (disk: MemoryDisk, truncate: readonly Truncation[]): Map<string, StoredEvent> => {
  const isBeyond = ({ author, lane, seq }: StoredEvent): boolean =>
    truncate.some((each) => each.author === author && each.lane === lane && seq >= each.from);
  return new Map(truncate.length === 0 ? [] : [...disk.events].filter(([, event]) => isBeyond(event)));
};

/** The events that are not there yet, by place; null when another event stands at one of the places and is not about to go. */
const freshEvents = (
  disk: MemoryDisk,
  events: readonly StoredEvent[],
  cut: ReadonlyMap<string, StoredEvent>,
): Map<string, StoredEvent> | null => {
  const fresh = oneEventAPlace(events);
  for (const [place, event] of fresh ?? []) {
    const standing = cut.has(place) ? undefined : disk.events.get(place);
    if (standing && standing.id !== event.id) return null;
    if (standing) fresh?.delete(place);
  }
  return fresh;
};

/** Sets or (undefined) removes, and remembers how to take it back. */
const put = <V>(disk: MemoryDisk, map: Map<string, V>, key: string, value: V | undefined): void => {
  const had = map.has(key);
  const old = map.get(key);
  disk.unflushed.push(() => {
    if (had) map.set(key, old as V);
    else map.delete(key);
  });
  if (value === undefined) map.delete(key);
  else map.set(key, value);
};
