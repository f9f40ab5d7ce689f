import { areBytesEqual, bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { authorityLane, isLane } from '../log/event.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Head } from '../log/lanes.ts';

export type AskingDeps = {
  readonly log: Pick<EventLog, 'next' | 'heads' | 'digestAt' | 'clientOf' | 'isCollided' | 'proofAt'>;
  readonly clock: Clock;
  readonly mayLane: (lane: number) => boolean;
  readonly send: (lane: number, clocks: ReadonlyMap<number, number>) => void;
  /** Nothing more is wanted for now. */
  readonly onIdle: () => void;
};

const askTimeoutMs = 20_000;

/**
 * What a neighbour says it holds, and which lanes are asked of it: one at a time, the authority lane first, then the newest
 * months. Where its digest of a prefix is not ours, somebody has signed two events for one place: then the lane is asked from
 * where both agreed last, once for each such claim, so that the twins meet.
 */
export const createAsking = ({ log, clock, mayLane, send, onIdle }: AskingDeps) => {
  const theirNext = new Map<string, number>();
  const claims = new Map<string, Head>();
  const agreedByPlace = new Map<string, number>();
  const contestedClaims = new Map<string, string>();
  const fromByPlace = new Map<string, number>();
  const wantedLanes = new Set<number>();
  let asking: { lane: number; cancelTimer: () => void } | null = null;
  let isClosed = false;

  const knows = (author: string, lane: number): number => theirNext.get(`${author} ${lane}`) ?? 0;
  /** Bounded: a liar who names ever new places is believed only for the first of them. */
  const hasRoom = (known: ReadonlyMap<string, unknown>, place: string): boolean =>
    known.has(place) || known.size < limits.stateVectorEntriesMax;
  const learn = (author: string, lane: number, next: number): void => {
    const place = `${author} ${lane}`;
    if (next > knows(author, lane) && hasRoom(theirNext, place)) theirNext.set(place, next);
  };

  /** Compares one claim with our log; what is missing or contested is wanted. */
  const compare = ({ author, lane, next, digest }: Head): void => {
    const place = `${author} ${lane}`;
    if (!isLane(lane) || !mayLane(lane)) return;
    const ours = log.digestAt(author, lane, next);
    if (ours === null) return void wantedLanes.add(lane);
    if (areBytesEqual(ours, digest)) {
      if (hasRoom(agreedByPlace, place)) agreedByPlace.set(place, Math.max(next, agreedByPlace.get(place) ?? 0));
      return;
    }
    const claim = `${next} ${bytesToText(digest)}`;
    if (contestedClaims.get(place) === claim || !hasRoom(contestedClaims, place)) return;
    contestedClaims.set(place, claim);
    const agreed = agreedByPlace.get(place) ?? 0;
    const isStill = agreed > 0 && log.digestAt(author, lane, agreed) !== null;
    fromByPlace.set(place, isStill && agreed < next ? agreed : 0);
    wantedLanes.add(lane);
  };

  const askNext = (): void => {
    if (asking || isClosed) return;
    const lane = wantedLanes.has(authorityLane) ? authorityLane : [...wantedLanes].toSorted((a, b) => b - a)[0];
    if (lane === undefined) return onIdle();
    wantedLanes.delete(lane);
    const cancelTimer = clock.after(askTimeoutMs, () => {
      asking = null;
      askNext();
    });
    asking = { lane, cancelTimer };
    const clocks = new Map<number, number>();
    for (const { author, lane: each, next } of log.heads()) {
      if (each !== lane || log.isCollided(author, lane)) continue;
      const place = `${author} ${lane}`;
      clocks.set(log.clientOf(author, lane), Math.min(next, fromByPlace.get(place) ?? next));
      fromByPlace.delete(place);
    }
    send(lane, clocks);
  };

  return {
    knows,
    learn,
    askNext,
    onHeads: (heads: readonly Head[]): void => {
      for (const head of heads) {
        const place = `${head.author} ${head.lane}`;
        // A lane that was forked may have become shorter over there.
        if (log.proofAt(head.author, head.lane) && theirNext.has(place)) theirNext.set(place, head.next);
        learn(head.author, head.lane, head.next);
        if (hasRoom(claims, place)) claims.set(place, head);
        compare(head);
      }
      askNext();
    },
    /** The answer for a lane is complete: what was claimed of it is compared with what came. */
    onAnswered: (lane: number): void => {
      if (asking?.lane !== lane) return;
      asking.cancelTimer();
      asking = null;
      for (const claim of claims.values()) {
        if (claim.lane === lane && claim.next <= log.next(claim.author, lane)) compare(claim);
      }
      askNext();
    },
    want: (lane: number): void => {
      wantedLanes.add(lane);
      askNext();
    },
    isAsking: (lane?: number): boolean => asking !== null && (lane === undefined || asking.lane === lane),
    /** What the neighbour holds, by "author lane", while something of it is being asked for; null otherwise. */
    asked: (): ReadonlyMap<string, number> | null => (asking || wantedLanes.size > 0 ? theirNext : null),
    close: (): void => {
      isClosed = true;
      asking?.cancelTimer();
    },
  };
};
export type Asking = ReturnType<typeof createAsking>;
