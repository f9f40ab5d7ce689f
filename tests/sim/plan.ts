import { randomInt, type Random } from '../../src/lib/kernel/ports/random.ts';
import type { StoreFault } from '../../src/lib/stores/memory-store.ts';
import type { MemoryFaults } from '../../src/lib/transports/memory-faults.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { describeUpheaval, type Upheaval } from './upheavals.ts';

/** One thing that happens `atMs` after the last admission. `who` is a place in the list of members. */
export type Act =
  | Upheaval
  | { readonly type: 'say'; readonly atMs: number; readonly who: number; readonly bytes: number }
  | { readonly type: 'write'; readonly atMs: number; readonly who: number; readonly topic: number }
  | { readonly type: 'ask'; readonly atMs: number; readonly who: number; readonly topic: number }
  | { readonly type: 'rename'; readonly atMs: number; readonly who: number }
  | { readonly type: 'air'; readonly atMs: number; readonly faults: Partial<MemoryFaults> }
  | { readonly type: 'part'; readonly atMs: number; readonly groups: readonly (readonly number[])[] }
  | { readonly type: 'deafen'; readonly atMs: number; readonly from: number; readonly to: number }
  | { readonly type: 'cut'; readonly atMs: number; readonly from: number; readonly to: number }
  | { readonly type: 'join-up'; readonly atMs: number }
  | {
      readonly type: 'crash';
      readonly atMs: number;
      readonly who: number;
      readonly fault: StoreFault | 'kill';
      readonly commits: number;
    }
  | { readonly type: 'revive'; readonly atMs: number; readonly who: number }
  | { readonly type: 'quota'; readonly atMs: number; readonly who: number; readonly isFull: boolean }
  | { readonly type: 'clock'; readonly atMs: number; readonly who: number; readonly byMs: number };

/** What a seed stands for: how many people, when it starts, what happens, in order of time. */
export type Plan = {
  readonly seed: number;
  readonly people: number;
  readonly startMs: number;
  readonly periodMs: number;
  readonly hasAdversary: boolean;
  readonly hasStrangers: boolean;
  readonly acts: readonly Act[];
};

const minute = 60_000;
const day = 24 * 60 * minute;

export const planOf = (seed: number): Plan => {
  const random = seededRandom(`plan ${seed}`);
  const pick = (bound: number): number => randomInt(random, bound);
  const people = pick(8) === 0 ? 9 + pick(4) : 8;
  // Most seeds are short so that there can be many of them; one in ten lasts up to twenty minutes.
  const periodMs = (pick(10) === 0 ? 5 + pick(16) : 3 + pick(2)) * minute;
  // One seed in five runs over the end of a month, where lanes change.
  const startMs =
    pick(5) === 0 ? Date.UTC(2026, 7, 1) - 3 * minute : Date.UTC(2026, 2, 1) + pick(200) * day + pick(day);
  const acts: Act[] = [];
  for (let left = 20 + pick(25); left > 0; left--) {
    acts.push({
      type: 'say',
      atMs: pick(periodMs),
      who: pick(people),
      bytes: pick(12) === 0 ? 500 + pick(3_000) : 5 + pick(100),
    });
  }
  for (let left = pick(4); left > 0; left--)
    acts.push({ type: 'write', atMs: pick(periodMs), who: pick(people), topic: pick(topics) });
  for (let left = pick(6); left > 0; left--)
    acts.push({ type: 'ask', atMs: pick(periodMs), who: pick(people), topic: pick(topics) });
  if (pick(3) === 0) acts.push({ type: 'rename', atMs: pick(periodMs), who: pick(people) });
  for (let left = 3 + pick(8); left > 0; left--) acts.push(...trouble(random, people, periodMs));
  const hasAdversary = pick(2) === 0;
  if (pick(2) === 0) acts.push(...upheaval(random, people, periodMs, hasAdversary));
  return {
    seed,
    people,
    startMs,
    periodMs,
    hasAdversary,
    hasStrangers: pick(3) === 0,
    acts: acts
      .filter(({ atMs }) => atMs < periodMs)
      .map((act, order) => ({ act, order }))
      .toSorted((a, b) => a.act.atMs - b.act.atMs || a.order - b.order)
      .map(({ act }) => act),
  };
};

export const topics = 3;

/** One trouble with its end, where it has one. */
const trouble = (random: Random, people: number, periodMs: number): Act[] => {
  const pick = (bound: number): number => randomInt(random, bound);
  const atMs = pick(periodMs);
  const who = pick(people);
  const later = (mostMs: number): number => atMs + 5_000 + pick(mostMs);
  switch (pick(11)) {
    case 0:
      return air(
        atMs,
        later(3 * minute),
        { carrierDelayMs: [1, 50 + pick(2_000)], meetingDelayMs: [5, 50 + pick(2_000)] },
        { carrierDelayMs: [1, 5], meetingDelayMs: [5, 20] },
      );
    case 1:
      return air(
        atMs,
        later(3 * minute),
        {
          meetingLossChance: pick(60) / 100,
          meetingDuplicateChance: pick(40) / 100,
          meetingReorderChance: pick(40) / 100,
        },
        { meetingLossChance: 0, meetingDuplicateChance: 0, meetingReorderChance: 0 },
      );
    case 2:
      return air(atMs, later(minute), { cutChance: (1 + pick(20)) / 2_000 }, { cutChance: 0 });
    case 3:
      return air(
        atMs,
        later(minute),
        {
          dirty: {
            dropChance: pick(4) / 100,
            duplicateChance: pick(4) / 100,
            reorderChance: pick(4) / 100,
            flipChance: pick(4) / 100,
          },
        },
        { dirty: null },
      );
    case 4:
      return air(atMs, later(2 * minute), { isSignallingDown: true }, { isSignallingDown: false });
    case 5:
    case 6: {
      const groups: number[][] = Array.from({ length: 2 + pick(2) }, () => []);
      for (let each = 0; each < people; each++) groups[pick(groups.length)]?.push(each);
      return [
        { type: 'part', atMs, groups },
        { type: 'join-up', atMs: later(4 * minute) },
      ];
    }
    case 7: {
      const to = (who + 1 + pick(people - 1)) % people;
      return pick(2) === 0
        ? [
            { type: 'deafen', atMs, from: who, to },
            { type: 'join-up', atMs: later(2 * minute) },
          ]
        : [{ type: 'cut', atMs, from: who, to }];
    }
    case 8:
      return [
        { type: 'quota', atMs, who, isFull: true },
        { type: 'quota', atMs: later(2 * minute), who, isFull: false },
      ];
    case 9: {
      const size = [5 * minute, 90 * minute, 3 * day, 365 * day][pick(4)] ?? minute;
      const byMs = (1 + pick(size)) * (pick(2) === 0 ? 1 : -1);
      return [{ type: 'clock', atMs, who, byMs }];
    }
    default: {
      const faults = ['crash', 'crash-after', 'power-cut', 'power-cut', 'kill'] as const;
      // Half of the crashes come right after somebody has spoken.
      const words: Act[] = pick(2) === 0 ? [{ type: 'say', atMs: Math.max(0, atMs - 10), who, bytes: 20 }] : [];
      return [
        ...words,
        { type: 'crash', atMs, who, fault: faults[pick(faults.length)] ?? 'kill', commits: 1 + pick(5) },
        { type: 'revive', atMs: later(90_000), who },
      ];
    }
  }
};

/** One thing a seed that changes who is in, or who somebody is. The founder stays; the last one may be mallory. */
const upheaval = (random: Random, people: number, periodMs: number, hasAdversary: boolean): Act[] => {
  const pick = (bound: number): number => randomInt(random, bound);
  const atMs = pick(periodMs);
  const who = 1 + pick(people - 1);
  switch (pick(hasAdversary ? 5 : 4)) {
    case 0: {
      const trusted = Array.from({ length: pick(4) }, (): Act => ({
        type: 'promote',
        atMs: pick(atMs + 1),
        target: 1 + pick(people - 1),
      }));
      return [...trusted, { type: 'remove', atMs, target: who }];
    }
    case 1: {
      const backMs = atMs + 5_000 + pick(2 * minute);
      return [
        { type: 'copy', atMs, who },
        { type: 'put-back', atMs: backMs, who },
        { type: 'revive', atMs: backMs + 1_000 + pick(30_000), who },
      ];
    }
    case 2:
    case 3:
      return [{ type: 'freeze', atMs, who, forMs: 20_000 + pick(3 * minute) }];
    default:
      return [{ type: 'equivocate', atMs }];
  }
};

const air = (atMs: number, endMs: number, faults: Partial<MemoryFaults>, without: Partial<MemoryFaults>): Act[] => [
  { type: 'air', atMs, faults },
  { type: 'air', atMs: endMs, faults: without },
];

export const describeAct = (act: Act, names: readonly string[]): string => {
  const name = (who: number): string => names[who] ?? '?';
  switch (act.type) {
    case 'promote':
    case 'remove':
    case 'copy':
    case 'put-back':
    case 'equivocate':
    case 'freeze':
      return describeUpheaval(act, name);
    case 'say':
      return `${name(act.who)} says ${act.bytes} letters`;
    case 'write':
      return `${name(act.who)} adds document ${act.topic}`;
    case 'ask':
      return `${name(act.who)} asks about ${act.topic}`;
    case 'rename':
      return `${name(act.who)} takes another name`;
    case 'air':
      return `network: ${JSON.stringify(act.faults)}`;
    case 'part':
      return `partition: ${act.groups.map((group) => group.map(name).join(' ')).join(' | ')}`;
    case 'deafen':
      return `${name(act.to)} no longer hears ${name(act.from)}`;
    case 'cut':
      return `carriers between ${name(act.from)} and ${name(act.to)} are cut`;
    case 'join-up':
      return 'everybody can reach everybody again';
    case 'crash':
      return `${name(act.who)}: ${act.fault} at commit ${act.commits} from now`;
    case 'revive':
      return `${name(act.who)} starts again`;
    case 'quota':
      return `${name(act.who)}'s disk is ${act.isFull ? 'full' : 'free again'}`;
    case 'clock':
      return `${name(act.who)}'s clock jumps by ${(act.byMs / 60_000).toFixed(1)} minutes`;
  }
};
