import type { Role } from '../kernel/bus/capability.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { compareEntries } from './effect.ts';
import { knows, type Past, type SettledAct } from './past.ts';

export type Exit = 'removed' | 'left';
export type Naming = {
  readonly act: SettledAct;
  readonly device: string;
  readonly person: string;
  readonly agreement: Bytes;
};
export type Admission = {
  readonly act: SettledAct;
  readonly person: string;
  readonly by: string | null;
  /** How many admissions lie between this person and the founder: what seniority is. */
  readonly depth: number;
  readonly name: string;
};
type About<T> = { readonly act: SettledAct } & T;

const rankByRole: Record<Role, number> = { member: 1, trusted: 2, anchor: 3 };
export const isAtLeast = (role: Role | null, needed: Role): boolean =>
  role !== null && rankByRole[role] >= rankByRole[needed];

/** Seniority: fewer admissions from the founder first, then the smaller id. */
export type Rank = { readonly depth: number; readonly person: string };
export const compareRanks = (a: Rank, b: Rank): number =>
  a.depth - b.depth || (a.person < b.person ? -1 : a.person > b.person ? 1 : 0);

/**
 * What took effect, by person and device, asked for as of any past: an entry counts where that past knows its act. So one index
 * answers for every act of a history, and nothing in it depends on the order in which it was filled.
 */
export const createAuthorityIndex = () => {
  const namings = new Map<string, Naming[]>();
  const admissions = new Map<string, Admission[]>();
  const grants = new Map<string, About<{ readonly role: Role }>[]>();
  const demotions = new Map<string, About<object>[]>();
  const exits = new Map<string, About<{ readonly how: Exit }>[]>();
  const revocations = new Map<string, About<object>[]>();
  const invites = new Map<string, About<object>[]>();
  const intents = new Map<string, About<object>[]>();
  const policies: About<{ readonly admit: Role }>[] = [];
  const serverLists: About<{ readonly urls: readonly string[] }>[] = [];
  const checks = new Map<string, About<{ readonly check: string }>[]>();
  const proposals = new Map<string, About<{ readonly intent: Uint8Array }>[]>();
  const add = <T>(lists: Map<string, T[]>, key: string, item: T): void => {
    const list = lists.get(key);
    if (list) list.push(item);
    else lists.set(key, [item]);
  };

  /** The same facts as they stood for whoever knew `past`. */
  const at = (past: Past) => {
    const known = <T extends { readonly act: SettledAct }>(list: readonly T[] | undefined): readonly T[] =>
      list?.filter(({ act }) => knows(past, act)) ?? [];
    const first = <T extends { readonly act: SettledAct }>(list: readonly T[]): T | null =>
      list.reduce<T | null>((a, b) => (a && compareEntries(a.act.entry, b.act.entry) <= 0 ? a : b), null);

    const namingOf = (device: string): Naming | null => first(known(namings.get(device)));
    const exitOf = (person: string): Exit | null => {
      const all = known(exits.get(person));
      return all.find(({ how }) => how === 'removed')?.how ?? all[0]?.how ?? null;
    };
    const isMember = (person: string): boolean =>
      known(admissions.get(person)).length > 0 && known(exits.get(person)).length === 0;
    const isRevoked = (device: string): boolean => known(revocations.get(device)).length > 0;
    /** The highest role somebody was given by an act that knew of every act that took trust from them. */
    const roleOf = (person: string): Role | null => {
      if (!isMember(person)) return null;
      const losses = known(demotions.get(person));
      const standing = known(grants.get(person)).filter(({ act }) => losses.every((loss) => knows(act.past, loss.act)));
      return standing.reduce<Role>((best, { role }) => (isAtLeast(role, best) ? role : best), 'member');
    };
    const admissionOf = (person: string): Admission | null => {
      const all = known(admissions.get(person));
      const depth = Math.min(...all.map((each) => each.depth));
      return first(all.filter((each) => each.depth === depth));
    };
    /** Persons of at least this role. */
    const withRole = (needed: Role): string[] =>
      [...(needed === 'member' ? admissions : grants).keys()].filter((person) => isAtLeast(roleOf(person), needed));
    /** What anchors decided last; of decisions that did not know of each other the strictest holds. */
    const admitPolicy = (): Role => {
      const all = known(policies);
      const last = all.filter(({ act }) => !all.some((other) => knows(other.act.past, act)));
      return last.reduce<Role>((strictest, { admit }) => (isAtLeast(admit, strictest) ? admit : strictest), 'member');
    };
    /** What was said last; of lists that did not know of each other all are kept, the older one's addresses first. */
    const servers = (): string[] => {
      const all = known(serverLists);
      const last = all.filter(({ act }) => !all.some((other) => knows(other.act.past, act)));
      const inOrder = last.toSorted((a, b) => compareEntries(a.act.entry, b.act.entry));
      return [...new Set(inOrder.flatMap(({ urls }) => urls))].slice(0, limits.serversInLogMax);
    };
    return {
      namingOf,
      exitOf,
      isMember,
      isRevoked,
      roleOf,
      withRole,
      admitPolicy,
      servers,
      admissionOf,
      rankOf: (person: string): Rank => ({ depth: admissionOf(person)?.depth ?? Infinity, person }),
      isInviteUsed: (person: string, hash: string): boolean => known(invites.get(`${person} ${hash}`)).length > 0,
      isIntentSpent: (intent: string): boolean => known(intents.get(intent)).length > 0,
      hasOtherCheck: (epoch: string, check: string): boolean =>
        known(checks.get(epoch)).some((each) => each.check !== check),
      proposalOf: (id: string): Uint8Array | null => known(proposals.get(id))[0]?.intent ?? null,
    };
  };

  return {
    at,
    noteNaming: (naming: Naming): void => add(namings, naming.device, naming),
    noteAdmission: (admission: Admission): void => add(admissions, admission.person, admission),
    noteGrant: (act: SettledAct, person: string, role: Role): void => add(grants, person, { act, role }),
    noteDemotion: (act: SettledAct, person: string): void => add(demotions, person, { act }),
    noteExit: (act: SettledAct, person: string, how: Exit): void => add(exits, person, { act, how }),
    noteRevocation: (act: SettledAct, device: string): void => add(revocations, device, { act }),
    noteInvite: (act: SettledAct, person: string, hash: string): void => add(invites, `${person} ${hash}`, { act }),
    noteIntent: (act: SettledAct, intent: string): void => add(intents, intent, { act }),
    notePolicy: (act: SettledAct, admit: Role): void => void policies.push({ act, admit }),
    noteServers: (act: SettledAct, urls: readonly string[]): void => void serverLists.push({ act, urls }),
    noteCheck: (act: SettledAct, epoch: string, check: string): void => add(checks, epoch, { act, check }),
    noteProposal: (act: SettledAct, intent: Uint8Array): void => add(proposals, act.id, { act, intent }),
    devices: (): IterableIterator<string> => namings.keys(),
    persons: (): IterableIterator<string> => admissions.keys(),
    exitsOf: (person: string) => exits.get(person) ?? [],
    revocationsOf: (device: string) => revocations.get(device) ?? [],
  };
};
export type AuthorityIndex = ReturnType<typeof createAuthorityIndex>;
export type AuthorityView = ReturnType<AuthorityIndex['at']>;
