import type { Certificate } from '../crypto/certificate.ts';
import { hlcToMs } from '../kernel/hlc.ts';
import type { Role } from '../kernel/capability.ts';
import { bytesToHex, bytesToText, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { authorityLane, isGenesisHeader } from './event.ts';
import { compareEntries, readEffect, type VoidReason } from './effect.ts';
import type { EventLog } from './event-log.ts';
import type { Entry } from './lanes.ts';

export type MemberView = {
  readonly person: string;
  name: string;
  readonly role: Role;
  readonly devices: string[];
  readonly invitedBy: string | null;
  /** Milliseconds since 1970, by the clock of who admitted. */
  readonly since: number;
};

/** An epoch of the community key, as its founder has written it; the newest (hlc, then id) is the current one. */
export type Epoch = { readonly epoch: string; readonly check: Bytes; readonly hlc: number; readonly eventId: string };
/** The key of an epoch, sealed to one device by whoever let it in. Believed only when it fits the epoch's check. */
export type SealedKey = { readonly device: string; readonly epoch: string; readonly sealedKey: Bytes };

/** What the authority lane says, the same on every node for every order of arrival. */
export type Membership = {
  readonly communityName: string;
  readonly members: ReadonlyMap<string, MemberView>;
  roleOf(device: string): Role | null;
  personOf(device: string): string | null;
  agreementKeyOf(device: string): Bytes | null;
  readonly usedInvites: ReadonlySet<string>;
  /** Oldest first. */
  readonly epochs: readonly Epoch[];
  readonly sealedKeys: readonly SealedKey[];
  readonly voidById: ReadonlyMap<string, VoidReason>;
  /** Ids of the newest authority events known here, at most 8: what a new authority event names as its past. */
  readonly authorityHeads: readonly Bytes[];
};

/**
 * Folds lane 0. Admissions form a tree from the genesis, so the fold goes on until nothing new takes effect: the result
 * does not depend on the order in which anything arrived, and no clock takes part. Of two admissions by one invite the
 * first in its author's sequence counts. (Removal, roles and cuts join here with "Truth".)
 */
export const foldMembership = (log: Pick<EventLog, 'all' | 'certificateOf'>): Membership => {
  const entries = [...log.all(authorityLane)]
    .filter(({ event }) => event.header.lane === authorityLane)
    .toSorted(compareEntries);
  const fold = emptyFold();
  let pending: readonly Entry[] = entries;
  for (;;) {
    const left = pending.filter((entry) => !applyEntry(fold, entry, entries, log));
    if (left.length === pending.length) break;
    pending = left;
  }
  for (const { event } of pending) if (!fold.voidById.has(event.id)) fold.voidById.set(event.id, 'author-not-member');
  return {
    communityName: fold.communityName,
    members: fold.members,
    roleOf: (device) => fold.members.get(fold.personByDevice.get(device) ?? '')?.role ?? null,
    personOf: (device) => fold.personByDevice.get(device) ?? null,
    agreementKeyOf: (device) => fold.agreementByDevice.get(device) ?? null,
    usedInvites: fold.usedInvites,
    epochs: fold.epochs.toSorted((a, b) => a.hlc - b.hlc || (a.eventId < b.eventId ? -1 : 1)),
    sealedKeys: fold.sealedKeys,
    voidById: fold.voidById,
    authorityHeads: newestHeads(entries),
  };
};

const emptyFold = () => ({
  communityName: '',
  members: new Map<string, MemberView>(),
  personByDevice: new Map<string, string>(),
  agreementByDevice: new Map<string, Bytes>(),
  usedInvites: new Set<string>(),
  epochs: [] as Epoch[],
  sealedKeys: [] as SealedKey[],
  voidById: new Map<string, VoidReason>(),
});
type Fold = ReturnType<typeof emptyFold>;

/** True when the entry is settled: it took effect, or it is void whatever else may be folded. */
const applyEntry = (
  fold: Fold,
  entry: Entry,
  entries: readonly Entry[],
  log: Pick<EventLog, 'certificateOf'>,
): boolean => {
  const { event } = entry;
  const settleVoid = (reason: VoidReason): true => {
    fold.voidById.set(event.id, reason);
    return true;
  };
  const before = entries.find(
    (each) => each.event.author === event.author && each.event.header.seq === event.header.seq - 1,
  );
  const effect = readEffect(entry, before);
  if (typeof effect === 'string') return settleVoid(effect);
  if (effect.kind === 'community.genesis') {
    if (!isGenesisHeader(event.header)) return settleVoid('genesis-misplaced');
    const certificate = log.certificateOf(event.id);
    if (!certificate || bytesToText(certificate.device) !== event.author) return settleVoid('certificate');
    fold.communityName = effect.body.name;
    addMember(fold, entry, certificate, effect.body.personName, 'anchor', null);
    return true;
  }
  const author = fold.personByDevice.get(event.author);
  if (author === undefined) return false;
  if (effect.kind === 'community.admit') {
    const certificate = log.certificateOf(event.id);
    if (!certificate) return settleVoid('certificate');
    const invite = `${event.author} ${bytesToHex(effect.body.inviteHash)}`;
    if (fold.usedInvites.has(invite)) return settleVoid('invite-used');
    fold.usedInvites.add(invite);
    const { epoch, sealedKey, personName } = effect.body;
    addMember(fold, entry, certificate, personName, 'member', author);
    fold.sealedKeys.push({
      device: bytesToText(certificate.device),
      epoch: bytesToText(epoch),
      sealedKey: sealedKey as Bytes,
    });
    return true;
  }
  if (effect.kind === 'community.key') {
    // Only the founder opens an epoch; otherwise any member could draw the others to a meeting place of their own.
    if (fold.members.get(author)?.role !== 'anchor') return settleVoid('role');
    const epoch = bytesToText(effect.body.epoch);
    fold.epochs.push({ epoch, check: effect.body.check as Bytes, hlc: event.header.hlc, eventId: event.id });
    for (const { device, sealedKey } of effect.body.sealed) {
      fold.sealedKeys.push({ device: bytesToText(device), epoch, sealedKey: sealedKey as Bytes });
    }
    return true;
  }
  const member = fold.members.get(author);
  if (effect.kind === 'person.profile' && member) member.name = effect.body.personName;
  return true;
};

/** A person admitted twice stays one member; the further device is theirs too. */
const addMember = (
  fold: Fold,
  { event }: Entry,
  certificate: Certificate,
  name: string,
  role: Role,
  invitedBy: string | null,
): void => {
  const person = bytesToText(certificate.root);
  const device = bytesToText(certificate.device);
  const known = fold.members.get(person);
  if (known) {
    if (!known.devices.includes(device)) known.devices.push(device);
  } else {
    fold.members.set(person, { person, name, role, devices: [device], invitedBy, since: hlcToMs(event.header.hlc) });
  }
  fold.personByDevice.set(device, fold.personByDevice.get(device) ?? person);
  fold.agreementByDevice.set(device, fold.agreementByDevice.get(device) ?? certificate.agreement);
};

const newestHeads = (entries: readonly Entry[]): Bytes[] => {
  const newestByAuthor = new Map(entries.map((entry) => [entry.event.author, entry]));
  return [...newestByAuthor.values()]
    .toSorted((a, b) => compareEntries(b, a))
    .slice(0, limits.authorityHeadsMax)
    .flatMap(({ event }) => textToBytes(event.id) ?? []);
};
