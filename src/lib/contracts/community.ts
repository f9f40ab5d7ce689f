import {
  array,
  boolean,
  maxLength,
  minLength,
  nullable,
  object,
  optional,
  picklist,
  pipe,
  string,
  trim,
  type InferOutput,
} from 'valibot';
import { limits } from '../kernel/limits.ts';
import { define, noDeadline } from './define.ts';
import { bytes16Id, bytes32Id, communityName, count, personName } from './fields.ts';

/** Starts a new neighbourhood: makes the genesis, the first community key and the founder's place in it. */
export const communityFound = define({
  name: 'community.found',
  input: object({ name: personName, communityName }),
  output: object({ community: bytes16Id }),
  policy: 'self',
  idempotent: false,
});

/** Joins by an invite (the text after `#join=`, or a whole link). Answers as soon as the invite is accepted as readable; admission comes later. */
export const communityJoin = define({
  name: 'community.join',
  input: object({ invite: pipe(string(), minLength(1), maxLength(2_000)), name: personName }),
  output: object({ community: bytes16Id }),
  policy: 'self',
  idempotent: false,
});

/** Leaves the waiting room of an invite that was not answered; a member does not leave by this. */
export const communityCancelJoin = define({
  name: 'community.cancelJoin',
  input: object({}),
  output: object({}),
  policy: 'self',
  idempotent: false,
});

/** A new single-use invite. `code` goes after `#join=` in the link. */
export const communityInvite = define({
  name: 'community.invite',
  input: object({ onPaper: boolean() }),
  output: object({ code: string(), expiresAt: count }),
  policy: 'self',
  idempotent: false,
});

/** The inviter's tap: lets the waiting person in, or turns them away. */
export const communityAdmit = define({
  name: 'community.admit',
  input: object({ request: bytes32Id, accept: boolean() }),
  output: object({}),
  policy: 'self',
  idempotent: false,
});

export const role = picklist(['member', 'trusted', 'anchor']);
const member = object({
  person: bytes32Id,
  name: string(),
  role,
  devices: array(bytes32Id),
  /** Those of the devices that showed two different histories; nothing new of them counts. Absent: none. */
  frozenDevices: optional(array(bytes32Id)),
  isSelf: boolean(),
  invitedBy: nullable(bytes32Id),
  since: count,
});
export type Member = InferOutput<typeof member>;

/** Somebody at the door: the same six emoji are on both screens. `request` is their device. */
const waiting = object({
  request: bytes32Id,
  person: bytes32Id,
  name: string(),
  emoji: array(string()),
  since: count,
  /** Somebody who is in already, with a further device (restored from a card, say): letting in adds the device to them. */
  isKnownPerson: boolean(),
});
export type Waiting = InferOutput<typeof waiting>;

/** Somebody who was here. `at` is milliseconds since 1970, by the clock of who wrote it. */
const former = object({ person: bytes32Id, name: string(), how: picklist(['left', 'removed']), at: count });
export type Former = InferOutput<typeof former>;

/** What several trusted people must agree on: taking somebody's trust back, or removing them. `needed` counts all agreements. */
const proposal = object({
  proposal: bytes32Id,
  act: picklist(['demote', 'remove']),
  person: bytes32Id,
  by: bytes32Id,
  reason: string(),
  at: count,
  agreedBy: array(bytes32Id),
  needed: count,
  /** This person may agree and has not yet. */
  mayAgree: boolean(),
});
export type Proposal = InferOutput<typeof proposal>;

const members = object({
  members: array(member),
  former: array(former),
  proposals: array(proposal),
  /** Who may let newcomers in. */
  policy: object({ admit: role }),
  /** Servers the neighbourhood meets at. */
  servers: array(string()),
  /** How many agreements a removal takes at the moment; 0 when this person may not ask for one. */
  agreementsNeeded: count,
  waiting: array(waiting),
  invites: array(object({ code: string(), expiresAt: count })),
  /** The six emoji this device shows while it waits at somebody's door. */
  ownEmoji: array(string()),
});
export type Members = InferOutput<typeof members>;

/** Trusts a member (a trusted person or an anchor may), or makes somebody an anchor (only an anchor may). */
export const communityPromote = define({
  name: 'community.promote',
  input: object({ person: bytes32Id, role: picklist(['trusted', 'anchor']) }),
  output: object({}),
  policy: 'self',
  idempotent: false,
});

/** Asks for somebody's trust to be taken back, or for their removal. `done`: nobody else's agreement was needed. */
export const communityPropose = define({
  name: 'community.propose',
  input: object({
    act: picklist(['demote', 'remove']),
    person: bytes32Id,
    reason: pipe(string(), trim(), maxLength(limits.reasonCharsMax)),
  }),
  output: object({ proposal: bytes32Id, done: boolean() }),
  policy: 'self',
  idempotent: false,
});

/** Agrees to a proposal. `done`: it was the last agreement needed and the act is written. */
export const communityAgree = define({
  name: 'community.agree',
  input: object({ proposal: bytes32Id }),
  output: object({ done: boolean() }),
  policy: 'self',
  idempotent: false,
});

/** Leaves the neighbourhood for good, with all of one's devices. What was said stays. */
export const communityLeave = define({
  name: 'community.leave',
  input: object({}),
  output: object({}),
  policy: 'self',
  idempotent: false,
});

/** An anchor decides who may let newcomers in. */
export const communitySetPolicy = define({
  name: 'community.setPolicy',
  input: object({ admit: role }),
  output: object({}),
  policy: 'self',
  idempotent: false,
});

/** A trusted person says at which servers the neighbourhood meets, in order of preference; devices go there without a new invite. */
export const communitySetServers = define({
  name: 'community.setServers',
  input: object({
    urls: pipe(array(pipe(string(), maxLength(limits.serverAddressCharsMax))), maxLength(limits.serversInLogMax)),
  }),
  output: object({}),
  policy: 'self',
  idempotent: false,
});

export const communityMembers = define({
  name: 'community.members',
  input: object({}),
  output: members,
  item: members,
  policy: 'self',
  timeoutMs: noDeadline,
});
