import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import type { BlobExchange, BlobRefusal, Blobs, FetchProgress } from '../kernel/ports/blobs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Links } from '../kernel/ports/links.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Store } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { createSignal } from '../kernel/watch.ts';
import type { Asking } from './asking.ts';
import { createBulkSessions } from './bulk-sessions.ts';
import type { Holding } from './chunk-plan.ts';
import { createFetchJob, progressOf, type FetchJob } from './fetch-job.ts';
import type { LentBlobs } from './lent-blobs.ts';
import { isCid, loadWanted, saveWanted, type Wanted } from './wanted.ts';

export type BlobExchangeDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly links: Links;
  readonly blobs: Blobs;
  readonly isMember: (device: string) => boolean;
  /** What calls lend to one device; served like chunks, and told to nobody. */
  readonly lent?: Pick<LentBlobs, 'read'> | undefined;
  /** Whether this device gives what it shares now; what it fetches for itself does not ask. */
  readonly isGiving?: (() => boolean) | undefined;
  /** The linked devices that say they answer `blobs.have`, and when that changes. */
  readonly neighbours: () => readonly string[];
  readonly onNeighbours: (listener: () => void) => () => void;
  /** What a neighbour says it has of these blobs, in their order; null when it did not answer. */
  readonly askHave: (device: string, cids: readonly string[]) => Promise<readonly (Holding | null)[] | null>;
  readonly onRefused: (reason: string) => void;
};

/** Who holds a blob while it is being fetched for nobody in particular. */
const fetchHolder = 'fetch';
const lookSoonMs = 50;

/** What this device wants from its neighbours: asks around who has what, runs a job for each blob, and keeps the list over restarts. */
export const createBlobExchange = (
  deps: BlobExchangeDeps,
): Startable & BlobExchange & { askingOf(device: string): Asking | null } => {
  const { clock, store, blobs } = deps;
  const jobs = new Map<string, { readonly job: FetchJob; readonly wanted: Wanted }>();
  const lookedAt = new Map<string, number>();
  const finished = new Map<string, FetchProgress>();
  const changed = createSignal();
  const stops = createStops();
  let cancelLook: (() => void) | null = null;
  const sessions = createBulkSessions({
    ...deps,
    onHave: ({ cid, bitmap }, asking) => {
      const job = jobs.get(cid)?.job;
      if (job) job.learn(asking, bitmap);
      else deps.onRefused('bulk-have-unasked');
    },
    onDown: (device) => {
      lookedAt.delete(device);
      for (const { job } of jobs.values()) job.left(device);
      changed.tell();
    },
  });

  /** The first few that have somebody to fetch from; the others wait. */
  const isTurnOf = (cid: string): boolean => {
    let before = 0;
    for (const { job } of jobs.values()) {
      if (job.cid === cid) return before < limits.blobsFetchedAtOnceMax;
      if (job.hasSources()) before += 1;
    }
    return false;
  };

  const finish = async (cid: string, wanted: Wanted): Promise<void> => {
    const running = jobs.get(cid);
    if (!running) return;
    finished.set(cid, { ...running.job.progress(), ...progressOf(cid, blobs.view(cid)), state: 'complete' });
    for (const oldest of finished.keys()) {
      if (finished.size <= limits.blobsWantedMax) break;
      finished.delete(oldest);
    }
    jobs.delete(cid);
    if (wanted.isPinned) await blobs.pin(cid, true);
    if (wanted.holder === fetchHolder) await blobs.unref(cid, fetchHolder);
    await saveWanted(store, cid, null);
    changed.tell();
    for (const { job } of jobs.values()) job.pump();
  };

  const begin = async (cid: string, wanted: Wanted): Promise<void> => {
    if (jobs.has(cid)) return;
    finished.delete(cid);
    const job = createFetchJob({
      ...deps,
      cid,
      holder: wanted.holder,
      isMyTurn: () => isTurnOf(cid),
      onChange: changed.tell,
      onWhole: () => void finish(cid, wanted).catch(() => deps.onRefused('bug: finish')),
    });
    jobs.set(cid, { job, wanted });
    if (blobs.view(cid)) await blobs.ref(cid, wanted.holder);
    job.pump();
    lookedAt.clear();
    lookSoon(lookSoonMs);
  };

  const lookSoon = (delayMs: number): void => {
    if (jobs.size === 0 || (delayMs > lookSoonMs && cancelLook)) return;
    cancelLook?.();
    cancelLook = clock.after(delayMs, () => {
      cancelLook = null;
      for (const device of deps.neighbours()) void look(device).catch(() => deps.onRefused('bug: look'));
      lookSoon(limits.blobLookAgainMs);
    });
  };

  /** Asks one neighbour about everything that it is not known to have whole; not more often than it makes sense. */
  const look = async (device: string): Promise<void> => {
    const before = lookedAt.get(device);
    if (before !== undefined && Math.abs(clock.now() - before) < limits.blobLookAgainMs - lookSoonMs) return;
    const cids = [...jobs.keys()].filter((cid) => jobs.get(cid)?.job.isWholeAt(device) === false);
    if (cids.length === 0 || !sessions.of(device)) return;
    lookedAt.set(device, clock.now());
    for (let at = 0; at < cids.length; at += limits.blobsAskedAtOnceMax) {
      const some = cids.slice(at, at + limits.blobsAskedAtOnceMax);
      const holdings = await deps.askHave(device, some);
      const asking = sessions.of(device);
      if (!holdings || !asking) return void lookedAt.delete(device);
      some.forEach((cid, index) => jobs.get(cid)?.job.learn(asking, holdings[index] ?? null));
    }
    changed.tell();
  };

  /** What was wanted before, and what is needed here but was lost or spoiled on the disk. */
  const resume = async (): Promise<void> => {
    const wanted = await loadWanted(store);
    for (const cid of blobs.lost()) if (!wanted.has(cid)) wanted.set(cid, { holder: fetchHolder, isPinned: false });
    for (const { cid, have, total, holders, isPinned, isShared } of blobs.list())
      if (isShared && have < total && !wanted.has(cid) && (isPinned || holders.length > 0))
        wanted.set(cid, { holder: fetchHolder, isPinned: false });
    for (const [cid, wish] of wanted) await begin(cid, wish);
  };
  const onDamaged = (cid: string): void => {
    const running = jobs.get(cid);
    if (running) return running.job.replan();
    if (blobs.view(cid)?.isShared === true) void want(cid).catch(() => deps.onRefused('bug: want'));
  };

  const want: BlobExchange['want'] = async (cid, wish = {}): Promise<Result<void, BlobRefusal>> => {
    if (!isCid(cid)) return err('unknown-blob');
    if (jobs.has(cid)) return ok(undefined);
    const view = blobs.view(cid);
    if (view && view.have === view.total) {
      if (wish.holder !== undefined) return blobs.ref(cid, wish.holder);
      return wish.isPinned === true ? blobs.pin(cid, true) : ok(undefined);
    }
    if (jobs.size >= limits.blobsWantedMax) return err('too-many');
    const wanted: Wanted = { holder: wish.holder ?? fetchHolder, isPinned: wish.isPinned === true };
    const saved = await saveWanted(store, cid, wanted);
    if (saved.ok) await begin(cid, wanted);
    return saved;
  };

  const progress = (cid: string): FetchProgress | null => {
    const running = jobs.get(cid)?.job;
    if (running) {
      const found = running.progress();
      return found.state === 'fetching' && !isTurnOf(cid) ? { ...found, state: 'waiting' } : found;
    }
    const view = blobs.view(cid);
    if (!view || view.have < view.total) return null;
    return finished.get(cid) ?? { ...progressOf(cid, view), state: 'complete', from: [], blamed: [] };
  };

  return {
    askingOf: sessions.of,
    want,
    progress,
    wanted: () => [...jobs.keys()],
    onProgress: changed.on,
    cancel: async (cid) => {
      const running = jobs.get(cid);
      if (!running) return;
      running.job.stop();
      jobs.delete(cid);
      if (blobs.view(cid)) await blobs.unref(cid, running.wanted.holder);
      await saveWanted(store, cid, null);
      changed.tell();
      for (const { job } of jobs.values()) job.pump();
    },
    start: async () => {
      await sessions.start();
      stops.add(blobs.onDamaged(onDamaged));
      stops.add(deps.onNeighbours(() => lookSoon(lookSoonMs)));
      await resume();
    },
    stop: () => {
      stops.run();
      cancelLook?.();
      for (const { job } of jobs.values()) job.stop();
      jobs.clear();
      void sessions.stop();
    },
  };
};
