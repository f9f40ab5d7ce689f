import { hlcToMs } from '../kernel/hlc.ts';
import { bytesToHex, bytesToText } from '../kernel/ids.ts';
import type { AuthorityOutcome } from './authority-fold.ts';
import { isAtLeast, type AuthorityView } from './authority-index.ts';
import { compareEntries } from './effect.ts';
import type { DeviceState, FormerMember, MemberView } from './membership-view.ts';
import type { SettledAct } from './past.ts';

type StateOf = (device: string) => DeviceState['state'];

/** Who is in, who was, and with which devices. */
export const readPeople = (
  inOrder: readonly SettledAct[],
  outcome: AuthorityOutcome,
  view: AuthorityView,
  stateOf: StateOf,
) => {
  const { index } = outcome;
  const names = readNames(inOrder, outcome, view);
  const devicesByPerson = new Map<string, DeviceState[]>();
  const namings = [...index.devices()].flatMap((device) => view.namingOf(device) ?? []);
  for (const { act, device, person } of namings.toSorted((a, b) => compareEntries(a.act.entry, b.act.entry))) {
    const devices = devicesByPerson.get(person) ?? [];
    devices.push({ device, state: stateOf(device), since: atMs(act) });
    devicesByPerson.set(person, devices);
  }
  const members = new Map<string, MemberView>();
  const former: FormerMember[] = [];
  const admissions = [...index.persons()].flatMap((person) => view.admissionOf(person) ?? []);
  for (const { act, person, by } of admissions.toSorted((a, b) => compareEntries(a.act.entry, b.act.entry))) {
    const name = names.get(person) ?? '';
    const role = view.roleOf(person);
    const devices = (devicesByPerson.get(person) ?? []).filter(({ state }) => state === 'active');
    if (role !== null)
      members.set(person, {
        person,
        name,
        role,
        devices: devices.map(({ device }) => device),
        invitedBy: by,
        since: atMs(act),
      });
    const how = view.exitOf(person);
    const exits = index.exitsOf(person).map((exit) => atMs(exit.act));
    if (how) former.push({ person, name, how, atMs: Math.min(...exits) });
  }
  const seniority = [...members.keys()].toSorted((a, b) => compareBySeniority(view, a, b));
  const places = new Map(seniority.map((person, place) => [person, place]));
  return {
    members,
    former,
    nameOf: (person: string): string | null => names.get(person) ?? null,
    devicesOf: (person: string): readonly DeviceState[] => devicesByPerson.get(person) ?? [],
    rankOf: (person: string): number => places.get(person) ?? members.size,
  };
};

/** The community's name, the invites that have been used (by each device of their inviter), and the tokens taken back. */
export const readFacts = (
  inOrder: readonly SettledAct[],
  { judgedById, index }: AuthorityOutcome,
  view: AuthorityView,
) => {
  const usedInvites = new Set<string>();
  const revokedTokens = new Map<string, string[]>();
  let communityName = '';
  const devicesOf = (person: string) =>
    [...index.devices()].filter((device) => view.namingOf(device)?.person === person);
  for (const act of inOrder) {
    const judged = judgedById.get(act.id);
    if (!judged || typeof act.effect === 'string') continue;
    const { kind, body } = act.effect;
    if (kind === 'community.genesis') communityName = body.name;
    if (kind === 'community.admit')
      for (const device of [act.author, ...devicesOf(judged.person)])
        usedInvites.add(`${device} ${bytesToHex(body.inviteHash)}`);
    if (kind === 'token.revoke') {
      const token = bytesToText(body.token);
      const isByTrusted = isAtLeast(index.at(act.past).roleOf(judged.person), 'trusted');
      revokedTokens.set(token, [...(revokedTokens.get(token) ?? []), judged.person, ...(isByTrusted ? [anybody] : [])]);
    }
  }
  return {
    communityName,
    usedInvites,
    isTokenRevoked: (hash: string, issuer?: string): boolean =>
      revokedTokens.get(hash)?.some((by) => by === anybody || by === issuer) ?? false,
  };
};

/** Stands for every issuer: a trusted person may take back whose token ever. */
const anybody = '*';

const readNames = (
  inOrder: readonly SettledAct[],
  { judgedById, index }: AuthorityOutcome,
  view: AuthorityView,
): ReadonlyMap<string, string> => {
  const names = new Map<string, string>();
  for (const person of index.persons()) names.set(person, view.admissionOf(person)?.name ?? '');
  for (const { id, effect } of inOrder) {
    const judged = judgedById.get(id);
    if (judged && typeof effect !== 'string' && effect.kind === 'person.profile')
      names.set(judged.person, effect.body.personName);
  }
  return names;
};

const compareBySeniority = (view: AuthorityView, a: string, b: string): number => {
  const [first, second] = [view.rankOf(a), view.rankOf(b)];
  return first.depth - second.depth || (a < b ? -1 : 1);
};

const atMs = (act: SettledAct): number => hlcToMs(act.entry.event.header.hlc);
