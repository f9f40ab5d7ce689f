import { hlcEpochMs } from '../kernel/hlc.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { StoreRefusal } from '../kernel/ports/store.ts';
import type { Result } from '../kernel/result.ts';
import { authorityLane } from './event.ts';
import type { EventLog } from './event-log.ts';
import { kinds } from './kinds.ts';
import type { Entry } from './lanes.ts';

export type ExpiryDeps = {
  readonly clock: Clock;
  readonly log: Pick<EventLog, 'all' | 'onStored' | 'dropPayloads' | 'isDropped'>;
  /** Events whose payload has to go because somebody who may has removed them for all, as the room now folds. */
  readonly removedIds: () => ReadonlySet<string>;
  /** Something that was shown has expired. */
  readonly onExpired: () => void;
};

/** Timers of browsers do not reach further than 24 days; a device may also have slept. */
const longestWaitMs = 3600_000;
const shortestWaitMs = 1_000;
const retryMs = 60_000;
const recheckMs = 1_000;

/**
 * Drops payloads whose time has come, and those of messages that were removed for all: from memory and disk, while the signed
 * headers stay. Authority payloads never go. What the store refuses is tried again; nothing is shown meanwhile, because views
 * hide by the same rules without asking whether the bytes have gone.
 */
export const createExpiry = ({ clock, log, removedIds, onExpired }: ExpiryDeps): Startable => {
  const dueById = new Map<string, number>();
  const stops = createStops();
  let hasRemovals = false;
  let cancelWait = (): void => {};
  let cancelRecheck: (() => void) | null = null;
  let work: Promise<void> = Promise.resolve();
  let isStopped = false;

  const note = ({ event }: Entry): void => {
    const { lane, expires, kind } = event.header;
    if (lane === authorityLane) return;
    if (kind === kinds['chat.remove'].number) hasRemovals = true;
    if (expires !== 0 && !log.isDropped(event.id)) dueById.set(event.id, hlcEpochMs + expires * 1000);
  };

  /** Looks at everything stored, a stretch a turn, so that a start does not wait for it. */
  const scan = (entries: Iterator<Entry>): void => {
    for (let looked = 0; looked < limits.expiryScanEvents; looked++) {
      const { value: entry, done } = entries.next();
      if (done) return dropSoon();
      note(entry);
    }
    stops.add(clock.after(0, () => scan(entries)));
  };

  /** One run after the other; what comes meanwhile is looked at by the next. */
  const dropSoon = (): void => {
    work = work.then(dropDue);
  };

  const dropDue = async (): Promise<void> => {
    if (isStopped) return;
    const now = clock.now();
    const due = [...dueById].filter(([, atMs]) => atMs <= now).map(([id]) => id);
    const removed = hasRemovals ? [...removedIds()].filter((id) => !log.isDropped(id)) : [];
    const dropped = await dropAll([...new Set([...removed, ...due])]);
    if (dropped.ok) for (const id of due) dueById.delete(id);
    if (due.length > 0) onExpired();
    wait(dropped.ok ? longestWaitMs : retryMs);
  };

  const dropAll = async (ids: readonly string[]): Promise<Result<number, StoreRefusal>> => {
    let dropped: Result<number, StoreRefusal> = { ok: true, value: 0 };
    for (let at = 0; dropped.ok && at < ids.length; at += limits.payloadsDroppedAtOnceMax)
      dropped = await log.dropPayloads(ids.slice(at, at + limits.payloadsDroppedAtOnceMax));
    return dropped;
  };

  const wait = (mostMs: number): void => {
    if (isStopped) return;
    cancelWait();
    const next = [...dueById.values()].reduce((first, atMs) => Math.min(first, atMs), Infinity);
    if (next === Infinity && mostMs === longestWaitMs) return;
    cancelWait = clock.after(Math.min(mostMs, Math.max(shortestWaitMs, next - clock.now())), dropSoon);
  };

  const onStored = (entries: readonly Entry[], isRebuilt: boolean): void => {
    const dueBefore = dueById.size;
    for (const entry of entries) note(entry);
    const isRemoval = entries.some(({ event }) => event.header.kind === kinds['chat.remove'].number);
    // Before the payload of what was removed is asked for; what a removal waits for, or who may remove, may come with anything.
    if (isRemoval || isRebuilt) return dropSoon();
    if (hasRemovals)
      cancelRecheck ??= clock.after(recheckMs, () => {
        cancelRecheck = null;
        dropSoon();
      });
    if (dueById.size > dueBefore) dropSoon();
  };

  return {
    start: () => {
      stops.add(log.onStored(({ entries, isRebuilt }) => onStored(entries, isRebuilt)));
      scan(log.all()[Symbol.iterator]());
    },
    stop: () => {
      isStopped = true;
      cancelWait();
      cancelRecheck?.();
      stops.run();
    },
  };
};
