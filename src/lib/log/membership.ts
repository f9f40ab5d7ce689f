import type { Hlc } from '../kernel/hlc.ts';
import type { Role } from '../kernel/bus/capability.ts';
import { bytesToText } from '../kernel/ids.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Witnesses } from './admissions.ts';
import { foldAuthority, type AuthorityOutcome } from './authority-fold.ts';
import { foldCheckpoints } from './checkpoints.ts';
import { compareEntries, type VoidReason } from './effect.ts';
import { authorityLane } from './event.ts';
import type { Entry } from './lanes.ts';
import { foldEpochs, foldSealedKeys } from './membership-epochs.ts';
import { headsOf } from './membership-heads.ts';
import { readFacts, readPeople } from './membership-people.ts';
import { foldProposals } from './membership-proposals.ts';
import type { DeviceState, Membership } from './membership-view.ts';
import { emptyActMemo, readActs, type Acts } from './past.ts';
import type { Ending } from './authority-case.ts';
import { placeOf, quorumFor } from './removal-judge.ts';

export type { Epoch, SealedKey } from './membership-epochs.ts';
export type { Bar, DeviceState, FormerMember, Membership, MemberView } from './membership-view.ts';
export type { OpenProposal } from './membership-proposals.ts';

export type MembershipLog = Pick<Witnesses, 'certificateOf'> &
  Partial<Witnesses> & {
    readonly community: Bytes;
    all(lane: number): Iterable<Entry>;
    frozenSince?(device: string): Hlc | null;
    isBelowPin?(author: string, lane: number, seq: number): boolean;
    isCollided?(author: string, lane: number): boolean;
  };

export const foldMembership = (log: MembershipLog): Membership => createMembershipFold(log)();

const nobody: ReadonlySet<string> = new Set();

/** Folds again and again as the log grows, without decoding a payload twice. Pure but for that memory. */
export const createMembershipFold = (log: MembershipLog): (() => Membership) => {
  const memo = emptyActMemo();
  const witnesses: Witnesses = {
    certificateOf: log.certificateOf,
    signersOf: (id) => log.signersOf?.(id) ?? nobody,
    isEndorsing: (id) => log.isEndorsing?.(id) ?? false,
    rootsOf: (id) => log.rootsOf?.(id) ?? nobody,
  };
  const frozenSince = (device: string): Hlc | null => log.frozenSince?.(device) ?? null;
  const isFrozen = ({ event: { author, header } }: Entry): boolean => {
    const since = frozenSince(author);
    return since !== null && header.hlc >= since && !log.isBelowPin?.(author, header.lane, header.seq);
  };
  const voidBefore = (entry: Entry): VoidReason | null => {
    if (log.isCollided?.(entry.event.author, authorityLane)) return 'client-collision';
    return isFrozen(entry) ? 'frozen' : null;
  };
  return () => {
    const entries = [...log.all(authorityLane)].filter(({ event }) => event.header.lane === authorityLane);
    const acts = readActs(entries, memo, voidBefore);
    const deps = { community: log.community, witnesses };
    return viewOf(acts, foldAuthority(acts.ordered, deps), deps, (device) => frozenSince(device) !== null);
  };
};

type ViewDeps = { readonly community: Bytes; readonly witnesses: Witnesses };

const viewOf = (
  acts: Acts,
  outcome: AuthorityOutcome,
  { community, witnesses }: ViewDeps,
  isFrozen: (device: string) => boolean,
): Membership => {
  const inOrder = acts.ordered.toSorted((a, b) => compareEntries(a.entry, b.entry));
  const view = outcome.index.at(outcome.past);
  const personOf = (device: string): string | null => view.namingOf(device)?.person ?? null;
  const stateOf = (device: string): DeviceState['state'] =>
    view.isRevoked(device) ? 'revoked' : isFrozen(device) ? 'frozen' : 'active';
  const roleOf = (device: string): Role | null => {
    const person = personOf(device);
    return person !== null && stateOf(device) === 'active' ? view.roleOf(person) : null;
  };
  const namedBy = (id: string): string | null => {
    const certificate = witnesses.certificateOf(id);
    return certificate ? bytesToText(certificate.device) : null;
  };
  const epochs = lazy(() => foldEpochs(acts.ordered, outcome));
  const sealedKeys = lazy(() => foldSealedKeys(inOrder, outcome, namedBy));
  const proposals = lazy(() => foldProposals(inOrder, outcome, view, community));
  const checkpoints = lazy(() => foldCheckpoints(inOrder, outcome, view));
  return {
    ...readFacts(inOrder, outcome, view),
    ...readPeople(inOrder, outcome, view, stateOf),
    roleOf,
    isMember: (device) => roleOf(device) !== null,
    personOf,
    barOf: (device, person) => {
      const exit = view.exitOf(personOf(device) ?? person) ?? view.exitOf(person);
      const state = stateOf(device);
      return exit ?? (state === 'active' ? null : state);
    },
    agreementKeyOf: (device) => view.namingOf(device)?.agreement ?? null,
    get epochs() {
      return epochs();
    },
    get sealedKeys() {
      return sealedKeys();
    },
    get proposals() {
      return proposals();
    },
    get checkpoints() {
      return checkpoints();
    },
    policy: { admit: view.admitPolicy() },
    servers: view.servers(),
    quorumOf: (person) => quorumFor(person, view),
    cutOf: (device, lane) => cutBy(outcome.standing, device, personOf(device), lane),
    voidById: voidsOf(acts, outcome),
    authorityHeads: headsOf(acts, personOf, (device) => roleOf(device) !== null),
  };
};

/** The smallest count that a standing removal, departure or revocation leaves of a place; nothing where it does not name it. */
const cutBy = (standing: readonly Ending[], device: string, person: string | null, lane: number): number | null => {
  const cutting = standing.filter((ending) =>
    ending.device === null ? ending.kind !== 'demote' && ending.person === person : ending.device === device,
  );
  if (cutting.length === 0) return null;
  return Math.min(...cutting.map(({ counts }) => counts.get(placeOf(device, lane)) ?? 0));
};

const voidsOf = ({ unsettled }: Acts, { voidById }: AuthorityOutcome): ReadonlyMap<string, VoidReason> => {
  const voids = new Map(voidById);
  for (const { id, effect } of unsettled) voids.set(id, typeof effect === 'string' ? effect : 'auth-missing');
  return voids;
};

const lazy = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
};
