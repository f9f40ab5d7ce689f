import { bytesToText, concatBytes, textToBytes } from '../kernel/ids.ts';
import { decodeCbor, isCborBytes, isCborList, isCborMap } from '../kernel/codec.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { sha256Now } from '../crypto/sha256.ts';
import { readEffect, type AnyEffective, type VoidReason } from './effect.ts';
import type { Entry } from './lanes.ts';

/**
 * What an authority event knew: of each authority lane (numbered within one reading) how many leading events. Every such set
 * holds whole prefixes only, so a number a lane says all of it; a missing number is 0.
 */
export type Past = readonly number[];

/** One authority event as the fold sees it. `past` is null while something it rests on is not here. */
export type Act = {
  readonly entry: Entry;
  readonly id: string;
  readonly author: string;
  readonly lane: number;
  readonly seq: number;
  /** What it says, or why that cannot count whoever wrote it. */
  readonly effect: AnyEffective | VoidReason;
  readonly past: Past | null;
};
/** An act whose whole past is here. */
export type SettledAct = Act & { readonly past: Past };

export const knows = (past: Past, act: Pick<Act, 'lane' | 'seq'>): boolean => (past[act.lane] ?? 0) > act.seq;

/** What two sets know together. */
export const joinPasts = (into: number[], other: Past): void => {
  for (let lane = 0; lane < other.length; lane++) into[lane] = Math.max(into[lane] ?? 0, other[lane] ?? 0);
};

/** The authority lane, put into causal order. */
export type Acts = {
  /** Every act stands behind all that it knew. */
  readonly ordered: readonly SettledAct[];
  readonly unsettled: readonly Act[];
  readonly lanes: ReadonlyMap<string, AuthorityLane>;
};
export type AuthorityLane = {
  readonly number: number;
  readonly acts: readonly Act[];
  readonly digests: readonly Bytes[];
};

/** Payloads decoded and digests computed in earlier readings of the same log. */
export type ActMemo = {
  readonly effects: Map<string, { readonly circumstances: string; readonly effect: AnyEffective | VoidReason }>;
  readonly digests: Map<string, { readonly before: Bytes; readonly digest: Bytes; readonly text: string }>;
};
export const emptyActMemo = (): ActMemo => ({ effects: new Map(), digests: new Map() });

const noDigest = new Uint8Array(32);

type Draft = Omit<Act, 'past'> & { past: number[] | null; readonly heads: readonly string[] | null };
type DraftLane = { readonly number: number; readonly acts: Draft[]; readonly digests: Bytes[]; settled: number };

/** `voidBefore` names events that count for nothing whatever they say; they keep their place in what others knew. */
export const readActs = (
  entries: Iterable<Entry>,
  memo: ActMemo,
  voidBefore: (entry: Entry) => VoidReason | null,
): Acts => {
  const lanes = draftLanes(entries, memo, voidBefore);
  const placeByHead = new Map<string, { readonly lane: DraftLane; readonly count: number }>();
  for (const lane of lanes.values()) {
    for (const [at, act] of lane.acts.entries()) {
      const { text } = memo.digests.get(act.id) ?? { text: '' };
      placeByHead.set(text, { lane, count: at + 1 });
    }
  }
  const ordered: SettledAct[] = [];
  for (let hasMoved = true; hasMoved;) {
    hasMoved = false;
    for (const lane of lanes.values()) {
      for (let act = lane.acts[lane.settled]; act && settle(act, lane, placeByHead); act = lane.acts[lane.settled]) {
        lane.settled += 1;
        hasMoved = true;
        ordered.push(act as SettledAct);
      }
    }
  }
  return { ordered, unsettled: [...lanes.values()].flatMap(({ acts, settled }) => acts.slice(settled)), lanes };
};

const draftLanes = (
  entries: Iterable<Entry>,
  memo: ActMemo,
  voidBefore: (entry: Entry) => VoidReason | null,
): Map<string, DraftLane> => {
  const byAuthor = new Map<string, Entry[]>();
  for (const entry of entries) {
    const known = byAuthor.get(entry.event.author);
    if (known) known.push(entry);
    else byAuthor.set(entry.event.author, [entry]);
  }
  const lanes = new Map<string, DraftLane>();
  for (const [author, own] of [...byAuthor].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const lane: DraftLane = { number: lanes.size, acts: [], digests: [], settled: 0 };
    let digest: Bytes = noDigest;
    let before: Entry | undefined;
    for (const entry of own.toSorted((a, b) => a.event.header.seq - b.event.header.seq)) {
      const { id } = entry.event;
      digest = digestAfter(memo, digest, id);
      lane.digests.push(digest);
      const effect = effectOf(memo, entry, before);
      lane.acts.push({
        entry,
        id,
        author,
        lane: lane.number,
        seq: lane.acts.length,
        effect: typeof effect === 'string' ? effect : (voidBefore(entry) ?? effect),
        past: null,
        heads: headsOf(entry, effect),
      });
      before = entry;
    }
    lanes.set(author, lane);
  }
  return lanes;
};

/** Works out what an act knew, if all of that is here and known itself. */
const settle = (
  act: Draft,
  lane: DraftLane,
  placeByHead: ReadonlyMap<string, { readonly lane: DraftLane; readonly count: number }>,
): boolean => {
  if (act.heads === null) return false;
  const past = [...(lane.acts[act.seq - 1]?.past ?? [])];
  past[lane.number] = act.seq;
  for (const head of act.heads) {
    const place = placeByHead.get(head);
    if (!place || place.lane.settled < place.count) return false;
    joinPasts(past, place.lane.acts[place.count - 1]?.past ?? []);
    past[place.lane.number] = Math.max(past[place.lane.number] ?? 0, place.count);
  }
  // Holes would make two equal pasts look different.
  for (let at = 0; at < past.length; at++) past[at] ??= 0;
  act.past = past;
  return true;
};

const digestAfter = (memo: ActMemo, before: Bytes, id: string): Bytes => {
  const known = memo.digests.get(id);
  if (known && known.before === before) return known.digest;
  const digest = sha256Now(concatBytes(before, textToBytes(id) ?? new Uint8Array(32)));
  memo.digests.set(id, { before, digest, text: bytesToText(digest) });
  return digest;
};

const effectOf = (memo: ActMemo, entry: Entry, before: Entry | undefined): AnyEffective | VoidReason => {
  const circumstances = `${before?.event.id ?? ''} ${entry.payload !== null}`;
  const known = memo.effects.get(entry.event.id);
  if (known?.circumstances === circumstances) return known.effect;
  const effect = readEffect(entry, before);
  memo.effects.set(entry.event.id, { circumstances, effect });
  return effect;
};

/**
 * The heads an event names, also where this build cannot read the rest of it; null while its payload is missing, because
 * nobody can say then what it knew. What has no readable list knew its own lane only.
 */
const headsOf = (entry: Entry, effect: AnyEffective | VoidReason): readonly string[] | null => {
  if (typeof effect !== 'string') return 'auth' in effect.body ? effect.body.auth.map(bytesToText) : [];
  if (!entry.payload) return null;
  const decoded = decodeCbor(entry.payload.subarray(limits.payloadSaltBytes));
  const auth = decoded.ok && isCborMap(decoded.value) ? decoded.value['auth'] : undefined;
  if (!isCborList(auth) || auth.length > limits.authorityHeadsMax) return [];
  return auth.flatMap((head) => (isCborBytes(head, 32) ? [bytesToText(head)] : []));
};
