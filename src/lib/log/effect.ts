import { hlcMonth } from '../kernel/hlc.ts';
import { authorityLane, monthLane } from './event.ts';
import type { Entry } from './lanes.ts';
import { kindName, kinds, parsePayload, type KindName, type Payload } from './kinds.ts';

/** Why a stored event has no effect. It stays stored and may come into effect when what it lacked arrives. */
export type VoidReason =
  | 'kind-unknown'
  | 'kind-lane'
  | 'hlc-order'
  | 'hlc-month'
  | 'payload-missing'
  | 'payload-too-large'
  | 'payload-malformed'
  | 'payload-schema'
  | 'author-not-member'
  | 'certificate'
  | 'invite-used'
  | 'role'
  | 'genesis-misplaced';

export type Effective<K extends KindName> = { readonly kind: K; readonly body: Payload<K> };

/**
 * The part of the effect rules that needs only the event and the one before it in its lane: known kind in its own lane,
 * time moving forward and inside the lane's month, payload present and fitting its schema. Pure; no clock takes part.
 */
export const readEffect = (
  entry: Entry,
  before: Entry | undefined,
): { [K in KindName]: Effective<K> }[KindName] | VoidReason => {
  const { header } = entry.event;
  const kind = kindName(header.kind);
  if (kind === undefined) return 'kind-unknown';
  if ((kinds[kind].lane === 'authority') !== (header.lane === authorityLane)) return 'kind-lane';
  if (before && header.hlc <= before.event.header.hlc) return 'hlc-order';
  if (header.lane !== authorityLane && header.lane !== monthLane(hlcMonth(header.hlc))) return 'hlc-month';
  if (!entry.payload) return 'payload-missing';
  const body = parsePayload(kind, entry.payload);
  return body.ok ? ({ kind, body: body.value } as { [K in KindName]: Effective<K> }[KindName]) : body.error;
};

export type ReadEffect = typeof readEffect;

/** Order of every view: (hlc, author, lane, seq), the same on every node. */
export const compareEntries = (a: Entry, b: Entry): number =>
  a.event.header.hlc - b.event.header.hlc ||
  (a.event.author < b.event.author ? -1 : a.event.author > b.event.author ? 1 : 0) ||
  a.event.header.lane - b.event.header.lane ||
  a.event.header.seq - b.event.header.seq;
