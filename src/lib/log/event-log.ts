import { hlcMonth, nextHlc, type Hlc } from '../kernel/hlc.ts';
import { areBytesEqual, bytesToText, concatBytes, textToBytes } from '../kernel/ids.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Commit, Store, StoreRefusal } from '../kernel/ports/store.ts';
import { ok, type Result } from '../kernel/result.ts';
import { createAdmissions } from './admissions.ts';
import { authorityLane, communityOf, isGenesisHeader, monthLane, parseEvent, signEvent, type Header } from './event.ts';
import { fitsHeader, takeIn, type Incoming, type Intake } from './intake.ts';
import { encodePayload, kinds, type KindName, type Payload } from './kinds.ts';
import { createLanes, type Entry } from './lanes.ts';
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
  const lanes = createLanes();
  const waiting = createWaitingRoom();
  const admissions = createAdmissions({ crypto });
  const listeners = new Set<(stored: Stored) => void>();
  const refusedByReason = new Map<string, number>();
  let queue: Promise<unknown> = Promise.resolve();
  let lastHlc: Hlc = 0;

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work);
    queue = turn.catch(() => undefined);
    return turn;
  };
  const tell = (entries: readonly Entry[], source: string | null) => {
    if (entries.length > 0) for (const listener of listeners) listener({ entries, source });
  };
  const push = async (entry: Entry): Promise<void> => {
    const { author, header, id } = entry.event;
    const digest = await crypto.sha256(concatBytes(lanes.digest(author, header.lane), textToBytes(id) ?? new Uint8Array(0)));
    lanes.push(entry, digest);
  };

  /** Reads what earlier sessions stored. It was verified before it was stored, so only its form is read again. */
  const load = (): Promise<void> =>
    inTurn(async () => {
      const payloadsById = new Map((await store.payloads()).map(({ id, payload }) => [id, payload]));
      const stored = (await store.events()).toSorted((a, b) => (a.author < b.author ? -1 : a.author > b.author ? 1 : a.lane - b.lane || a.seq - b.seq));
      for (const { envelope, id } of stored) {
        const parsed = await parseEvent(crypto, envelope);
        if (!parsed.ok) throw new Error(`stored event ${id} is damaged: ${parsed.error}`);
        const { header, author } = parsed.value;
        const named = isGenesisHeader(header) ? await communityOf(crypto, parsed.value) : header.community;
        if (!areBytesEqual(named, community)) continue; // of a neighbourhood this device once knocked at
        const entry = { event: { header, author, id, envelope }, payload: payloadsById.get(id) ?? null };
        await push(entry);
        await admissions.learn(entry);
      }
    });

  /** Signs and stores one event of our own. The commit may carry small facts along. */
  const append = <K extends Exclude<KindName, 'community.genesis'>>(kind: K, body: Payload<K>, along: Commit['kv'] = []): Promise<Result<Entry, StoreRefusal>> =>
    inTurn(async () => {
      const payload = encodePayload(random, kind, body);
      const place = nextPlace(kind, bytesToText(signing.publicKey));
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
      await push(entry);
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

  const commit = (entries: readonly Entry[], kv: Commit['kv'], durability: 'strict' | 'relaxed') =>
    store.commit(
      {
        events: entries.map(({ event }) => ({ author: event.author, lane: event.header.lane, seq: event.header.seq, id: event.id, envelope: event.envelope })),
        payloads: entries.flatMap(({ event, payload }) => (payload ? [{ id: event.id, payload }] : [])),
        ...(kv ? { kv } : {}),
      },
      durability,
    );

  /** Takes in envelopes from outside. What is refused is counted by reason and has no effect; the good ones of a batch still count. */
  const receive = (incoming: readonly Incoming[], source: string, durability: 'strict' | 'relaxed' = 'relaxed'): Promise<Result<Intake, StoreRefusal>> =>
    inTurn(async () => {
      const intake = await takeIn({ crypto, community, lanes, waiting, admissions }, incoming);
      for (const { reason } of intake.refused) refusedByReason.set(reason, (refusedByReason.get(reason) ?? 0) + 1);
      if (intake.ready.length === 0) return ok(intake);
      const committed = await commit(intake.ready, undefined, durability);
      if (!committed.ok) return committed;
      for (const entry of intake.ready) await push(entry);
      tell(intake.ready, source);
      return ok(intake);
    });

  /** Payloads that come after their events. A payload of an unknown event, or one that does not fit, is dropped and counted. */
  const receivePayloads = (payloads: readonly { id: string; payload: Uint8Array }[], source: string): Promise<Result<number, StoreRefusal>> =>
    inTurn(async () => {
      const filled: { entry: Entry; payload: Bytes }[] = [];
      for (const { id, payload } of payloads) {
        const entry = lanes.byId(id);
        if (!entry || entry.payload) continue;
        if (await fitsHeader(crypto, entry.event, payload)) filled.push({ entry, payload: payload.slice() as Bytes });
        else refusedByReason.set('payload-hash', (refusedByReason.get('payload-hash') ?? 0) + 1);
      }
      if (filled.length === 0) return ok(0);
      const committed = await store.commit({ payloads: filled.map(({ entry, payload }) => ({ id: entry.event.id, payload })) }, 'relaxed');
      if (!committed.ok) return committed;
      const released: string[] = [];
      for (const { entry, payload } of filled) {
        entry.payload = payload;
        const author = await admissions.learn(entry);
        if (author !== null) released.push(author);
      }
      tell(filled.map(({ entry }) => entry), source);
      void releaseParked(released, source);
      return ok(filled.length);
    });

  /** Authors who have just been named: what they had sent before is judged again. */
  const releaseParked = async (authors: readonly string[], source: string): Promise<void> => {
    const arrivals = authors.flatMap((author) => waiting.takeParked(author));
    if (arrivals.length > 0) await receive(arrivals.map(({ event, payload }) => ({ envelope: event.envelope, payload })), source);
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
    byId: lanes.byId,
    all: lanes.all,
    certificateOf: admissions.certificateOf,
    isAdmitted: admissions.isAdmitted,
    missingPayloads: (most: number): string[] => {
      const missing: string[] = [];
      for (const { event, payload } of lanes.all()) {
        if (!payload) missing.push(event.id);
        if (missing.length >= most) break;
      }
      return missing;
    },
    onStored: (listener: (stored: Stored) => void): (() => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
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
