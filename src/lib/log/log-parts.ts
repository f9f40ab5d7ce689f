import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Store } from '../kernel/ports/store.ts';
import { createCollisions, type ClientOf } from './collisions.ts';
import { createForks } from './forks.ts';
import { authorityLane } from './event.ts';
import { createLanes, type Entry } from './lanes.ts';
import type { Damage } from './load-lanes.ts';
import { createNamed } from './named.ts';
import { createNews } from './news.ts';
import { createOwnEvents } from './own-events.ts';
import { createPayloads } from './payloads.ts';
import { createWaitingRoom } from './waiting-room.ts';

export type EventLogDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly community: Bytes;
  readonly signing: SigningKey;
  /** Another way to the Yjs client of a place, for tests of keys whose clients meet. */
  readonly clientOf?: ClientOf;
};

/** What an event log is put together from, beside its store. */
export const createLogParts = (deps: EventLogDeps) => {
  const { crypto, community } = deps;
  const refusedByReason = new Map<string, number>();
  let damages: readonly Damage[] = [];
  let queue: Promise<unknown> = Promise.resolve();

  const count = (reason: string): void => void refusedByReason.set(reason, (refusedByReason.get(reason) ?? 0) + 1);
  const lanes = createLanes(deps.random);
  const waiting = createWaitingRoom();
  const named = createNamed({ crypto, lanes });
  const forks = createForks({ crypto, community, lanes, waiting });
  return {
    lanes,
    waiting,
    named,
    forks,
    collisions: createCollisions({ ...named, ...(deps.clientOf ? { find: deps.clientOf } : {}) }),
    payloads: createPayloads({ ...deps, lanes, waiting, twins: forks.twins, onRefused: count }),
    own: createOwnEvents({ ...deps, lanes, damages: () => damages }),
    news: createNews(),
    /** Counts one refusal by its reason. */
    count,
    refusals: (): ReadonlyMap<string, number> => refusedByReason,
    damages: (): readonly Damage[] => damages,
    noteDamages: (found: readonly Damage[]): void => void (damages = found),
    /** Runs work when everything asked for before is done, whatever became of it. */
    inTurn: <T>(work: () => Promise<T>): Promise<T> => {
      const turn = queue.then(work);
      queue = turn.catch(() => undefined);
      return turn;
    },
  };
};
export type LogParts = ReturnType<typeof createLogParts>;

/** What others may ask a log, without changing it. */
export const readsOf = ({ lanes, waiting, named, forks, collisions, payloads, own, news, ...parts }: LogParts) => ({
  /** The device key this log signs with, as text. */
  own: own.own,
  heads: lanes.heads,
  next: lanes.next,
  slice: lanes.slice,
  hlcs: lanes.hlcs,
  search: lanes.search,
  byId: lanes.byId,
  all: lanes.all,
  /** D(count) of a lane, or null when fewer of its events are here. */
  digestAt: lanes.digestAt,
  certificateOf: named.certificateOf,
  signersOf: named.signersOf,
  isEndorsing: named.isEndorsing,
  rootsOf: named.rootsOf,
  isAdmitted: named.isAdmitted,
  /** The Yjs client of a device in a lane's document, and whether it lost its place there to another device. */
  clientOf: collisions.clientOf,
  isCollided: collisions.isCollided,
  /** Lanes whose device has signed two events for one place, and how much of them stands. */
  forks: forks.forks,
  /** The proofs of them, for neighbours. */
  proofs: forks.proofs,
  proofAt: forks.proofAt,
  /** From which hlc on what this device wrote counts only below a pin; null for a device that is sound. */
  frozenSince: forks.frozenSince,
  isBelowPin: forks.isBelowPin,
  isDropped: payloads.isDropped,
  missingPayloads: (most: number): string[] => payloads.missing(most, forks.proofs().length > 0),
  /**
   * Events of admitted authors that wait with their payload for what lies before them in their month. They may be shown, and
   * are not held: no head, no receipt and no count knows of them, and a restart forgets them.
   */
  preview: (): Entry[] =>
    [...waiting.orphans()].filter(
      ({ event: { author, header }, payload }) =>
        payload !== null &&
        header.lane !== authorityLane &&
        header.seq > lanes.next(author, header.lane) &&
        named.isAdmitted(author),
    ),
  onPreview: news.onPreview,
  onStored: news.onStored,
  onJudged: news.onJudged,
  onProof: news.onProof,
  onResigned: news.onResigned,
  /** What these heads of a neighbour say of our own lanes. */
  compareOwn: own.compare,
  /** Appends wait until what is given back is called. Arrivals do not. */
  hold: own.hold,
  /** This device key is given up: nothing is ever signed with it again. */
  retire: own.retire,
  /** What the disk had lost at load; empty on a sound disk. */
  damages: parts.damages,
  refusals: parts.refusals,
  waitingCounts: waiting.counts,
});
