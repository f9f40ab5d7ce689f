import { hlcMonth } from '../kernel/hlc.ts';
import { refuseCheckpoint } from './checkpoint.ts';
import { authorityLane, monthLane } from './event.ts';
import type { Entry } from './lanes.ts';
import { kindName, kinds, parsePayload, type KindName, type Payload } from './kinds.ts';

/**
 * Why a stored event has no effect, and what would heal it. It stays stored and may come into effect when what it lacked
 * arrives; what was judged at the events its author named ("at its past") stays as it was judged, whatever comes later.
 */
export const voidReasons = {
  'kind-unknown': 'a build that knows the kind',
  'kind-lane': 'nothing: the kind belongs into another lane',
  'hlc-order': 'nothing: its time is not after that of the event before it',
  'hlc-month': 'nothing: its time is not in the month of its lane',
  'payload-missing': 'the payload, from whoever holds it',
  'payload-too-large': 'nothing',
  'payload-malformed': 'nothing',
  'payload-schema': 'a build whose schema takes it',
  'author-not-member': 'an admission of its author in its past, or the return of one',
  'auth-missing': 'the events its author named and we do not hold',
  certificate: 'nothing: the certificate, or whose it is, is wrong',
  'device-claimed': 'nothing: the device belongs to somebody else',
  'invite-used': 'nothing: another invite',
  role: 'nothing: its author had not the role, or lost it to an act that did not know of this one',
  policy: 'nothing: not everybody may let people in',
  quorum: 'more signatures of trusted people, in a new event',
  signature: 'nothing: the signature is not good for this',
  intent: 'nothing: what was signed is not this act, or of another neighbourhood',
  'target-unknown': 'nothing: who is meant was no member at its past',
  already: 'nothing: it was so before',
  'last-anchor': 'another anchor, then a new event',
  'key-check': 'nothing: the epoch has another key',
  'proposal-unknown': 'a new event that names the proposal in its past',
  'checkpoint-root': 'nothing: its root is not that of its places',
  'checkpoint-open': 'nothing: the month was not over by its own time; a new event later',
  removed: 'the fall of the removal that does not count it',
  left: 'nothing: its author has left',
  revoked: 'nothing: its device was given up',
  frozen: 'a pin by another person that names it',
  'client-collision': 'nothing: another device with the same document number goes first',
  overruled: 'the fall of the act that took its signer out',
  'genesis-misplaced': 'nothing',
  quota: 'nothing: its author had said enough that day',
  expired: 'nothing: its time is over',
  'target-missing': 'the event it names',
  'target-kind': 'nothing: what it names is no message',
  'target-foreign': 'the role of a trusted person, or nothing: what it names is not its own',
} as const;
export type VoidReason = keyof typeof voidReasons;

export type Effective<K extends KindName> = { readonly kind: K; readonly body: Payload<K> };
export type AnyEffective = { [K in KindName]: Effective<K> }[KindName];

/**
 * The part of the effect rules that needs only the event and the one before it in its lane: known kind in its own lane,
 * time moving forward and inside the lane's month, payload present and fitting its schema. Pure; no clock takes part.
 */
export const readEffect = (entry: Entry, before: Entry | undefined): AnyEffective | VoidReason => {
  const { header } = entry.event;
  const kind = kindName(header.kind);
  if (kind === undefined) return 'kind-unknown';
  if ((kinds[kind].lane === 'authority') !== (header.lane === authorityLane)) return 'kind-lane';
  if (before && header.hlc <= before.event.header.hlc) return 'hlc-order';
  if (header.lane !== authorityLane && header.lane !== monthLane(hlcMonth(header.hlc))) return 'hlc-month';
  if (!entry.payload) return 'payload-missing';
  const body = parsePayload(kind, entry.payload);
  if (!body.ok) return body.error;
  const effect = { kind, body: body.value } as AnyEffective;
  return (effect.kind === 'community.checkpoint' ? refuseCheckpoint(effect.body, header.hlc) : null) ?? effect;
};

export type ReadEffect = typeof readEffect;

/** Order of every view: (hlc, author, lane, seq), the same on every node. */
export const compareEntries = (a: Entry, b: Entry): number =>
  a.event.header.hlc - b.event.header.hlc ||
  (a.event.author < b.event.author ? -1 : a.event.author > b.event.author ? 1 : 0) ||
  a.event.header.lane - b.event.header.lane ||
  a.event.header.seq - b.event.header.seq;
