import { hlcMonth, nextHlc, type Hlc } from '../kernel/hlc.ts';
import { bytesToText } from '../kernel/ids.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Commit, Store, StoredEvent, StoreRefusal } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { createAdmissions } from './admissions.ts';
import { authorityLane, monthLane, signEvent, type Header } from './event.ts';
import { fitsHeader, takeIn, type Incoming, type Intake } from './intake.ts';
import { encodePayload, kinds, type KindName, type Payload } from './kinds.ts';
import { createLanes, nextDigest, type Entry } from './lanes.ts';
import { loadLanes, type Damage } from './load-lanes.ts';
import { createPacking } from './packing.ts';
import { createWaitingRoom } from './waiting-room.ts';

export type EventLogDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly community: Bytes;
  readonly signing: SigningKey;
};

/** Entries that have just become part of the log (or got their payload), and where they came from: null for our own. */
export type Stored = { readonly entries: readonly Entry[]; readonly source: string | null };

/**
 * The signed event log of one community on this device: the only writer of truth (P1). Every append and every arrival goes
 * through one queue; what is in memory is what has been committed, never more. Own appends commit strictly before any
 * listener hears of them.
 */
export const createEventLog = (deps: EventLogDeps) => {
  const { crypto, clock, random, store, community, signing } = deps;
  const own = bytesToText(signing.publicKey);
  const lanes = createLanes();
  const waiting = createWaitingRoom();
  const admissions = createAdmissions({ crypto });
  const listeners = new Set<(stored: Stored) => void>();
  const refusedByReason = new Map<string, number>();
  let queue: Promise<unknown> = Promise.resolve();
  let damages: readonly Damage[] = [];
  let lastHlc: Hlc = 0;

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work);
    queue = turn.catch(() => undefined);
    return turn;
  };
  const packing = createPacking({
    store,
    inTurn,
    onBroken: (error) => void refusedByReason.set(`pack: ${String(error)}`, 1),
  });
  const tell = (entries: readonly Entry[], source: string | null) => {
    if (entries.length > 0) for (const listener of listeners) listener({ entries, source });
  };

  /** Reads what earlier sessions stored. It was verified before it was stored, so only that the disk kept it is checked again. */
  const load = (): Promise<void> =>
    inTurn(async () => {
      damages = await loadLanes({ crypto, store, community }, lanes);
      for (const entry of lanes.all(authorityLane)) await admissions.learn(entry);
      for (const { author, lane } of lanes.heads()) packing.packSoon(author, lane);
    });

  /** Signs and stores one event of our own. The commit may carry small facts along. */
  const append = <K extends Exclude<KindName, 'community.genesis'>>(
    kind: K,
    body: Payload<K>,
    along: Commit['kv'] = [],
  ): Promise<Result<Entry, StoreRefusal>> =>
    inTurn(async () => {
      const payload = encodePayload(random, kind, body);
      const place = nextPlace(kind, own);
      if (isLost(own, place.lane, place.seq)) return err('damaged');
      const header: Header = {
        community,
        author: signing.publicKey,
        ...place,
        kind: kinds[kind].number,
        expires: 0,
        payloadHash: await crypto.sha256(payload),
        payloadSize: payload.length,
      };
      const entry: Entry = { event: await signEvent(crypto, signing, header), payload };
      const committed = await commit([entry], along, 'strict');
      if (!committed.ok) return committed;
      lanes.push(entry);
      await admissions.learn(entry);
      tell([entry], null);
      return ok(entry);
    });

  const nextPlace = (kind: KindName, author: string): { lane: number; seq: number; hlc: Hlc } => {
    const isAuthority = kinds[kind].lane === 'authority';
    const now = nextHlc(lastHlc, clock.now());
    const lane = isAuthority ? authorityLane : monthLane(hlcMonth(now));
    const seq = lanes.next(author, lane);
    const before = lanes.at(author, lane, seq - 1)?.event.header.hlc ?? 0;
    lastHlc = Math.max(now, before + 1);
    return { lane, seq, hlc: lastHlc };
  };

  /** An event of ours once stood here and the disk has lost it: signing another one would be a fork. It comes back by sync. */
  const isLost = (author: string, lane: number, seq: number): boolean =>
    damages.some((each) => each.author === author && each.lane === lane && seq <= each.to);

  const commit = async (
    entries: readonly Entry[],
    kv: Commit['kv'],
    durability: 'strict' | 'relaxed',
  ): Promise<Result<void, StoreRefusal>> => {
    const heads = new Map<string, { author: string; lane: number; digest: Bytes }>();
    const events = entries.map(({ event: { author, header, id, envelope } }): StoredEvent => {
      const place = `${author} ${header.lane}`;
      const digest = nextDigest(heads.get(place)?.digest ?? lanes.digest(author, header.lane), id);
      heads.set(place, { author, lane: header.lane, digest });
      return { author, lane: header.lane, seq: header.seq, id, envelope, digest };
    });
    const payloads = entries.flatMap(({ event, payload }) => (payload ? [{ id: event.id, payload }] : []));
    const committed = await store.commit({ events, payloads, ...(kv ? { kv } : {}) }, durability);
    if (committed.ok) for (const { author, lane } of heads.values()) packing.noteCommit(author, lane);
    return committed;
  };

  /** Takes in envelopes from outside. What is refused is counted by reason and has no effect; the good ones of a batch still count. */
  const receive = (
    incoming: readonly Incoming[],
    source: string,
    durability: 'strict' | 'relaxed' = 'relaxed',
  ): Promise<Result<Intake, StoreRefusal>> =>
    inTurn(async () => {
      const intake = await takeIn({ crypto, community, lanes, waiting, admissions }, incoming);
      for (const { reason } of intake.refused) refusedByReason.set(reason, (refusedByReason.get(reason) ?? 0) + 1);
      if (intake.ready.length === 0) return ok(intake);
      const committed = await commit(intake.ready, undefined, durability);
      if (!committed.ok) return committed;
      for (const entry of intake.ready) lanes.push(entry);
      tell(intake.ready, source);
      return ok(intake);
    });

  /** Payloads that come after their events. A payload of an unknown event, or one that does not fit, is dropped and counted. */
  const receivePayloads = (
    payloads: readonly { id: string; payload: Uint8Array }[],
    source: string,
  ): Promise<Result<number, StoreRefusal>> =>
    inTurn(async () => {
      const filled: { id: string; payload: Bytes; at: Pick<StoredEvent, 'author' | 'lane' | 'seq'> }[] = [];
      for (const { id, payload } of payloads) {
        const entry = lanes.byId(id);
        if (!entry || entry.payload) continue;
        const { author, header } = entry.event;
        if (await fitsHeader(crypto, entry.event, payload))
          filled.push({ id, payload: payload.slice() as Bytes, at: { author, lane: header.lane, seq: header.seq } });
        else refusedByReason.set('payload-hash', (refusedByReason.get('payload-hash') ?? 0) + 1);
      }
      if (filled.length === 0) return ok(0);
      const committed = await store.commit({ payloads: filled }, 'relaxed');
      if (!committed.ok) return committed;
      const released: string[] = [];
      const entries = filled.flatMap(({ id, payload }) => lanes.fill(id, payload) ?? []);
      for (const entry of entries) {
        const author = await admissions.learn(entry);
        if (author !== null) released.push(author);
      }
      tell(entries, source);
      void releaseParked(released, source);
      return ok(filled.length);
    });

  /** Authors who have just been named: what they had sent before is judged again. */
  const releaseParked = async (authors: readonly string[], source: string): Promise<void> => {
    const arrivals = authors.flatMap((author) => waiting.takeParked(author));
    if (arrivals.length > 0)
      await receive(
        arrivals.map(({ event, payload }) => ({ envelope: event.envelope, payload })),
        source,
      );
  };

  return {
    community,
    load,
    append,
    receive,
    receivePayloads,
    heads: lanes.heads,
    next: lanes.next,
    slice: lanes.slice,
    hlcs: lanes.hlcs,
    search: lanes.search,
    byId: lanes.byId,
    all: lanes.all,
    certificateOf: admissions.certificateOf,
    isAdmitted: admissions.isAdmitted,
    missingPayloads: (most: number): string[] => {
      const missing: string[] = [];
      for (const id of lanes.bareIds()) {
        if (missing.length >= most) break;
        missing.push(id);
      }
      return missing;
    },
    onStored: (listener: (stored: Stored) => void): (() => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** What the disk had lost at load; empty on a sound disk. */
    damages: (): readonly Damage[] => damages,
    refusals: (): ReadonlyMap<string, number> => refusedByReason,
    waitingCounts: waiting.counts,
    /** Resolves when everything asked for so far has been done. */
    settled: () => inTurn(async () => undefined),
    get size() {
      return lanes.size;
    },
  };
};
export type EventLog = ReturnType<typeof createEventLog>;
