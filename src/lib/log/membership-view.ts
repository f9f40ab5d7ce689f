import type { Role } from '../kernel/bus/capability.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Exit } from './authority-index.ts';
import type { Checkpoint } from './checkpoints.ts';
import type { VoidReason } from './effect.ts';
import type { Epoch, SealedKey } from './membership-epochs.ts';
import type { OpenProposal } from './membership-proposals.ts';

export type MemberView = {
  readonly person: string;
  readonly name: string;
  readonly role: Role;
  /** Devices in use: not given up, not frozen. */
  readonly devices: readonly string[];
  readonly invitedBy: string | null;
  /** Milliseconds since 1970, by the clock of who admitted. */
  readonly since: number;
};

/** Somebody who was here; `atMs` by the clock of who wrote it. */
export type FormerMember = {
  readonly person: string;
  readonly name: string;
  readonly how: Exit;
  readonly atMs: number;
};
export type Bar = Exit | 'revoked' | 'frozen';
export type DeviceState = {
  readonly device: string;
  readonly state: 'active' | 'frozen' | 'revoked';
  /** When it was let in, by the clock of who did. */
  readonly since: number;
};

/** What the authority lane says, the same on every node for every order of arrival. */
export type Membership = {
  readonly communityName: string;
  readonly members: ReadonlyMap<string, MemberView>;
  readonly former: readonly FormerMember[];
  /** null for whoever is not in: strangers, former members, and devices that were given up or are frozen. */
  roleOf(device: string): Role | null;
  isMember(device: string): boolean;
  /** Why a device may not be a neighbour: it or its person is out for good. null for whoever is in, and for strangers. */
  barOf(device: string, person: string): Bar | null;
  /** Whose device it is, also after they or the device have gone. */
  personOf(device: string): string | null;
  nameOf(person: string): string | null;
  devicesOf(person: string): readonly DeviceState[];
  agreementKeyOf(device: string): Bytes | null;
  readonly usedInvites: ReadonlySet<string>;
  /** The current one last. */
  readonly epochs: readonly Epoch[];
  readonly sealedKeys: readonly SealedKey[];
  readonly proposals: readonly OpenProposal[];
  /** What trusted people say closed months came to. */
  readonly checkpoints: readonly Checkpoint[];
  readonly policy: { readonly admit: Role };
  /** Servers the neighbourhood meets at, as trusted people say, in order of preference. */
  readonly servers: readonly string[];
  /** How many agreements an act against this person takes now. */
  quorumOf(person: string): number;
  /** Events of this place with seq >= this are void; null where nothing was cut. */
  cutOf(device: string, lane: number): number | null;
  /** `issuer` is the person who gave the token: they may take back their own, trusted people anybody's. */
  isTokenRevoked(hash: string, issuer?: string): boolean;
  /** Place in the order of seniority, 0 for the most senior; behind everybody for who is not in. */
  rankOf(person: string): number;
  readonly voidById: ReadonlyMap<string, VoidReason>;
  /** Prefix digests of what is known here and nothing else known builds upon, at most 8: what a new authority event names as its past. */
  readonly authorityHeads: readonly Bytes[];
};
