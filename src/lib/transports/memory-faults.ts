import type { Clock } from '../kernel/ports/clock.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';

/** Chances are between 0 and 1, spans are [least, most] milliseconds. */
export type MemoryFaults = {
  readonly carrierDelayMs: Span;
  readonly meetingDelayMs: Span;
  /** Per meeting message and hearer: lost; heard twice; held back ten times as long, so that later ones overtake it. */
  readonly meetingLossChance: number;
  readonly meetingDuplicateChance: number;
  readonly meetingReorderChance: number;
  /** Nobody hears anybody at the meeting places; carriers go on. */
  readonly isSignallingDown: boolean;
  /** Per carrier message: the carrier dies with this message and all others in flight. */
  readonly cutChance: number;
  /** How long until a carrier whose other end is out of reach is given up, as ICE does. */
  readonly failAfterMs: number;
  /** What no real carrier does: messages damaged under way. null is off. Whoever listens must refuse what it cannot trust. */
  readonly dirty: DirtyFaults | null;
};
export type Span = readonly [number, number];
export type DirtyFaults = {
  readonly dropChance: number;
  readonly duplicateChance: number;
  readonly reorderChance: number;
  readonly flipChance: number;
};

export const noFaults: MemoryFaults = {
  carrierDelayMs: [1, 5],
  meetingDelayMs: [5, 20],
  meetingLossChance: 0,
  meetingDuplicateChance: 0,
  meetingReorderChance: 0,
  isSignallingDown: false,
  cutChance: 0,
  failAfterMs: 10_000,
  dirty: null,
};

/** What everything in a memory network shares; `faults` is asked anew each time. */
export type MemoryWorld = { readonly clock: Clock; readonly random: Random; readonly faults: () => MemoryFaults };

export const happens = (random: Random, chance: number): boolean =>
  chance > 0 && randomInt(random, 0x100000000) < chance * 0x100000000;

export const pickDelayMs = (random: Random, [least, most]: Span): number => least + randomInt(random, most - least + 1);

/** Damages the messages of one lane: turns each into those that arrive instead of it. A message that was set back arrives after the next one. */
export const createDirt = ({ random, faults }: MemoryWorld): ((message: Uint8Array) => readonly Uint8Array[]) => {
  let setBack: readonly Uint8Array[] = [];
  return (message) => {
    const { dirty } = faults();
    const late = setBack;
    setBack = [];
    if (dirty === null) return [message, ...late];
    if (happens(random, dirty.dropChance)) return late;
    const arriving = happens(random, dirty.flipChance) ? flipBit(random, message) : message;
    if (happens(random, dirty.reorderChance)) {
      setBack = [arriving];
      return late;
    }
    return happens(random, dirty.duplicateChance) ? [arriving, arriving.slice(), ...late] : [arriving, ...late];
  };
};

const flipBit = (random: Random, message: Uint8Array): Uint8Array => {
  const flipped = message.slice();
  const at = randomInt(random, Math.max(1, flipped.length));
  if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << randomInt(random, 8));
  return flipped;
};
