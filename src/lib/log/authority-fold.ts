import { createAuthorityIndex, type AuthorityIndex } from './authority-index.ts';
import type { Ending, Judged, JudgeDeps } from './authority-case.ts';
import { judgeAct } from './authority-judge.ts';
import type { VoidReason } from './effect.ts';
import { joinPasts, knows, type Past, type SettledAct } from './past.ts';
import { compareEndings, isBeyond, standingAmong, strikes } from './removal-graph.ts';

/** What a history comes to: which acts have effect, why the others have none, and which endings stand. */
export type AuthorityOutcome = {
  readonly index: AuthorityIndex;
  readonly judgedById: ReadonlyMap<string, Judged>;
  readonly voidById: ReadonlyMap<string, VoidReason>;
  readonly standing: readonly Ending[];
  /** All of it, as a past: what to ask the index for. */
  readonly past: Past;
};

/**
 * The history seen through one choice of endings: which of them cut (`cutting`) and which have fallen (`fallen`). Acts are
 * taken up in causal order, as far as somebody asks.
 */
type Reading = {
  readonly index: AuthorityIndex;
  readonly reasons: Map<string, VoidReason | null>;
  readonly judged: Map<string, Judged>;
  readonly cutting: readonly Ending[];
  /** Ids of endings that have no effect in this reading although nothing else is wrong with them. */
  readonly fallen: ReadonlySet<string>;
  upTo: number;
};
type Standing = { readonly reading: Reading; readonly endings: readonly Ending[] };

/**
 * Folds authority acts. An act is judged at its past: by what the set of acts it knew comes to by these same rules. In the
 * whole, what lies beyond the cut of a standing ending is skipped, and every act is judged again at what is left of its past,
 * so that whoever was let in or trusted by a skipped act is out with all that rests on them.
 *
 * One pass suffices while no ending cuts or strikes anything (the usual case). For each set of endings that do, the acts are
 * read once more; pasts that know the same endings share a reading.
 */
export const foldAuthority = (acts: readonly SettledAct[], deps: JudgeDeps): AuthorityOutcome => {
  const read = createReadings(acts, deps);
  for (const [place, act] of acts.entries()) {
    const { reading } = read.standingAt(act.past, place);
    const verdict = judgeAct(act, reading.index.at(act.past), deps);
    read.noteVerdict(act, verdict, reading);
  }
  const everything: number[] = [];
  for (const act of acts) {
    joinPasts(everything, act.past);
    everything[act.lane] = Math.max(everything[act.lane] ?? 0, act.seq + 1);
  }
  const { reading, endings } = read.standingAt(everything, acts.length);
  const voids = [...reading.reasons].flatMap(([id, reason]) => (reason === null ? [] : [[id, reason] as const]));
  return {
    index: reading.index,
    judgedById: reading.judged,
    voidById: new Map(voids),
    standing: endings,
    past: everything,
  };
};

const createReadings = (acts: readonly SettledAct[], deps: JudgeDeps) => {
  /** What was said of each act at its past, and the reading that said so. */
  const verdicts: { readonly verdict: VoidReason | Judged; readonly reading: Reading }[] = [];
  const endings: Ending[] = [];
  /** Endings that cut off some act, strike another or are struck: where a past knows none of them, nothing has to be chosen. */
  const biting = new Set<Ending>();
  const striking = new Set<Ending>();
  const readings = new Map<string, Reading>();
  const standings = new Map<string, Standing>();

  const readingOf = (cutting: readonly Ending[], fallen: readonly Ending[], upTo: number): Reading => {
    const key = `${keyOf(cutting)}|${keyOf(fallen)}`;
    const reading: Reading = readings.get(key) ?? {
      index: createAuthorityIndex(),
      reasons: new Map(),
      judged: new Map(),
      cutting,
      fallen: new Set(fallen.map(({ act }) => act.id)),
      upTo: 0,
    };
    readings.set(key, reading);
    for (; reading.upTo < upTo; reading.upTo++) {
      const act = acts[reading.upTo];
      if (act) reading.reasons.set(act.id, takeUp(reading, act));
    }
    return reading;
  };

  const takeUp = (reading: Reading, act: SettledAct): VoidReason | null => {
    const valid = verdicts[reading.upTo];
    if (!valid) throw new Error('authority: an act was taken up before it was judged at its past');
    if (typeof valid.verdict === 'string') return valid.verdict;
    const { person } = valid.verdict;
    const cuts = reading.cutting.filter((ending) => isBeyond(ending, act, person)).map(({ kind }) => kind);
    const cut = endingsByWeight.find((kind) => cuts.includes(kind));
    if (cut) return reasonOf[cut];
    // What was judged in this very reading need not be judged in it again.
    const again = valid.reading === reading ? valid.verdict : judgeAct(act, reading.index.at(act.past), deps);
    if (typeof again === 'string') return again;
    if (reading.fallen.has(act.id)) return 'overruled';
    reading.judged.set(act.id, again);
    again.note(reading.index);
    return null;
  };

  /** The endings of a past that stand, and the history read by them. `upTo` is a place behind everything the past knows. */
  const standingAt = (past: Past, upTo: number): Standing => {
    const known = endings.filter(({ act }) => knows(past, act));
    if (!known.some((ending) => biting.has(ending) || striking.has(ending)))
      return { reading: readingOf([], [], upTo), endings: known };
    const key = `${keyOf(known)}|${keyOf(known.filter((ending) => biting.has(ending)))}`;
    const chosen = standings.get(key) ?? choose(known, upTo);
    standings.set(key, chosen);
    readingOf(
      chosen.reading.cutting,
      known.filter((ending) => !chosen.endings.includes(ending)),
      upTo,
    );
    return chosen;
  };

  /**
   * Endings whose writer or signers are out by the cuts of the others fall, and everything is read again without them. First go
   * those that fall by the ones that stand firm, then those whose own cuts take away what they rest on; where only several
   * bring each other down, the least senior goes.
   */
  const choose = (known: readonly Ending[], upTo: number): Standing => {
    const fallen = new Set<Ending>();
    for (;;) {
      const standing = standingAmong(known.filter((ending) => !fallen.has(ending)));
      const readBy = (some: readonly Ending[]): Reading =>
        readingOf(
          some.filter((ending) => biting.has(ending)),
          known.filter((ending) => !some.includes(ending)),
          upTo,
        );
      const reading = readBy(standing);
      const falling = standing.filter(({ act }) => reading.reasons.get(act.id) !== null);
      if (falling.length === 0) return { reading, endings: standing };
      const firm = standing.filter((ending) => !falling.includes(ending));
      const byFirm = readBy(firm);
      const surely = falling.filter(({ act }) => byFirm.reasons.get(act.id) !== 'overruled');
      const byThemselves = (): Ending[] =>
        falling.filter((ending) => readBy([...firm, ending]).reasons.get(ending.act.id) !== null);
      const going = surely.length > 0 ? surely : byThemselves();
      for (const ending of going.length > 0 ? going : falling.toSorted(compareEndings).slice(-1)) fallen.add(ending);
    }
  };

  const noteVerdict = (act: SettledAct, verdict: VoidReason | Judged, reading: Reading): void => {
    verdicts.push({ verdict, reading });
    if (typeof verdict === 'string') return;
    for (const ending of endings) if (isBeyond(ending, act, verdict.person)) biting.add(ending);
    const { ending } = verdict;
    if (!ending) return;
    const isCutting = (earlier: SettledAct, at: number): boolean => {
      const said = verdicts[at]?.verdict;
      return typeof said === 'object' && isBeyond(ending, earlier, said.person);
    };
    if (acts.slice(0, verdicts.length).some(isCutting)) biting.add(ending);
    for (const other of endings) {
      if (!strikes(ending, other) && !strikes(other, ending)) continue;
      striking.add(ending);
      striking.add(other);
    }
    endings.push(ending);
  };

  return { standingAt, noteVerdict };
};

const keyOf = (endings: readonly Ending[]): string =>
  endings
    .map(({ act }) => act.id)
    .toSorted()
    .join();

/** What several endings cut is void for the reason that weighs most. */
const endingsByWeight = ['remove', 'leave', 'revoke', 'demote'] as const;
const reasonOf = { remove: 'removed', leave: 'left', revoke: 'revoked', demote: 'role' } as const;
