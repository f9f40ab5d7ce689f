import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { createSignal } from '../kernel/watch.ts';

export type HelloClockDeps = {
  /** The device's own clock. */
  readonly clock: Clock;
  /**
   * Only members' clocks count: who stands at the door, or was removed, could bring any number of persons. Asked when the time is
   * wanted, because a newcomer hears its inviter before it can know the members.
   */
  readonly isMember: (person: string) => boolean;
};

/** A word about the time, and where our own two counts of time stood when it came. */
type Sample = { readonly theirMs: number; readonly passedMs: number; readonly likelyMs: number };

/**
 * The community clock (protocol 3). Every Hello says what time it is over there; the median of the newest word of at least three
 * persons is the neighbourhood's time, which no single liar can move. It is used by who is off by more than five minutes.
 *
 * Between Hellos the time that passes here is counted twice, by readings that go forward: `passedMs` never goes back, so that a
 * clock put back while the node runs brings nothing back to life; `likelyMs` takes back a leap (somebody set the clock ahead and
 * put it right again), so that nobody signs in the future for it.
 */
export const createHelloClock = ({ clock, isMember }: HelloClockDeps) => {
  const samples = new Map<string, Sample>();
  const changed = createSignal();
  const firstMs = clock.now();
  let lastMs = firstMs;
  let passedMs = 0;
  let likelyMs = 0;
  /** What the newest leap has not been taken back of. Sleep is a leap too, an honest one. */
  let leaptMs = 0;

  const look = (): void => {
    const step = clock.now() - lastMs;
    lastMs += step;
    passedMs += Math.max(0, step);
    if (step > limits.clockOffMs) leaptMs = step;
    const undone = step < 0 ? Math.min(-step, leaptMs) : 0;
    leaptMs -= undone;
    likelyMs += Math.max(0, step) - undone;
  };

  /** What the others' clocks say it is now, in ms since 1970; null while fewer than three persons have told. */
  const neighboursMs = (since: (sample: Sample) => number): number | null => {
    look();
    const told = [...samples]
      .filter(([person]) => isMember(person))
      .map(([, sample]) => sample.theirMs + since(sample))
      .toSorted((a, b) => a - b);
    return told.length < limits.clockPersonsMin ? null : medianOf(told);
  };

  /** How far this device's clock must be moved to be the neighbourhood's, in ms; 0 while it is near enough or nobody knows. */
  const offsetMs = (): number => {
    const others = neighboursMs((sample) => likelyMs - sample.likelyMs);
    const offset = others === null ? 0 : Math.round(others - clock.now());
    return Math.abs(offset) > limits.clockOffMs ? offset : 0;
  };

  /** Strangers go first, then whoever has not been heard for longest. */
  const makeRoom = (): void => {
    const persons = [...samples.keys()];
    const least = persons.find((person) => !isMember(person)) ?? persons[0];
    if (least !== undefined) samples.delete(least);
  };

  return {
    /** What time a person's device said it was when its Hello was done. Half of the round trip has passed since, where that is known. */
    note: (person: string, theirMs: number, roundTripMs: number | null): void => {
      if (!Number.isSafeInteger(theirMs) || theirMs < 0) return;
      samples.delete(person);
      if (samples.size >= limits.clockPersonsMax) makeRoom();
      look();
      samples.set(person, { theirMs: theirMs + (roundTripMs ?? 0) / 2, passedMs, likelyMs });
      changed.tell();
    },
    onChange: changed.on,
    offsetMs,
    /** What this device signs with: its own clock, moved when it is off. Timers are the device's own. */
    clock: { now: () => clock.now() + offsetMs(), after: clock.after } satisfies Clock,
    /**
     * For what expires: never behind the own clock, nor behind the neighbours'. Before three persons have told, not behind what this
     * node has already lived through either.
     */
    latestMs: (): number => {
      const others = neighboursMs((sample) => passedMs - sample.passedMs);
      return Math.max(clock.now(), others ?? firstMs + passedMs);
    },
  };
};
export type HelloClock = ReturnType<typeof createHelloClock>;

/** Of an even number the lower of the two in the middle: a half could be nobody's time. */
const medianOf = (sorted: readonly number[]): number => sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
