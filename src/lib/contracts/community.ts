import {
  array,
  boolean,
  maxLength,
  minLength,
  nullable,
  object,
  picklist,
  pipe,
  string,
  type InferOutput,
} from 'valibot';
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

const member = object({
  person: bytes32Id,
  name: string(),
  role: picklist(['member', 'trusted', 'anchor']),
  devices: array(bytes32Id),
  isSelf: boolean(),
  invitedBy: nullable(bytes32Id),
  since: count,
});
export type Member = InferOutput<typeof member>;

/** Somebody at the door: the same six emoji are on both screens. `request` is their device. */
const waiting = object({ request: bytes32Id, person: bytes32Id, name: string(), emoji: array(string()), since: count });
export type Waiting = InferOutput<typeof waiting>;

const members = object({
  members: array(member),
  waiting: array(waiting),
  invites: array(object({ code: string(), expiresAt: count })),
  /** The six emoji this device shows while it waits at somebody's door. */
  ownEmoji: array(string()),
});
export type Members = InferOutput<typeof members>;

export const communityMembers = define({
  name: 'community.members',
  input: object({}),
  output: members,
  item: members,
  policy: 'self',
  timeoutMs: noDeadline,
});
