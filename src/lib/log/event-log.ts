import type { Commit, StoreRefusal } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { authorityLane } from './event.ts';
import { verifyProof, type ProofRefusal } from './fork.ts';
import { takeIn, type Incoming, type Intake } from './intake.ts';
import type { KindName, Payload } from './kinds.ts';
import type { Entry } from './lanes.ts';
import { loadLanes } from './load-lanes.ts';
import { createLogParts, readsOf, type EventLogDeps } from './log-parts.ts';
import { createPacking } from './packing.ts';
import { createSettling } from './settling.ts';
import { placeEvents } from './stored-events.ts';

export type { EventLogDeps } from './log-parts.ts';
export type { Stored } from './news.ts';
export type AppendRefusal = StoreRefusal | 'retired';
export type AppendOptions = {
  /** Small facts that are stored in the same commit. */
  readonly along?: Commit['kv'];
  /** Seconds since 2026-01-01 from which the payload may be dropped; 0 or left out: by policy. */
  readonly expires?: number;
};

/**
 * The signed event log of one community on this device: the only writer of truth (P1). Every append and every arrival goes
 * through one queue; what is in memory is what has been committed, never more. Own appends commit strictly before any
 * listener hears of them. What forked lanes hold is decided by the proofs and pins that are known, never by who came first.
 */
export const createEventLog = (deps: EventLogDeps) => {
  const { crypto, store, community } = deps;
  const parts = createLogParts(deps);
  const { lanes, waiting, named, forks, payloads, own, news, count, inTurn } = parts;
  const packing = createPacking({ store, inTurn, onBroken: (error) => count(`pack: ${String(error)}`) });

  /** Reads what earlier sessions stored. It was verified before it was stored, so only that the disk kept it is checked again. */
  const load = (): Promise<void> =>
    inTurn(async () => {
      parts.noteDamages(await loadLanes({ crypto, store, community }, lanes));
      await payloads.load();
      await forks.load(store);
      await named.relearn();
      for (const { author, lane } of lanes.places()) packing.packSoon(author, lane);
      // What a damaged disk has lost may be what pins: nothing more is cut away before it has come back.
      if (parts.damages().length === 0) await settle([], 'disk');
    });

  /** Signs and stores one event of our own, once nothing holds appends back. */
  const append = async <K extends Exclude<KindName, 'community.genesis'>>(
    kind: K,
    body: Payload<K>,
    { along = [], expires = 0 }: AppendOptions = {},
  ): Promise<Result<Entry, AppendRefusal>> => {
    await own.released();
    return inTurn(async () => {
      if (own.isRetired() || forks.frozenSince(own.own) !== null) return err('retired');
      const entry = await own.make(kind, body, expires);
      if (!entry) return err('damaged');
      const committed = await commit([entry], { kv: along }, 'strict');
      if (!committed.ok) return committed;
      lanes.push(entry);
      await named.learn(entry);
      news.tell([entry], null);
      if (entry.event.header.lane === authorityLane) await settle([], 'own');
      return ok(entry);
    });
  };

  const commit = async (
    entries: readonly Entry[],
    more: Omit<Commit, 'events' | 'payloads'>,
    durability: 'strict' | 'relaxed',
  ): Promise<Result<void, StoreRefusal>> => {
    const placed = placeEvents(lanes, entries);
    const committed = await store.commit({ ...more, ...placed }, durability);
    const places = new Map(placed.events.map(({ author, lane }) => [`${author} ${lane}`, { author, lane }]));
    if (committed.ok) for (const { author, lane } of places.values()) packing.noteCommit(author, lane);
    return committed;
  };

  const { settle, replaceEnvelope } = createSettling({ ...parts, commit, onRefused: count });

  /** Takes in envelopes from outside. What is refused is counted by reason and has no effect; the good ones of a batch still count. */
  const receive = (
    incoming: readonly Incoming[],
    source: string,
    durability: 'strict' | 'relaxed' = 'relaxed',
  ): Promise<Result<Intake, StoreRefusal>> => inTurn(() => receiveNow(incoming, source, durability));

  const receiveNow = async (
    incoming: readonly Incoming[],
    source: string,
    durability: 'strict' | 'relaxed',
  ): Promise<Result<Intake, StoreRefusal>> => {
    const intake = await takeIn({ crypto, community, lanes, waiting, admissions: named, forks }, incoming, source);
    for (const { reason } of intake.refused) count(reason);
    if (intake.ready.length > 0) {
      const committed = await commit(intake.ready, {}, durability);
      if (!committed.ok) return committed;
    }
    for (const entry of intake.ready) lanes.push(entry);
    await intake.apply();
    news.tell(intake.ready, source);
    for (const event of intake.resigned) await replaceEnvelope(event, source);
    const isAuthority = intake.ready.some(({ event }) => event.header.lane === authorityLane);
    if (isAuthority || intake.forks.length > 0 || intake.hasTwins) {
      await settle(intake.forks, source);
      await releaseParked(source);
    }
    return ok(intake);
  };

  /** Authors who have been named meanwhile: what they had sent before is judged again. */
  const releaseParked = async (source: string): Promise<void> => {
    const authors = waiting.parkedAuthors().filter(named.isAdmitted);
    const arrivals = authors
      .flatMap(waiting.parkedOf)
      .map(({ event, payload }) => ({ envelope: event.envelope, payload }));
    for (const author of authors) waiting.takeParked(author);
    if (arrivals.length > 0) await receiveNow(arrivals, source, 'relaxed');
  };

  /** Payloads that come after their events. A payload of an unknown event, or one that does not fit, is dropped and counted. */
  const receivePayloads = (
    given: readonly { id: string; payload: Uint8Array }[],
    source: string,
  ): Promise<Result<number, StoreRefusal>> =>
    inTurn(async () => {
      const taken = await payloads.take(given);
      if (!taken.ok) return taken;
      const { filled, hasWaiting, hasPreview } = taken.value;
      for (const entry of filled) await named.learn(entry);
      news.tell(filled, source);
      if (hasPreview) news.tellPreview();
      const isAuthority = filled.some(({ event }) => event.header.lane === authorityLane);
      if (isAuthority || hasWaiting) await settle([], source);
      if (isAuthority || hasWaiting) await releaseParked(source);
      return ok(filled.length);
    });

  /** A fork proof from outside; true when it is news. One against a device nobody has named yet is kept, bounded, and not told. */
  const receiveProof = (
    bytes: Uint8Array,
    source: string,
  ): Promise<Result<boolean, ProofRefusal | StoreRefusal | 'waiting-room-full'>> =>
    inTurn(async () => {
      const proof = await verifyProof(crypto, community, bytes);
      if (!proof.ok) return proof;
      if (!forks.isNews(proof.value)) return ok(false);
      if (!named.isAdmitted(proof.value.device))
        return forks.keepStranger(proof.value) ? ok(false) : err('waiting-room-full');
      const settled = await settle([proof.value], source);
      await releaseParked(source);
      return settled.ok ? ok(true) : settled;
    });

  /** Takes payloads out for good, from memory and disk; the signed events stay. How many there were. */
  const dropPayloads = (ids: Iterable<string>): Promise<Result<number, StoreRefusal>> =>
    inTurn(async () => {
      const dropped = await payloads.drop(ids);
      if (!dropped.ok) return dropped;
      news.tell(dropped.value, 'dropped');
      return ok(dropped.value.length);
    });

  return {
    ...readsOf(parts),
    community,
    load,
    append,
    receive,
    receivePayloads,
    receiveProof,
    dropPayloads,
    /** Resolves when everything asked for so far has been done. */
    settled: () => inTurn(async () => undefined),
    get size() {
      return lanes.size;
    },
  };
};
export type EventLog = ReturnType<typeof createEventLog>;
