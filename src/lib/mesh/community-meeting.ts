import { communityPlace } from '../crypto/community-key.ts';
import { hlcEpochMs } from '../kernel/hlc.ts';
import type { Startable } from '../kernel/lifecycle.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Neighbours } from './neighbours.ts';

const weekMs = 7 * 24 * 3600 * 1000;
const checkMs = 10 * 60_000;
/** Devices whose clocks differ still meet around the turn of a week. */
const graceMs = 12 * 3600 * 1000;

/** Keeps this node at the meeting places of its community: this week's, and around the turn of a week the neighbouring one's too. */
export const createCommunityMeeting = (deps: {
  crypto: CryptoPort;
  clock: Clock;
  neighbours: Neighbours;
  key: () => Bytes | null;
}): Startable & { refresh(): void } => {
  const { crypto, clock, neighbours } = deps;
  const leaveByTag = new Map<string, () => void>();
  let stopTimer: (() => void) | null = null;
  let turn: Promise<void> = Promise.resolve();
  let settled: { readonly key: Bytes | null; readonly weeks: string } = { key: null, weeks: '' };

  const settle = async (): Promise<void> => {
    const key = stopTimer ? deps.key() : null;
    const weekAt = (ms: number) => Math.floor((ms - hlcEpochMs) / weekMs);
    const weeks = key
      ? [...new Set([weekAt(clock.now() - graceMs), weekAt(clock.now()), weekAt(clock.now() + graceMs)])]
      : [];
    // Asked after every event that is stored, and a place costs several HMACs: only another key or week is worth them.
    if (key === settled.key && weeks.join() === settled.weeks) return;
    settled = { key, weeks: weeks.join() };
    const places = await Promise.all(weeks.map((week) => communityPlace(crypto, key ?? new Uint8Array(0), week)));
    for (const [tag, leave] of leaveByTag) {
      if (places.some((place) => place.tag === tag)) continue;
      leaveByTag.delete(tag);
      leave();
    }
    if (!stopTimer) return;
    for (const place of places)
      if (!leaveByTag.has(place.tag)) leaveByTag.set(place.tag, neighbours.meetCommunity(place));
  };
  /** Looks again: a key has come, changed or gone. */
  const refresh = (): void => {
    turn = turn.then(settle);
  };
  return {
    refresh,
    start: () => {
      stopTimer ??= every(clock, () => checkMs, refresh);
      refresh();
    },
    stop: () => {
      stopTimer?.();
      stopTimer = null;
      refresh();
    },
  };
};
