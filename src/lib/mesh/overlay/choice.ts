import { limits } from '../../kernel/limits.ts';
import type { Clock } from '../../kernel/ports/clock.ts';
import { randomInt, type Random } from '../../kernel/ports/random.ts';
import type { KnownDevices } from './known-devices.ts';
import { createRing } from './ring.ts';

/** A link as the choice sees it; times in ms. */
export type LinkFact = {
  readonly device: string;
  readonly rttMs: number | null;
  readonly ageMs: number;
  /** In how many trees of links it is. */
  readonly uses: number;
  /** Made for a call of ours and used lately. */
  readonly isCalled: boolean;
};

export type ChoiceDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly self: () => string;
  readonly epoch: () => string;
  readonly links: () => readonly LinkFact[];
  readonly known: KnownDevices;
  /** How many trees of links there are, one a source of news. */
  readonly trees: () => number;
  /** A link to it is being asked for, by this device or by it. */
  readonly isCalled: (device: string) => boolean;
};

/** One of so many offers a newcomer a link. Where not all can be known, most who seem new are not. */
const helpers = { inStreet: 6, inCrowd: 48 } as const;

/**
 * Which links this device makes, takes and gives up. Below `limits.overlayDegree` it takes everybody, so that a small neighbourhood
 * is linked each with each; above, it makes a link to its two neighbours on the ring, to whoever needs one, and keeps some room to
 * take what others offer. What is over the degree goes by and by: never the ring, never the nearest, never what the other cannot spare.
 */
export const createChoice = (deps: ChoiceDeps) => {
  const { random, self, links, known, isCalled } = deps;
  const ring = createRing(deps.epoch);

  let drawn: { readonly at: number; readonly neighbours: ReadonlySet<string> } | null = null;

  /** Drawn anew once a second at most: a crowd that announces itself must not cost a crowd of rings. */
  const ringNow = (): ReadonlySet<string> => {
    const now = deps.clock.now();
    if (drawn === null || Math.abs(now - drawn.at) >= limits.ringLookMs) {
      const devices = new Set([...known.present(), ...links().map(({ device }) => device)]);
      drawn = { at: now, neighbours: ring.neighboursOf(self(), devices) };
      known.keep(drawn.neighbours);
    }
    return drawn.neighbours;
  };

  /** A newcomer of whom nobody can have said how many links it holds: a few of all who hear of it offer it one. */
  const isHelped = (device: string): boolean =>
    known.isNew(device) && ring.isChosen(self(), device, known.isFull() ? helpers.inCrowd : helpers.inStreet);

  const wants = (device: string): boolean => {
    const { length } = links();
    if (device === self() || length >= limits.linksMax) return false;
    if (isCalled(device) || length < limits.overlayDegree) return true;
    if (known.isParted(device)) return false;
    if (ringNow().has(device)) return true;
    // The smaller name offers: it has to believe that the other needs a link, the larger one sees it by the offer.
    if (length >= limits.overlayDegreeMax) return false;
    return device < self() || known.needsLink(device) || isHelped(device);
  };

  /** A link to ask the other end to give up, or null. */
  const surplus = (): string | null => {
    const all = links();
    if (all.length <= limits.overlayDegree) return null;
    const kept = ringNow();
    const near = new Set(
      all
        .filter(({ rttMs }) => rttMs !== null)
        .toSorted((a, b) => (a.rttMs ?? 0) - (b.rttMs ?? 0))
        .slice(0, limits.overlayNear)
        .map(({ device }) => device),
    );
    const mayGo = all.filter(
      (link) =>
        !kept.has(link.device) &&
        !near.has(link.device) &&
        !link.isCalled &&
        link.ageMs >= limits.overlayShuffleMs &&
        known.mayHaveSpare(link.device),
    );
    const least = Math.min(...mayGo.map(({ uses }) => uses));
    // One that carries its share stays while there is room: a tree that loses a link is whole again only seconds later.
    const carriesItsShare = least * all.length >= Math.max(1, deps.trees());
    if (carriesItsShare && all.length <= limits.overlayDegreeMax) return null;
    const idle = mayGo.filter(({ uses }) => uses === least);
    return idle[randomInt(random, Math.max(1, idle.length))]?.device ?? null;
  };

  /** Fewer links than there should be. A link to the ring is made when its device is heard of; nobody announces himself for it. */
  const seeks = (): boolean => links().length < limits.overlayDegree;

  /** The other end has too many: true when this one can do without the link as well. */
  const canSpare = (device: string): boolean => links().length > limits.overlayDegree && !ringNow().has(device);

  return { wants, surplus, seeks, canSpare };
};
export type Choice = ReturnType<typeof createChoice>;
