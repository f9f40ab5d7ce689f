import { hlcToMs } from '../kernel/hlc.ts';
import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { AuthorityView } from './authority-index.ts';
import { isAtLeast } from './authority-index.ts';
import type { AuthorityOutcome } from './authority-fold.ts';
import { compareEntries } from './effect.ts';
import { parseIntent, type SharedAct } from './intent.ts';
import type { SettledAct } from './past.ts';
import { quorumFor } from './removal-judge.ts';

/** An act that waits for the agreement of others. Open while it could still be done. */
export type OpenProposal = {
  /** Id of the event that proposed it. */
  readonly proposal: string;
  readonly act: SharedAct;
  readonly person: string;
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
  readonly intent: Bytes;
  /** One signature of each trusted person who has agreed. */
  readonly agreements: readonly { readonly person: string; readonly device: string; readonly signature: Bytes }[];
  readonly needed: number;
};

type Draft = Omit<OpenProposal, 'agreements' | 'needed'> & { readonly source: SettledAct };

/**
 * What is open now. Somebody who proposes the same again, or very much, shows with their newest only: at most so many a person
 * and in all, so that nobody can fill everybody's screens. The events stay all the same.
 */
export const foldProposals = (
  acts: readonly SettledAct[],
  outcome: AuthorityOutcome,
  view: AuthorityView,
  community: Bytes,
): OpenProposal[] => {
  const drafts = openDrafts(acts, outcome, view, community);
  const shown = newestOfEach(drafts);
  const agreed = readAgreements(acts, outcome, view, new Set(shown.map(({ proposal }) => proposal)));
  return shown.map(({ source: _source, ...draft }) => ({
    ...draft,
    agreements: (agreed.get(draft.proposal) ?? []).filter(({ person }) => person !== draft.person),
    needed: quorumFor(draft.person, view),
  }));
};

const openDrafts = (
  acts: readonly SettledAct[],
  { judgedById }: AuthorityOutcome,
  view: AuthorityView,
  community: Bytes,
): Draft[] =>
  acts.flatMap((act): Draft[] => {
    const judged = judgedById.get(act.id);
    if (!judged || typeof act.effect === 'string' || act.effect.kind !== 'community.propose') return [];
    const intent = parseIntent(act.effect.body.intent, community);
    if (!intent || !view.isMember(judged.person)) return [];
    const role = view.roleOf(intent.person);
    if (role === null || (intent.act === 'demote' && role === 'member')) return [];
    if (view.isIntentSpent(bytesToText(intent.bytes))) return [];
    const { reason } = act.effect.body;
    const atMs = hlcToMs(act.entry.event.header.hlc);
    const about = { proposal: act.id, act: intent.act, person: intent.person, intent: intent.bytes };
    return [{ ...about, by: judged.person, reason, atMs, source: act }];
  });

const newestOfEach = (drafts: readonly Draft[]): Draft[] => {
  const newestFirst = drafts.toSorted((a, b) => compareEntries(b.source.entry, a.source.entry));
  const seen = new Set<string>();
  const countByPerson = new Map<string, number>();
  return newestFirst
    .filter(({ by, act, person }) => {
      const about = `${by} ${act} ${person}`;
      const count = countByPerson.get(by) ?? 0;
      if (seen.has(about) || count >= limits.proposalsPerPersonMax) return false;
      seen.add(about);
      countByPerson.set(by, count + 1);
      return true;
    })
    .slice(0, limits.proposalsShownMax)
    .toReversed();
};

const readAgreements = (
  acts: readonly SettledAct[],
  { judgedById }: AuthorityOutcome,
  view: AuthorityView,
  wanted: ReadonlySet<string>,
): Map<string, { person: string; device: string; signature: Bytes }[]> => {
  const byProposal = new Map<string, { person: string; device: string; signature: Bytes }[]>();
  for (const act of acts) {
    const judged = judgedById.get(act.id);
    if (!judged || typeof act.effect === 'string' || act.effect.kind !== 'community.endorse') continue;
    const proposal = bytesToText(act.effect.body.proposal);
    if (!wanted.has(proposal) || view.isRevoked(act.author)) continue;
    if (!isAtLeast(view.roleOf(judged.person), 'trusted')) continue;
    const known = byProposal.get(proposal) ?? [];
    byProposal.set(proposal, known);
    if (known.some(({ person }) => person === judged.person)) continue;
    known.push({ person: judged.person, device: act.author, signature: act.effect.body.signature.slice() as Bytes });
  }
  return byProposal;
};
