import { communityPlace } from '../crypto/community-key.ts';
import { hlcEpochMs } from '../kernel/hlc.ts';
import { areBytesEqual } from '../kernel/ids.ts';
import type { Startable } from '../kernel/lifecycle.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Neighbours } from './neighbours.ts';

const weekMs = 7 * 24 * 3600 * 1000;
const checkMs = 10 * 60_000;
/** Devices whose clocks differ still meet around the turn of a week. */
const graceMs = 12 * 3600 * 1000;

/**
 * Keeps this node at the meeting places of its community: this week's, and around the turn of a week the neighbouring one's
 * too; by the current key, and by a few older ones for whoever has not heard of the newest yet.
 */
export const createCommunityMeeting = (deps: {
  crypto: CryptoPort;
  clock: Clock;
  neighbours: Pick<Neighbours, 'meetCommunity'>;
  /** The current one first. */
  keys: () => readonly Bytes[];
}): Startable & { refresh(): void } => {
  const { crypto, clock, neighbours } = deps;
  const leaveByTag = new Map<string, () => void>();
  let stopTimer: (() => void) | null = null;
  let turn: Promise<void> = Promise.resolve();
  let settled: { readonly keys: readonly Bytes[]; readonly weeks: string } = { keys: [], weeks: '' };

  const settle = async (): Promise<void> => {
    const keys = stopTimer ? deps.keys() : [];
    const weekAt = (ms: number) => Math.floor((ms - hlcEpochMs) / weekMs);
    const weeks = [...new Set([weekAt(clock.now() - graceMs), weekAt(clock.now()), weekAt(clock.now() + graceMs)])];
    // Asked after every event that is stored, and a place costs several HMACs: only another key or week is worth them.
    if (areSame(keys, settled.keys) && weeks.join() === settled.weeks) return;
    settled = { keys, weeks: weeks.join() };
    const places = await Promise.all(keys.flatMap((key) => weeks.map((week) => communityPlace(crypto, key, week))));
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

const areSame = (a: readonly Bytes[], b: readonly Bytes[]): boolean =>
  a.length === b.length && a.every((key, at) => areBytesEqual(key, b[at] ?? new Uint8Array(0)));
