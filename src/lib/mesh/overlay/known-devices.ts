import { limits } from '../../kernel/limits.ts';
import type { Clock } from '../../kernel/ports/clock.ts';
import { randomInt, type Random } from '../../kernel/ports/random.ts';

type Known = { firstAt: number; heardAt: number; selfHeardAt: number; degree: number | null };

/**
 * The devices that are said to be here now: heard at the meeting place, or named by neighbours. At most `limits.overlayKnownMax`;
 * hearsay only, so nothing but the choice of links hangs on it.
 */
export const createKnownDevices = ({ clock, random }: { readonly clock: Clock; readonly random: Random }) => {
  const knownByDevice = new Map<string, Known>();
  const partedAt = new Map<string, number>();
  /** Never crowded out: this device's neighbours on the ring, of all it has heard of. */
  let kept: ReadonlySet<string> = new Set();
  const isFresh = ({ heardAt }: Known): boolean => Math.abs(clock.now() - heardAt) < limits.overlayKnownMs;

  const makeRoom = (): void => {
    if (knownByDevice.size < limits.overlayKnownMax) return;
    for (const [device, known] of knownByDevice) if (!isFresh(known)) knownByDevice.delete(device);
    // Any one of them, so that nobody who tells many names decides which are left.
    const names = [...knownByDevice.keys()].filter((device) => !kept.has(device));
    const gone = names[randomInt(random, Math.max(1, names.length))];
    if (knownByDevice.size >= limits.overlayKnownMax && gone !== undefined) knownByDevice.delete(gone);
  };

  return {
    /** `degree`: how many links it says to hold, null where nobody said. */
    note: (device: string, degree: number | null): void => {
      const known = knownByDevice.get(device);
      if (known) return void Object.assign(known, { heardAt: clock.now(), degree: degree ?? known.degree });
      makeRoom();
      knownByDevice.set(device, {
        firstAt: clock.now(),
        heardAt: clock.now(),
        selfHeardAt: Number.NEGATIVE_INFINITY,
        degree,
      });
    },
    /** It has said something itself; what others say of it is not told on, or names of those who left would go round for ever. */
    noteHeard: (device: string): void => {
      const known = knownByDevice.get(device);
      if (known) known.selfHeardAt = clock.now();
    },
    heardThemselves: (): string[] =>
      [...knownByDevice]
        .filter(([, { selfHeardAt }]) => Math.abs(clock.now() - selfHeardAt) < limits.overlayKnownMs)
        .map(([device]) => device),
    keep: (devices: ReadonlySet<string>): void => {
      kept = devices;
    },
    present: (): string[] => [...knownByDevice].filter(([, known]) => isFresh(known)).map(([device]) => device),
    /** Said to hold too few links. */
    needsLink: (device: string): boolean =>
      (knownByDevice.get(device)?.degree ?? Number.POSITIVE_INFINITY) < limits.overlayDegree,
    isFull: (): boolean => knownByDevice.size >= limits.overlayKnownMax,
    /** Heard of lately for the first time, so that nobody can have said how many links it holds. */
    isNew: (device: string): boolean => {
      const known = knownByDevice.get(device);
      return known?.degree === null && clock.now() - known.firstAt < limits.overlayShuffleMs;
    },
    /** False for whoever has said that it holds no link too many. */
    mayHaveSpare: (device: string): boolean =>
      (knownByDevice.get(device)?.degree ?? Number.POSITIVE_INFINITY) > limits.overlayDegree,
    /** A link to it was given up for want of need: neither end makes it again at once. */
    part: (device: string): void => {
      if (partedAt.size > limits.overlayKnownMax) partedAt.clear();
      partedAt.set(device, clock.now());
    },
    isParted: (device: string): boolean =>
      clock.now() - (partedAt.get(device) ?? Number.NEGATIVE_INFINITY) < limits.overlayPartedMs,
    forget: (device: string): void => void knownByDevice.delete(device),
  };
};
export type KnownDevices = ReturnType<typeof createKnownDevices>;
