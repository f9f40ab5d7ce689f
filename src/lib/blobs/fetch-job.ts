import type { BlobRefusal, Blobs, FetchProgress } from '../kernel/ports/blobs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Asking } from './asking.ts';
import type { BulkRefusal, Place } from './bulk-frames.ts';
import { createChunkPlan, holds, type ChunkPlan, type Holding } from './chunk-plan.ts';
import {
  createFetchSource,
  isSilent,
  mayAsk,
  noteCame,
  pauseSource,
  without,
  type FetchSource,
} from './fetch-source.ts';

export type FetchJobDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly blobs: Blobs;
  readonly cid: string;
  /** Who needs it: named to the blobs as soon as the manifest is here, so that it is not evicted before it is whole. */
  readonly holder: string;
  /** Only a few blobs are fetched at once. */
  readonly isMyTurn: () => boolean;
  readonly onRefused: (reason: string) => void;
  readonly onChange: () => void;
  readonly onWhole: () => void;
};

const tickMs = 1_000;
const noRoomRetryMs = 30_000;
/** When nothing is left to ask for, what one neighbour has owed for so long is asked of another one as well. */
const askedTwiceAfterMs = 2_000;
const busyPauseMs = 1_000;
const tooFastPauseMs = 15_000;

/** Fetches one blob: the manifest first, then chunks from every neighbour that has some, each checked when it comes. */
export const createFetchJob = (deps: FetchJobDeps) => {
  const { clock, blobs, cid, onRefused } = deps;
  const sources = new Map<string, FetchSource>();
  const gave = new Map<string, number>();
  const blamed = new Set<string>();
  let plan: ChunkPlan | null = null;
  let isOver = false;
  let noRoomUntil = 0;
  let cancelTick: (() => void) | null = null;

  /** Everything that is asked of it is taken back, and free to be asked of others. */
  const release = (source: FetchSource): void => {
    const places = [...source.asked.keys()];
    source.asked.clear();
    for (const at of places) if (at !== null) plan?.back(at);
    if (places.length > 0) source.asking.cancel(cid, places, true);
  };
  const drop = (device: string): void => {
    const source = sources.get(device);
    if (!source) return;
    sources.delete(device);
    plan?.learn(source.holding, null);
    release(source);
  };
  const blame = (source: FetchSource, reason: string): void => {
    if (blamed.has(source.device)) return;
    onRefused(`bulk-${reason}`);
    blamed.add(source.device);
    drop(source.device);
  };
  const waitForRoom = (): void => {
    noRoomUntil = clock.now() + noRoomRetryMs;
    for (const source of sources.values()) release(source);
  };

  const takeManifest = async (source: FetchSource, bytes: Bytes): Promise<void> => {
    const begun = await blobs.begin(cid, bytes, { isShared: true });
    if (!begun.ok && begun.error === 'wrong-manifest') return blame(source, begun.error);
    const held = begun.ok ? await blobs.ref(cid, deps.holder) : begun;
    if (!held.ok) return waitForRoom();
    makePlan();
  };
  const makePlan = (): void => {
    const view = blobs.view(cid);
    const bitmap = blobs.bitmap(cid);
    if (plan || !view || !bitmap) return;
    plan = createChunkPlan(view.total, bitmap, deps.random);
    for (const { holding } of sources.values()) plan.learn(null, holding);
  };

  const takeChunk = async (source: FetchSource, at: number, bytes: Bytes): Promise<void> => {
    const taken = await blobs.putChunk(cid, at, bytes);
    if (!taken.ok) return chunkNotTaken(source, taken.error);
    if (taken.value) gave.set(source.device, (gave.get(source.device) ?? 0) + 1);
    plan?.came(at);
    for (const other of sources.values()) {
      if (!other.asked.delete(at)) continue;
      plan?.back(at);
      other.asking.cancel(cid, [at], false);
    }
  };
  const chunkNotTaken = (source: FetchSource, reason: BlobRefusal): void => {
    if (reason === 'wrong-chunk' || reason === 'wrong-length' || reason === 'unknown-chunk')
      return blame(source, reason);
    if (reason === 'unknown-blob') plan = null;
    else waitForRoom();
  };

  const came = async (source: FetchSource, at: Place, bytes: Bytes): Promise<void> => {
    if (isOver || blamed.has(source.device)) return;
    const wasAsked = source.asked.delete(at);
    noteCame(source, clock.now());
    try {
      if (at === null) await takeManifest(source, bytes);
      else if (plan?.isWanted(at)) await takeChunk(source, at, bytes);
    } finally {
      if (wasAsked && at !== null) plan?.back(at);
    }
    deps.onChange();
    pump();
  };
  const refused = (source: FetchSource, at: Place, reason: BulkRefusal): void => {
    if (!source.asked.delete(at) || isOver) return;
    if (at !== null) plan?.back(at);
    if (reason === 'not-here') forgetPlace(source, at);
    else source.pausedUntil = clock.now() + (reason === 'busy' ? busyPauseMs : tooFastPauseMs);
    pump();
  };
  const forgetPlace = (source: FetchSource, at: Place): void => {
    if (at === null) return drop(source.device);
    const left = without(source.holding, at, blobs.view(cid)?.total ?? 0);
    plan?.learn(source.holding, left);
    source.holding = left;
  };

  const ask = (source: FetchSource, at: Place): boolean => {
    const taker = {
      came: (place: Place, bytes: Bytes) => void came(source, place, bytes).catch(noteBug(onRefused)),
      refused: (place: Place, reason: BulkRefusal) => refused(source, place, reason),
    };
    if (!source.asking.ask(cid, at, taker)) return false;
    if (source.asked.size === 0) source.lastCameAt = clock.now();
    source.asked.set(at, clock.now());
    if (at !== null) plan?.asked(at);
    return true;
  };
  /** The chunk that somebody else owes for the longest time, once nothing else is left. */
  const owedByOthers = (source: FetchSource): number | null => {
    let found: number | null = null;
    let since = clock.now() - askedTwiceAfterMs;
    for (const other of sources.values()) {
      if (other === source) continue;
      for (const [at, askedAt] of other.asked) {
        if (at === null || askedAt > since || source.asked.has(at)) continue;
        if (plan?.askers(at) !== 1 || !holds(source.holding, at)) continue;
        found = at;
        since = askedAt;
      }
    }
    return found;
  };
  const askOne = (source: FetchSource): boolean => {
    if (!mayAsk(source, clock.now())) return false;
    if (!plan) {
      const isAsked = [...sources.values()].some(({ asked }) => asked.has(null));
      return !isAsked && ask(source, null);
    }
    const at = plan.pick(source.holding) ?? owedByOthers(source);
    if (at === null) return false;
    if (!blobs.hasChunk(cid, at)) return ask(source, at);
    // It came as a chunk of another blob, or stands in this one twice.
    plan.came(at);
    return true;
  };

  const pump = (): void => {
    if (isOver) return;
    makePlan();
    if (deps.isMyTurn() && clock.now() >= noRoomUntil) askAll();
    if (plan?.missing() === 0) {
      stop();
      deps.onWhole();
    } else if (sources.size > 0) planTick();
  };
  /** One each in turn, whoever owes least first: the load spreads over all who have something. */
  const askAll = (): void => {
    for (let isMoving = true; isMoving;) {
      const inTurn = [...sources.values()].sort((a, b) => a.asked.size - b.asked.size);
      isMoving = inTurn.some(askOne);
    }
  };
  const planTick = (): void => {
    cancelTick ??= clock.after(tickMs, () => {
      cancelTick = null;
      for (const source of [...sources.values()]) {
        if (!isSilent(source, clock.now())) continue;
        onRefused('bulk-silent');
        release(source);
        pauseSource(source, clock.now());
      }
      pump();
    });
  };
  const stop = (): void => {
    isOver = true;
    cancelTick?.();
    for (const source of sources.values()) release(source);
  };

  return {
    cid,
    pump,
    /** A neighbour says what it has of this blob; null: nothing, or it is gone. */
    learn: (asking: Asking, holding: Holding | null): void => {
      if (isOver || blamed.has(asking.device)) return;
      const known = sources.get(asking.device);
      if (holding === null || (known && known.asking !== asking)) drop(asking.device);
      if (holding === null) return;
      const source = sources.get(asking.device) ?? createFetchSource(asking, holding, clock.now());
      plan?.learn(sources.has(asking.device) ? source.holding : null, holding);
      source.holding = holding;
      sources.set(asking.device, source);
      pump();
    },
    left: (device: string): void => {
      drop(device);
      pump();
    },
    isWholeAt: (device: string): boolean => sources.get(device)?.holding === 'all' || blamed.has(device),
    hasSources: (): boolean => sources.size > 0 && clock.now() >= noRoomUntil,
    /** A chunk of it that was here is not any more. */
    replan: (): void => {
      plan = null;
      pump();
    },
    stop,
    progress: (): Omit<FetchProgress, 'state'> & { readonly state: 'searching' | 'fetching' | 'no-room' } => {
      const view = blobs.view(cid);
      const state = clock.now() < noRoomUntil ? 'no-room' : sources.size > 0 ? 'fetching' : 'searching';
      return { ...progressOf(cid, view), state, from: ranked(gave), blamed: [...blamed] };
    },
  };
};
export type FetchJob = ReturnType<typeof createFetchJob>;

const noteBug =
  (onRefused: (reason: string) => void) =>
  (error: unknown): void =>
    onRefused(error instanceof Error ? `bug: ${error.message}` : 'bug');

const ranked = (gave: ReadonlyMap<string, number>): FetchProgress['from'] =>
  [...gave].map(([device, chunks]) => ({ device, chunks })).sort((a, b) => b.chunks - a.chunks);

/** How much of it is here, whoever gave it. */
export const progressOf = (
  cid: string,
  view: ReturnType<Blobs['view']>,
): Pick<FetchProgress, 'cid' | 'have' | 'total' | 'bytes' | 'size'> => {
  const { have = 0, total = 0, size = 0 } = view ?? {};
  return { cid, have, total, size, bytes: total === 0 ? 0 : Math.min(size, Math.round((size / total) * have)) };
};
