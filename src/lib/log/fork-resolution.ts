import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { authorityLane, isGenesisHeader } from './event.ts';
import { nextDigest, type Entry } from './lane.ts';
import { pinsOf } from './pins.ts';

/** Whom an authority event names, by a certificate that verifies. */
export type Naming = { readonly device: string; readonly person: string };

/** An event that could stand at a place, and who sent it; null for what is stored. */
export type Variant = { readonly entry: Entry; readonly sources: ReadonlySet<string> | null };

/** What is known of one lane: what nobody contests, and from the smallest forked seq on every event that could stand there. */
export type Strand = {
  readonly author: string;
  readonly lane: number;
  /** The first seq that is contested, or null. The genesis never is: the community's id is its hash. */
  readonly seq: number | null;
  /** The uncontested events from seq 0, gapless. Of a month lane they are not looked at and left out. */
  readonly prefix: readonly Entry[];
  /** D(seq), or null while the prefix has a gap. */
  readonly start: Bytes | null;
  /** What could stand at a seq at or after the fork, what is stored first. */
  variantsAt(seq: number): readonly Variant[];
};

/** How a forked lane ends: from seq `from` with this branch, which others have pinned up to this count, or where it was forked. */
export type Standing = { readonly from: number; readonly branch: readonly Entry[]; readonly upTo: number | null };

export type Resolution = {
  readonly standingByPlace: ReadonlyMap<string, Standing>;
  /** Every device that what stands names. */
  readonly named: ReadonlySet<string>;
  /** Whether a standing authority event of another person than the author's names this prefix digest. */
  isPinned(digest: string, author: string): boolean;
};

type Pin = { readonly id: string; readonly author: string };
type Step = {
  readonly entry: Entry;
  readonly count: number;
  readonly bytes: Bytes;
  readonly digest: string;
  readonly before: Step | null;
};
type Reached = { readonly step: Step; readonly by: Pin };
type Reading = {
  readonly depthByDevice: ReadonlyMap<string, number>;
  readonly personsByDevice: ReadonlyMap<string, ReadonlySet<string>>;
  readonly ids: ReadonlySet<string>;
};

/**
 * Decides what stands of forked lanes, from the events alone: never by roles, clocks or the order of arrival. A branch that
 * people other than its author have pinned stands up to the largest count that agrees; the rest is void. Of pins that
 * disagree, those of persons who were let in without any forked event go first, then lower depth of admission, then the
 * smaller event id. A pin counts only when it stands itself; the one found not to stand falls, and all is decided anew.
 */
export const resolveForks = (strands: readonly Strand[], namingOf: (eventId: string) => Naming | null): Resolution => {
  const whole = read(strands, namingOf, (strand) => [...strand.prefix, ...contested(strand)]);
  const certain = read(strands, namingOf, ({ prefix }) => prefix);
  const pins = collectPins(strands, whole.depthByDevice);
  const areOthers = (a: string, b: string): boolean =>
    ![...(whole.personsByDevice.get(a) ?? [a])].some((person) => whole.personsByDevice.get(b)?.has(person));
  const compare = (a: Pin, b: Pin): number => {
    const [first, second] = [rankOf(a, certain, whole), rankOf(b, certain, whole)];
    return first.tier - second.tier || first.depth - second.depth || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  };
  const forked = strands.filter(({ seq }) => seq !== null);
  const stepsByStrand = new Map(forked.map((strand) => [strand, reachPins(strand, pins)]));
  const fallen = new Set<string>();
  for (;;) {
    const reachedByStrand = new Map(
      forked.map((strand) => {
        const reached = (stepsByStrand.get(strand) ?? []).flatMap((step): Reached[] => {
          const good = (pins.get(step.digest) ?? []).filter(
            ({ id, author }) => !fallen.has(id) && areOthers(author, strand.author),
          );
          const [by] = good.toSorted(compare);
          return by ? [{ step, by }] : [];
        });
        return [strand, chooseBranch(reached.toSorted((a, b) => compare(a.by, b.by)))] as const;
      }),
    );
    const branchOf = (strand: Strand) => entriesOf(reachedByStrand.get(strand)?.at(-1)?.step ?? null);
    const standing = read(strands, namingOf, (strand) => [...strand.prefix, ...branchOf(strand)]);
    const unsupported = [...reachedByStrand.values()].flat().filter(({ by }) => !standing.ids.has(by.id));
    for (const { by } of unsupported) fallen.add(by.id);
    if (unsupported.length > 0) continue;
    return {
      standingByPlace: new Map(
        forked.map((strand) => {
          const last = reachedByStrand.get(strand)?.at(-1)?.step ?? null;
          const standing = { from: strand.seq ?? 0, branch: entriesOf(last), upTo: last?.count ?? null };
          return [`${strand.author} ${strand.lane}`, standing] as const;
        }),
      ),
      named: new Set(standing.depthByDevice.keys()),
      isPinned: (digest, author) =>
        (pins.get(digest) ?? []).some((pin) => standing.ids.has(pin.id) && areOthers(pin.author, author)),
    };
  }
};

/** Walks the admissions from the genesis through the given events of each lane. */
const read = (
  strands: readonly Strand[],
  namingOf: (eventId: string) => Naming | null,
  eventsOf: (strand: Strand) => readonly Entry[],
): Reading => {
  const strandByDevice = new Map(
    strands.filter(({ lane }) => lane === authorityLane).map((each) => [each.author, each]),
  );
  const depthByDevice = new Map<string, number>();
  const personsByDevice = new Map<string, Set<string>>();
  const ids = new Set<string>();
  const founder = [...strandByDevice.values()].find((strand) => {
    const first = strand.prefix[0] ?? strand.variantsAt(0)[0]?.entry;
    return first !== undefined && isGenesisHeader(first.event.header);
  });
  if (founder) depthByDevice.set(founder.author, 0);
  for (const [device, depth] of depthByDevice) {
    const strand = strandByDevice.get(device);
    for (const { event } of strand ? eventsOf(strand) : []) {
      ids.add(event.id);
      const naming = namingOf(event.id);
      if (!naming) continue;
      personsByDevice.set(naming.device, (personsByDevice.get(naming.device) ?? new Set()).add(naming.person));
      if (!depthByDevice.has(naming.device)) depthByDevice.set(naming.device, depth + 1);
    }
  }
  return { depthByDevice, personsByDevice, ids };
};

const contested = (strand: Strand): Entry[] => {
  const entries: Entry[] = [];
  for (let seq = strand.seq ?? 0; strand.seq !== null; seq++) {
    const variants = strand.variantsAt(seq);
    if (variants.length === 0) break;
    entries.push(...variants.map(({ entry }) => entry));
  }
  return entries;
};

/** Who pins which digest, among the authors somebody names. */
const collectPins = (strands: readonly Strand[], depths: ReadonlyMap<string, number>): Map<string, Pin[]> => {
  const pins = new Map<string, Pin[]>();
  for (const strand of strands) {
    if (strand.lane !== authorityLane || !depths.has(strand.author)) continue;
    for (const entry of [...strand.prefix, ...contested(strand)])
      for (const digest of pinsOf(entry))
        pins.set(digest, [...(pins.get(digest) ?? []), { id: entry.event.id, author: strand.author }]);
  }
  return pins;
};

const rankOf = ({ author }: Pin, certain: Reading, whole: Reading): { tier: number; depth: number } => {
  const depth = certain.depthByDevice.get(author);
  return depth === undefined
    ? { tier: 1, depth: whole.depthByDevice.get(author) ?? Number.MAX_SAFE_INTEGER }
    : { tier: 0, depth };
};

/**
 * The pinned prefixes that a run of known events reaches. First the run each sender has sent, so that nobody who floods twins
 * can hide another's run, then all together, as far as a bounded number of combinations goes.
 */
const reachPins = (strand: Strand, pins: ReadonlyMap<string, unknown>): Step[] => {
  const { seq, start } = strand;
  if (seq === null || start === null) return [];
  const found = new Map<string, Step>();
  const walk = (choose: (seq: number) => readonly Entry[]): void => {
    let ends: (Step | null)[] = [null];
    for (let at = seq; ends.length > 0; at++) {
      const next: Step[] = [];
      for (const before of ends) {
        for (const entry of choose(at)) {
          if (next.length >= limits.forkRunsMax) break;
          const bytes = nextDigest(before?.bytes ?? start, entry.event.id);
          const step = { entry, count: at + 1, bytes, digest: bytesToText(bytes), before };
          next.push(step);
          if (pins.has(step.digest) && !found.has(step.digest)) found.set(step.digest, step);
        }
      }
      ends = next;
    }
  };
  const sources = new Set<string>();
  for (let at = seq; strand.variantsAt(at).length > 0; at++)
    for (const variant of strand.variantsAt(at)) for (const source of variant.sources ?? []) sources.add(source);
  for (const source of sources) {
    walk((at) => {
      const variants = strand.variantsAt(at);
      const sent = variants.filter((variant) => variant.sources?.has(source));
      return (sent.length > 0 ? sent : variants).slice(0, 1).map(({ entry }) => entry);
    });
  }
  walk((at) => strand.variantsAt(at).map(({ entry }) => entry));
  return [...found.values()];
};

/** From the best pin on, every longer one that agrees with what is chosen so far. The last is the end of the branch. */
const chooseBranch = (reached: readonly Reached[]): Reached[] => {
  const chosen: Reached[] = [];
  for (const each of reached) {
    const last = chosen.at(-1);
    if (
      !last ||
      (each.step.count > last.step.count && ancestor(each.step, last.step.count).digest === last.step.digest)
    )
      chosen.push(each);
  }
  return chosen;
};

const ancestor = (step: Step, count: number): Step => {
  let at = step;
  while (at.before && at.count > count) at = at.before;
  return at;
};

const entriesOf = (step: Step | null): Entry[] => {
  const entries: Entry[] = [];
  for (let at = step; at; at = at.before) entries.push(at.entry);
  return entries.toReversed();
};
