import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Hlc } from '../kernel/hlc.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Commit, Store, Truncation } from '../kernel/ports/store.ts';
import { authorityLane, isGenesisHeader, type Event } from './event.ts';
import { compareProofs, frozenFrom, makeProof, verifyProof, type Fork, type Proof } from './fork.ts';
import { resolveForks, type Naming, type Resolution, type Strand, type Variant } from './fork-resolution.ts';
import { nextDigest, type Entry } from './lane.ts';
import type { Lanes } from './lanes.ts';
import { createNamings } from './naming.ts';
import { createTwins } from './twins.ts';
import type { WaitingRoom } from './waiting-room.ts';

const keyPrefix = 'fork/';
const keyOf = ({ device, lane, seq }: Proof): string => `${keyPrefix}${device}/${lane}/${seq}`;
const placeOf = ({ device, lane }: Proof): string => `${device} ${lane}`;

/** What has to change so that the log holds what the proofs leave standing: one commit, and what to remember after it. */
export type Settlement = {
  readonly truncate: readonly Truncation[];
  readonly add: readonly Entry[];
  readonly kv: NonNullable<Commit['kv']>;
  readonly news: readonly Proof[];
  readonly kept: ReadonlyMap<string, Proof>;
  readonly strangers: ReadonlyMap<string, Proof>;
  readonly resolution: Resolution;
};

/** The fork proofs of one community, and what they leave standing. Plans; the log commits and tells it so. */
export const createForks = (deps: {
  readonly crypto: CryptoPort;
  readonly community: Bytes;
  readonly lanes: Lanes;
  readonly waiting: WaitingRoom;
}) => {
  const { crypto, community, lanes, waiting } = deps;
  const twins = createTwins();
  const namings = createNamings(crypto);
  let kept: ReadonlyMap<string, Proof> = new Map();
  /** Proofs against devices nobody has named yet. */
  let strangers: ReadonlyMap<string, Proof> = new Map();
  let resolution: Resolution | null = null;
  let pinnedByPlace = new Map<string, number>();

  /** Every event that could stand at a place: what is stored first, then what waits or was taken out. */
  const variantsBySeq = (proofs: ReadonlyMap<string, Proof>): Map<string, Map<number, Variant[]>> => {
    const found = new Map<string, Map<number, Variant[]>>();
    const add = (entry: Entry, sources: Variant['sources']): void => {
      const { lane, seq } = entry.event.header;
      const place = `${entry.event.author} ${lane}`;
      if (lane !== authorityLane && !proofs.has(place)) return;
      const bySeq = found.get(place) ?? new Map<number, Variant[]>();
      const variants = bySeq.get(seq) ?? [];
      if (variants.some((each) => each.entry.event.id === entry.event.id)) return;
      found.set(place, bySeq.set(seq, [...variants, { entry, sources }]));
    };
    for (const entry of lanes.all(authorityLane)) add(entry, null);
    for (const { device, lane, seq } of proofs.values())
      for (const entry of lane === authorityLane ? [] : lanes.slice(device, lane, seq, lanes.next(device, lane)))
        add(entry, null);
    for (const { event, payload, sources } of twins.all()) add({ event, payload }, sources);
    for (const { event, payload } of waiting.all()) add({ event, payload }, nobody);
    for (const { first, second } of proofs.values())
      for (const event of [first, second]) add({ event, payload: null }, nobody);
    return found;
  };

  const strandOf = (place: string, bySeq: ReadonlyMap<number, readonly Variant[]>, proof: Proof | null): Strand => {
    const { author, lane } = splitPlace(place);
    const genesis = lane === authorityLane ? genesisIn(bySeq.get(0) ?? []) : null;
    const seq = proof === null ? null : Math.max(proof.seq, genesis ? 1 : 0);
    const prefix: Entry[] = [];
    const end = lane === authorityLane ? (seq ?? bySeq.size) : 0;
    for (let at = 0; at < end; at++) {
      const entry = (at === 0 ? genesis : null) ?? bySeq.get(at)?.[0]?.entry;
      if (!entry) break;
      prefix.push(entry);
    }
    const start = seq === null ? null : startOf(author, lane, seq, prefix);
    return { author, lane, seq, prefix, start, variantsAt: (at) => bySeq.get(at) ?? [] };
  };
  /** D(seq), from what is stored, or from a prefix that waits. */
  const startOf = (author: string, lane: number, seq: number, prefix: readonly Entry[]): Bytes | null => {
    const stored = lanes.digestAt(author, lane, seq);
    if (stored || prefix.length < seq) return stored;
    return prefix.reduce<Bytes>((digest, { event }) => nextDigest(digest, event.id), new Uint8Array(32));
  };

  const plan = async (found: readonly Proof[]): Promise<Settlement> => {
    const proofs = new Map([...strangers, ...kept]);
    for (const proof of found) takeSmaller(proofs, proof);
    const variants = variantsBySeq(proofs);
    for (const bySeq of variants.values()) for (const proof of proofsIn(bySeq)) takeSmaller(proofs, proof);
    const strands = [...variants].map(([place, bySeq]) => strandOf(place, bySeq, proofs.get(place) ?? null));
    const namingByEvent = new Map<string, Naming>();
    for (const bySeq of variants.values()) {
      for (const { entry } of [...bySeq.values()].flat()) {
        const naming = await namings.read(entry);
        if (naming) namingByEvent.set(entry.event.id, naming);
      }
    }
    const resolved = resolveForks(strands, (id) => namingByEvent.get(id) ?? null);
    const named = new Map([...proofs].filter(([, { device }]) => resolved.named.has(device)));
    const unnamed = [...proofs].filter(([place]) => !named.has(place)).slice(-limits.proofStrangersMax);
    return { ...changesOf(resolved, named), kept: named, strangers: new Map(unnamed), resolution: resolved };
  };

  const changesOf = (
    { named, standingByPlace }: Resolution,
    proofs: ReadonlyMap<string, Proof>,
  ): Pick<Settlement, 'truncate' | 'add' | 'kv' | 'news'> => {
    const truncate: Truncation[] = [];
    const add: Entry[] = [];
    for (const { author, lane } of lanes.places()) if (!named.has(author)) truncate.push({ author, lane, from: 0 });
    for (const [place, { device: author, lane, seq: forkedAt }] of proofs) {
      const { from: seq, branch } = standingByPlace.get(place) ?? { from: forkedAt, branch: [] };
      const next = lanes.next(author, lane);
      if (next < seq) continue; // it ends before the fork; what leads there is still on its way
      let same = 0;
      while (branch[same] && branch[same]?.event.id === lanes.at(author, lane, seq + same)?.event.id) same += 1;
      if (next > seq + same) truncate.push({ author, lane, from: seq + same });
      add.push(...branch.slice(same));
    }
    const news = [...proofs].flatMap(([place, proof]) => (kept.get(place) === proof ? [] : [proof]));
    const old = [...kept].flatMap(([place, proof]) => (proofs.get(place) === proof ? [] : [proof]));
    const kv = [
      ...old.map((proof) => ({ key: keyOf(proof), value: null as unknown })),
      ...news.map((proof) => ({ key: keyOf(proof), value: proof.bytes as unknown })),
    ];
    return { truncate, add, kv, news };
  };

  /** How many leading events of a lane a standing authority event of somebody else names. */
  const pinnedCount = (author: string, lane: number): number => {
    const place = `${author} ${lane}`;
    const known = pinnedByPlace.get(place);
    if (known !== undefined || resolution === null) return known ?? 0;
    let digest: Bytes = new Uint8Array(32);
    let pinned = 0;
    for (const { event } of lanes.slice(author, lane, 0, lanes.next(author, lane))) {
      digest = nextDigest(digest, event.id);
      if (isGenesisHeader(event.header) || resolution.isPinned(bytesToText(digest), author))
        pinned = event.header.seq + 1;
    }
    pinnedByPlace.set(place, pinned);
    return pinned;
  };

  return {
    twins,
    namings,
    load: async (store: Pick<Store, 'list'>): Promise<void> => {
      const loaded = new Map<string, Proof>();
      for (const { value } of await store.list(keyPrefix)) {
        const proof = value instanceof Uint8Array ? await verifyProof(crypto, community, value) : null;
        if (proof?.ok) takeSmaller(loaded, proof.value); // others are of a neighbourhood this device was in before
      }
      kept = loaded;
    },
    plan,
    /** The settlement has been committed. */
    settled: (settlement: Settlement): void => {
      ({ kept, strangers, resolution } = settlement);
      pinnedByPlace = new Map();
    },
    proofAt: (author: string, lane: number): Proof | null => kept.get(`${author} ${lane}`) ?? null,
    /** True when a proof would change something: none is known of its lane, or a later one. */
    isNews: (proof: Proof): boolean => {
      const known = kept.get(placeOf(proof)) ?? strangers.get(placeOf(proof));
      return !known || compareProofs(proof, known) < 0;
    },
    /** Keeps a proof against a device nobody has named yet; false when there is no room. */
    keepStranger: (proof: Proof): boolean => {
      if (strangers.size >= limits.proofStrangersMax && !strangers.has(placeOf(proof))) return false;
      strangers = new Map([...strangers, [placeOf(proof), proof]]);
      return true;
    },
    /** True when what stands may have changed with the log, or a device somebody proved a fork of has just been named. */
    isUnsettled: (isAdmitted: (device: string) => boolean): boolean =>
      kept.size > 0 || [...strangers.values()].some(({ device }) => isAdmitted(device)),
    proofs: (): Bytes[] => [...kept.values()].map(({ bytes }) => bytes),
    forks: (): Fork[] =>
      [...kept].map(([place, { device, lane, seq, first, second }]) => ({
        device,
        lane,
        seq,
        first,
        second,
        standsUpTo: resolution?.standingByPlace.get(place)?.upTo ?? null,
      })),
    frozenSince: (device: string): Hlc | null => {
      const moments = [...kept.values()].filter((proof) => proof.device === device).map(frozenFrom);
      return moments.length === 0 ? null : Math.min(...moments);
    },
    isBelowPin: (author: string, lane: number, seq: number): boolean => seq < pinnedCount(author, lane),
  };
};
export type Forks = ReturnType<typeof createForks>;

const nobody: ReadonlySet<string> = new Set();

const takeSmaller = (proofs: Map<string, Proof>, proof: Proof): void => {
  const known = proofs.get(placeOf(proof));
  if (!known || compareProofs(proof, known) < 0) proofs.set(placeOf(proof), proof);
};

/** Every pair of events that contest one seq. */
const proofsIn = function* (bySeq: ReadonlyMap<number, readonly Variant[]>): Generator<Proof> {
  for (const variants of bySeq.values()) {
    const events: Event[] = variants.map(({ entry }) => entry.event);
    for (const [at, a] of events.entries()) for (const b of events.slice(at + 1)) yield makeProof(a, b);
  }
};

const genesisIn = (variants: readonly Variant[]): Entry | null =>
  variants.find(({ entry }) => isGenesisHeader(entry.event.header))?.entry ?? null;

const splitPlace = (place: string): { author: string; lane: number } => {
  const [author = '', lane = ''] = place.split(' ');
  return { author, lane: Number(lane) };
};
