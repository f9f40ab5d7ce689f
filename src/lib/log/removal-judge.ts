import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import { compareRanks, isAtLeast, type AuthorityView } from './authority-index.ts';
import type { Case, Ending, Verdict } from './authority-case.ts';
import { parseCuts, parseIntent, parseStatement, type Cut, type SharedAct } from './intent.ts';
import type { Payload } from './kinds.ts';
import type { SettledAct } from './past.ts';

export const placeOf = (device: string, lane: number): string => `${device} ${lane}`;

/** How many people must agree on an act against `target`: of all others who are trusted, at most three. */
export const quorumFor = (target: string, view: Pick<AuthorityView, 'withRole'>): number =>
  Math.max(1, Math.min(limits.quorumMax, view.withRole('trusted').filter((person) => person !== target).length));

export const judgeCoSigned = (
  { act, body, person, view, deps }: Case<Payload<'community.remove'>>,
  kind: SharedAct,
): Verdict => {
  const intent = parseIntent(body.intent, deps.community);
  if (!intent || intent.act !== kind) return 'intent';
  const spent = bytesToText(intent.bytes);
  const role = view.roleOf(intent.person);
  if (view.isIntentSpent(spent) || view.exitOf(intent.person)) return 'already';
  if (role === null) return 'target-unknown';
  if (kind === 'demote' && role === 'member') return 'already';
  if (kind === 'demote' && isLastAnchor(intent.person, view)) return 'last-anchor';
  const signers = new Set<string>();
  const signingDevices = new Set<string>();
  for (const device of deps.witnesses.signersOf(act.id)) {
    const signer = view.namingOf(device)?.person;
    if (signer === undefined || signer === intent.person || view.isRevoked(device)) continue;
    if (!isAtLeast(view.roleOf(signer), 'trusted')) continue;
    signers.add(signer);
    signingDevices.add(device);
  }
  if (signers.size < quorumFor(intent.person, view)) return 'quorum';
  const [rank = { depth: Infinity, person: '' }] = [...signers].map(view.rankOf).toSorted(compareRanks);
  const ending: Ending = {
    act,
    kind,
    person: intent.person,
    device: null,
    counts: countsOf(intent.cuts),
    writer: person,
    signers,
    signingDevices,
    rank,
  };
  return {
    ending,
    note: (index) => {
      index.noteIntent(act, spent);
      if (kind === 'demote') index.noteDemotion(act, intent.person);
      else index.noteExit(act, intent.person, 'removed');
    },
  };
};

export const judgeLeave = ({ act, body, person, view }: Case<Payload<'community.leave'>>): Verdict => {
  const cuts = parseCuts(
    body.cuts.map(([device, lane, count, digest]) => [device.slice(), lane, count, digest.slice()]),
  );
  if (!cuts) return 'intent';
  if (isLastAnchor(person, view)) return 'last-anchor';
  return {
    ending: { ...byOneself(act, person, view), kind: 'leave', person, device: null, counts: countsOf(cuts) },
    note: (index) => index.noteExit(act, person, 'left'),
  };
};

export const judgeRevoke = ({ act, body, person, view, deps }: Case<Payload<'device.revoke'>>): Verdict => {
  const statement = parseStatement(body.statement, deps.community);
  if (!statement) return 'intent';
  const owner = view.namingOf(statement.device)?.person;
  if (owner === undefined) return 'target-unknown';
  if (!deps.witnesses.rootsOf(act.id).has(owner)) return 'signature';
  if (view.isRevoked(statement.device)) return 'already';
  return {
    ending: {
      ...byOneself(act, person, view),
      kind: 'revoke',
      person: owner,
      device: statement.device,
      counts: countsOf(statement.cuts),
    },
    note: (index) => index.noteRevocation(act, statement.device),
  };
};

/** Whoever is the only anchor may not go while others stay: they make another one first. */
const isLastAnchor = (person: string, view: AuthorityView): boolean =>
  view.roleOf(person) === 'anchor' && view.withRole('anchor').length === 1 && view.withRole('member').length > 1;

const byOneself = (act: SettledAct, person: string, view: AuthorityView) => ({
  act,
  writer: person,
  signers: new Set<string>(),
  signingDevices: new Set<string>(),
  rank: view.rankOf(person),
});

const countsOf = (cuts: readonly Cut[]): ReadonlyMap<string, number> =>
  new Map(cuts.map(({ device, lane, count }) => [placeOf(bytesToText(device), lane), count]));
