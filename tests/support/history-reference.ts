import type { Role } from '../../src/lib/kernel/bus/capability.ts';
import type { Deed } from './history.ts';
import { atLeast, createSays } from './history-says.ts';

/**
 * The rules of membership once more, written from docs/PROTOCOL.md as slowly and plainly as they read: sets of deeds, no
 * index, no bytes, nothing shared with `src/lib/log`. It exists to disagree.
 */
export type ReferenceOutcome = {
  readonly reasons: ReadonlyMap<string, string | null>;
  readonly roles: ReadonlyMap<string, Role>;
  readonly standing: readonly string[];
};

/** Where several endings cut a deed, the first of these is what it is void for. */
const reasonsByWeight = [
  ['community.remove', 'removed'],
  ['community.leave', 'left'],
  ['device.revoke', 'revoked'],
] as const;

type Set_ = readonly Deed[];
type Fold = { readonly effective: Set_; readonly reasons: ReadonlyMap<string, string | null>; readonly standing: Set_ };

export const createReference = (all: readonly Deed[]) => {
  const at = new Map(all.map((deed) => [`${deed.author} ${deed.seq}`, deed]));
  const pasts = new Map<string, Set<Deed> | null>();
  const folds = new Map<string, Fold>();
  const verdicts = new Map<string, string | null>();
  const persons = new Map<string, string>();

  /** Its own lane before it, every prefix it named, and their pasts; null when something of that is not here. */
  const pastOf = (deed: Deed): Set<Deed> | null => {
    const known = pasts.get(deed.id);
    if (known !== undefined) return known;
    const past = new Set<Deed>();
    for (const [device, count] of [...deed.named, [deed.author, deed.seq] as const])
      for (let seq = 0; seq < count; seq++) {
        const earlier = at.get(`${device} ${seq}`);
        const before = earlier && pastOf(earlier);
        if (!earlier || !before) {
          pasts.set(deed.id, null);
          return null;
        }
        past.add(earlier);
        for (const each of before) past.add(each);
      }
    pasts.set(deed.id, past);
    return past;
  };
  const knew = (deed: Deed, other: Deed): boolean => pastOf(deed)?.has(other) ?? false;

  const says = createSays(knew);
  const { personOf, exitOf, isRevoked, roleOf, everybody, withRole, quorum, policy, isLastAnchor, depthOf } = says;

  /** Why a deed has no effect on top of these effective deeds of its past, or null. */
  const judge = (deed: Deed, e: Set_): string | null => {
    const { kind, about } = deed;
    if (kind === 'community.genesis') return null;
    const person = personOf(e, deed.author);
    if (person === null) return 'author-not-member';
    const exit = exitOf(e, person);
    if (exit) return exit;
    if (isRevoked(e, deed.author)) return 'revoked';
    const own = roleOf(e, person);
    if (own === null) return 'author-not-member';
    if (kind === 'community.admit' || kind === 'device.add') {
      if (kind === 'community.admit' && !atLeast(own, policy(e))) return 'policy';
      const [device, owner] = [about.device ?? '', about.owner ?? ''];
      const gone = exitOf(e, owner);
      if (gone) return gone;
      if (isRevoked(e, device)) return 'revoked';
      const claimed = personOf(e, device);
      if (claimed !== null && claimed !== owner) return 'device-claimed';
      if (kind === 'device.add') return roleOf(e, owner) === null ? 'target-unknown' : null;
      const isUsed = e.some(
        (other) =>
          other.kind === 'community.admit' &&
          other.about.invite === about.invite &&
          personOf(
            e.filter((x) => knew(other, x)),
            other.author,
          ) === person,
      );
      return isUsed ? 'invite-used' : null;
    }
    if (kind === 'community.key') {
      if (!atLeast(own, 'trusted')) return 'role';
      return e.some((x) => x.kind === kind && x.about.epoch === about.epoch && x.about.check !== about.check)
        ? 'key-check'
        : null;
    }
    if (kind === 'community.policy') return own === 'anchor' ? null : 'role';
    if (kind === 'community.promote') {
      const needed = about.role === 'anchor' && withRole(e, 'anchor').length > 0 ? 'anchor' : 'trusted';
      if (!atLeast(own, needed)) return 'role';
      const role = roleOf(e, about.target ?? '');
      if (role === null) return 'target-unknown';
      return atLeast(role, about.role ?? 'member') ? 'already' : null;
    }
    if (kind === 'community.leave') return isLastAnchor(e, person) ? 'last-anchor' : null;
    if (kind === 'device.revoke') {
      if (personOf(e, about.device ?? '') === null) return 'target-unknown';
      if (!about.isSigned) return 'signature';
      return isRevoked(e, about.device ?? '') ? 'already' : null;
    }
    if (kind === 'community.demote' || kind === 'community.remove') return judgeShared(deed, e);
    return null;
  };

  const judgeShared = ({ kind, about }: Deed, e: Set_): string | null => {
    const target = about.target ?? '';
    if (e.some((x) => x.kind === kind && x.about.intent === about.intent) || exitOf(e, target)) return 'already';
    const role = roleOf(e, target);
    if (role === null) return 'target-unknown';
    if (kind === 'community.demote' && role === 'member') return 'already';
    if (kind === 'community.demote' && isLastAnchor(e, target)) return 'last-anchor';
    return signersOf(about.signers ?? [], target, e).length < quorum(e, target) ? 'quorum' : null;
  };
  const goodDevices = (devices: readonly string[], target: string, e: Set_): string[] =>
    devices.filter((device) => {
      const person = personOf(e, device);
      return person !== null && person !== target && !isRevoked(e, device) && atLeast(roleOf(e, person), 'trusted');
    });
  const signersOf = (devices: readonly string[], target: string, e: Set_): string[] => [
    ...new Set(goodDevices(devices, target, e).flatMap((device) => personOf(e, device) ?? [])),
  ];

  const effectiveBefore = (deed: Deed): Set_ => fold([...(pastOf(deed) ?? [])]).effective;
  const valid = (deed: Deed): string | null => {
    const known = verdicts.get(deed.id);
    if (known !== undefined) return known;
    const e = effectiveBefore(deed);
    const verdict = pastOf(deed) === null ? 'auth-missing' : judge(deed, e);
    verdicts.set(deed.id, verdict);
    const person = deed.kind === 'community.genesis' ? deed.about.owner : personOf(e, deed.author);
    if (person) persons.set(deed.id, person);
    return verdict;
  };

  const isEnding = ({ kind }: Deed): boolean =>
    ['community.remove', 'community.demote', 'community.leave', 'device.revoke'].includes(kind);
  const isAimedAt = (ending: Deed, deed: Deed): boolean =>
    ending.kind === 'device.revoke'
      ? deed.author === ending.about.device
      : persons.get(deed.id) === ending.about.target;
  const countOf = (ending: Deed, device: string): number | undefined => ending.about.cuts?.get(device);
  const isBeyond = (ending: Deed, deed: Deed): boolean => {
    if (ending === deed || !isAimedAt(ending, deed)) return false;
    const count = countOf(ending, deed.author);
    if (ending.kind === 'community.demote') return count !== undefined && deed.seq >= count && !knew(deed, ending);
    return deed.seq >= (count ?? 0);
  };
  const strikes = (a: Deed, b: Deed): boolean => {
    if (b.kind !== 'community.remove' && b.kind !== 'community.demote') return false;
    if (a === b || knew(a, b) || knew(b, a)) return false;
    const e = effectiveBefore(b);
    const isBehind =
      a.kind === 'device.revoke'
        ? goodDevices(b.about.signers ?? [], b.about.target ?? '', e).includes(a.about.device ?? '') ||
          b.author === a.about.device
        : signersOf(b.about.signers ?? [], b.about.target ?? '', e).includes(a.about.target ?? '') ||
          (a.kind !== 'community.demote' && persons.get(b.id) === a.about.target);
    return isBehind && !(isAimedAt(a, b) && (countOf(a, b.author) ?? 0) > b.seq);
  };
  const isSenior = (a: Deed, b: Deed): boolean => {
    const [x, y] = [seniority(a), seniority(b)];
    return x.depth !== y.depth ? x.depth < y.depth : x.person !== y.person ? x.person < y.person : a.id < b.id;
  };
  const seniority = (deed: Deed): { depth: number; person: string } => {
    const e = effectiveBefore(deed);
    const isShared = deed.kind === 'community.remove' || deed.kind === 'community.demote';
    const signers = isShared
      ? signersOf(deed.about.signers ?? [], deed.about.target ?? '', e)
      : [persons.get(deed.id) ?? ''];
    const ranks = signers.map((person) => ({ depth: depthOf(e, person), person }));
    return (
      ranks.toSorted((a, b) => a.depth - b.depth || (a.person < b.person ? -1 : 1))[0] ?? {
        depth: Infinity,
        person: '',
      }
    );
  };
  const standingOf = (endings: Set_): Set_ => {
    const hits = (a: Deed, b: Deed): boolean => strikes(a, b) && !(strikes(b, a) && isSenior(b, a));
    const standing: Deed[] = [];
    let undecided = [...endings];
    while (undecided.length > 0) {
      const free = undecided.filter((b) => ![...undecided, ...standing].some((a) => hits(a, b)));
      const [senior] = undecided.toSorted((a, b) => (isSenior(a, b) ? -1 : 1));
      standing.push(...(free.length > 0 ? free : senior ? [senior] : []));
      undecided = undecided.filter((b) => !standing.includes(b) && !standing.some((a) => hits(a, b)));
    }
    return standing;
  };

  /** Goes through valid deeds in causal order, skipping what a cutter cuts; the dead have no effect but are judged. */
  const replay = (valids: Set_, cutters: Set_, dead: Set_) => {
    const effective: Deed[] = [];
    const reasons = new Map<string, string | null>();
    for (const deed of valids.toSorted((a, b) => (pastOf(a)?.size ?? 0) - (pastOf(b)?.size ?? 0))) {
      const kinds = cutters.filter((each) => isBeyond(each, deed)).map(({ kind }) => kind);
      const [, cut] = reasonsByWeight.find(([kind]) => kinds.includes(kind)) ?? [
        null,
        kinds.length > 0 ? 'role' : null,
      ];
      const reason =
        cut ??
        judge(
          deed,
          effective.filter((each) => knew(deed, each)),
        );
      reasons.set(deed.id, reason);
      if (reason === null && !dead.includes(deed)) effective.push(deed);
    }
    return { effective, reasons };
  };

  const fold = (set: Set_): Fold => {
    const key = set
      .map(({ id }) => id)
      .toSorted()
      .join();
    const known = folds.get(key);
    if (known) return known;
    const valids = set.filter((deed) => valid(deed) === null);
    const endings = valids.filter(isEnding);
    let fallen: Set_ = [];
    for (;;) {
      const standing = standingOf(endings.filter((each) => !fallen.includes(each)));
      const without = (some: Set_) => endings.filter((each) => !some.includes(each));
      const played = replay(valids, standing, without(standing));
      const falling = standing.filter(({ id }) => played.reasons.get(id) !== null);
      if (falling.length === 0) {
        const reasons = new Map<string, string | null>(set.map((deed) => [deed.id, valid(deed)]));
        for (const [id, reason] of played.reasons) reasons.set(id, reason);
        for (const dead of without(standing)) if (reasons.get(dead.id) === null) reasons.set(dead.id, 'overruled');
        const result = { effective: played.effective, reasons, standing };
        folds.set(key, result);
        return result;
      }
      const firm = standing.filter((each) => !falling.includes(each));
      const byFirm = replay(valids, firm, without(firm));
      const surely = falling.filter(({ id }) => byFirm.reasons.get(id) !== null);
      const [junior] = falling.toSorted((a, b) => (isSenior(a, b) ? 1 : -1));
      const own = falling.filter((each) => {
        const alone = [...firm, each];
        return replay(valids, alone, without(alone)).reasons.get(each.id) !== null;
      });
      const going = [surely, own, junior ? [junior] : []].find(({ length }) => length > 0);
      fallen = [...fallen, ...(going ?? [])];
    }
  };

  return {
    fold: (set: Set_ = all): ReferenceOutcome => {
      const here = set.filter((deed) => pastOf(deed) !== null);
      const { effective, reasons, standing } = fold(here);
      const roles = new Map<string, Role>();
      for (const person of everybody(effective)) {
        const role = roleOf(effective, person);
        if (role) roles.set(person, role);
      }
      return { reasons, roles, standing: standing.map(({ id }) => id).toSorted() };
    },
    knew,
    pastOf,
    isBeyond,
  };
};
