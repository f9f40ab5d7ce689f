import { hlcFromMs, hlcMonth, hlcToMs } from '../kernel/hlc.ts';
import { areBytesEqual, bytesToText, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { AuthorityOutcome } from './authority-fold.ts';
import { isAtLeast, type AuthorityView } from './authority-index.ts';
import { makeCheckpoint, sortPlaces, type CheckpointBody, type CheckpointPlace } from './checkpoint.ts';
import { countingOf } from './cuts.ts';
import { monthLane } from './event.ts';
import type { EventLog } from './event-log.ts';
import type { Head } from './lanes.ts';
import type { SettledAct } from './past.ts';

/** What people say a month lane came to, and which of those who are trusted now say so. */
export type Checkpoint = {
  readonly lane: number;
  readonly root: string;
  readonly places: readonly Readonly<CheckpointPlace>[];
  /** `atMs`: when they last said so, by their clock. */
  readonly by: readonly { readonly person: string; readonly atMs: number }[];
  /** As many have said so as an act against somebody takes: min(3, trusted people). */
  readonly isConfirmed: boolean;
};

/** Every checkpoint that has effect, by lane and root. Each is an event of its own, so they confirm each other without a round. */
export const foldCheckpoints = (
  acts: readonly SettledAct[],
  { judgedById }: AuthorityOutcome,
  view: Pick<AuthorityView, 'roleOf' | 'withRole'>,
): Checkpoint[] => {
  const needed = Math.max(1, Math.min(limits.quorumMax, view.withRole('trusted').length));
  const drafts = new Map<string, { body: CheckpointBody; root: string; atByPerson: Map<string, number> }>();
  for (const { id, effect, entry } of acts) {
    const judged = judgedById.get(id);
    if (!judged || typeof effect === 'string' || effect.kind !== 'community.checkpoint') continue;
    if (!isAtLeast(view.roleOf(judged.person), 'trusted')) continue;
    const root = bytesToText(effect.body.root);
    const key = `${effect.body.lane} ${root}`;
    const draft = drafts.get(key) ?? { body: effect.body, root, atByPerson: new Map<string, number>() };
    draft.atByPerson.set(judged.person, hlcToMs(entry.event.header.hlc));
    drafts.set(key, draft);
  }
  return [...drafts.values()]
    .map(({ body: { lane, places }, root, atByPerson }) => ({
      lane,
      root,
      places,
      by: [...atByPerson].map(([person, atMs]) => ({ person, atMs })),
      isConfirmed: atByPerson.size >= needed,
    }))
    .toSorted((a, b) => a.lane - b.lane || (a.root < b.root ? -1 : 1));
};

/** Whether this log has every prefix a checkpoint names, lacks events of some, or has others where it should have those. */
export type Holding = 'holds' | 'behind' | 'differs';
export type HeldCheckpoint = Checkpoint & { readonly holding: Holding };

/** Of each lane the confirmed checkpoint (of several the one most people, then most events, then the smaller root speak for), held against this log. */
export const heldCheckpoints = (
  { checkpoints }: { readonly checkpoints: readonly Checkpoint[] },
  log: Pick<EventLog, 'digestAt'>,
): HeldCheckpoint[] => {
  const bestByLane = new Map<number, Checkpoint>();
  for (const each of checkpoints) {
    const best = bestByLane.get(each.lane);
    if (each.isConfirmed && (!best || compareStrength(each, best) < 0)) bestByLane.set(each.lane, each);
  }
  return [...bestByLane.values()].map((each) => ({ ...each, holding: holdingOf(each, log) }));
};

const holdingOf = ({ lane, places }: Checkpoint, { digestAt }: Pick<EventLog, 'digestAt'>): Holding => {
  let holding: Holding = 'holds';
  for (const [device, count, digest] of places) {
    const own = digestAt(bytesToText(device), lane, count);
    if (own && !areBytesEqual(own, digest)) return 'differs';
    if (!own) holding = 'behind';
  }
  return holding;
};

const compareStrength = (a: Checkpoint, b: Checkpoint): number =>
  b.by.length - a.by.length || eventsOf(b) - eventsOf(a) || (a.root < b.root ? -1 : 1);
const eventsOf = ({ places }: Checkpoint): number => places.reduce((total, [, count]) => total + count, 0);

/** What a checkpoint is made from, and who would write it. */
export type CheckpointDesk = {
  readonly membership: {
    readonly checkpoints: readonly Checkpoint[];
    cutOf(device: string, lane: number): number | null;
  };
  readonly log: Pick<EventLog, 'heads' | 'digestAt' | 'slice' | 'frozenSince' | 'isBelowPin'>;
  readonly person: string;
  /** Now by the community clock. */
  readonly nowMs: number;
};

/**
 * The checkpoint a person has still to write, of the oldest month that has been over for some days; null for none. Events that
 * come late change what there is to say: then it is said again, some days later and only a few times a lane, as authority
 * events stay for ever.
 */
export const findDueCheckpoint = (desk: CheckpointDesk): CheckpointBody | null => {
  const { log, membership, person, nowMs } = desk;
  const open = monthLane(hlcMonth(hlcFromMs(nowMs - limits.checkpointDelayMs)));
  const closed = log.heads().filter(({ lane, next }) => next > 0 && lane >= monthLane(0) && lane < open);
  for (const lane of new Set(closed.map((head) => head.lane).toSorted((a, b) => a - b))) {
    const own = membership.checkpoints
      .filter((each) => each.lane === lane)
      .flatMap(({ places, by }) => by.filter((each) => each.person === person).map(({ atMs }) => ({ places, atMs })));
    if (own.length >= limits.checkpointsPerLaneMax) continue;
    if (own.some(({ atMs }) => Math.abs(nowMs - atMs) < limits.checkpointDelayMs)) continue;
    const places = sortPlaces(closed.filter((head) => head.lane === lane).flatMap((head) => placeOf(desk, head)));
    if (places.length > 0 && !own.some((said) => keyOf(said.places) === keyOf(places)))
      return makeCheckpoint(lane, places);
  }
  return null;
};

/** What of a lane counts: neither what a cut took away nor what was written on after a fork, or the checkpoint would bring it back as a pin. */
const placeOf = ({ log, membership }: CheckpointDesk, { author, lane, next }: Head): CheckpointPlace[] => {
  const count = countingOf(log, author, lane, Math.min(next, membership.cutOf(author, lane) ?? next));
  const [device, digest] = [textToBytes(author), log.digestAt(author, lane, count)];
  return count > 0 && device && digest ? [[device, count, digest]] : [];
};

/** A digest covers its count and its device. */
const keyOf = (places: readonly Readonly<CheckpointPlace>[]): string =>
  places.map(([, , digest]) => bytesToText(digest)).join();
