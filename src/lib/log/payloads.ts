import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Commit, Store, StoreRefusal, Truncation } from '../kernel/ports/store.ts';
import { ok, type Result } from '../kernel/result.ts';
import { authorityLane, type Event } from './event.ts';
import { fitsHeader } from './intake.ts';
import type { Entry, Lanes } from './lanes.ts';
import type { Twins } from './twins.ts';
import type { WaitingRoom } from './waiting-room.ts';

export type PayloadsDeps = {
  readonly crypto: CryptoPort;
  readonly store: Store;
  readonly community: Bytes;
  readonly lanes: Lanes;
  readonly waiting: WaitingRoom;
  readonly twins: Twins;
  readonly onRefused: (reason: string) => void;
};

/** Payloads of stored events that came, and whether one of those that wait: which may decide about a fork, or can be shown. */
export type PayloadsTaken = {
  readonly filled: readonly Entry[];
  readonly hasWaiting: boolean;
  readonly hasPreview: boolean;
};

/**
 * Payloads that come after their events, and those that were dropped on purpose: which is remembered, so that a dropped one
 * is neither asked for nor taken in again. Of the authority lane nothing is ever dropped.
 */
export const createPayloads = ({ crypto, store, community, lanes, waiting, twins, onRefused }: PayloadsDeps) => {
  const keyPrefix = `dropped/${bytesToText(community)}/`;
  const droppedByPlace = new Map<string, Set<number>>();
  const isDroppedAt = (author: string, lane: number, seq: number): boolean =>
    droppedByPlace.get(`${author} ${lane}`)?.has(seq) ?? false;
  const isDropped = ({ author, header }: Event): boolean => isDroppedAt(author, header.lane, header.seq);
  const factOf = (place: string, seqs: ReadonlySet<number>): NonNullable<Commit['kv']>[number] => ({
    key: keyPrefix + place,
    value: seqs.size === 0 ? null : [...seqs].toSorted((a, b) => a - b),
  });

  /** Words of events that wait for what lies before them: they can be shown, and are stored with their event when its turn comes. */
  const fillPreview = async (payloadById: ReadonlyMap<string, Uint8Array>): Promise<boolean> => {
    const orphans = [...waiting.orphans()].filter(({ event }) => event.header.lane !== authorityLane);
    let bytes = orphans.reduce((total, { payload }) => total + (payload?.length ?? 0), 0);
    let hasFilled = false;
    for (const orphan of orphans) {
      const payload = payloadById.get(orphan.event.id);
      if (!payload || orphan.payload || bytes + payload.length > limits.previewPayloadBytesMax) continue;
      if (!(await fitsHeader(crypto, orphan.event, payload))) {
        onRefused('payload-hash');
        continue;
      }
      waiting.fillOrphan(orphan, payload.slice() as Bytes);
      bytes += payload.length;
      hasFilled = true;
    }
    return hasFilled;
  };

  /** What waits is judged by its envelope alone; only what may name or pin somebody needs its payload there. */
  const fillWaiting = async (payloadById: ReadonlyMap<string, Uint8Array>): Promise<boolean> => {
    const arrivals = [...twins.all(), ...waiting.all()].filter(({ event }) => event.header.lane === authorityLane);
    let bytes = arrivals.reduce((total, { payload }) => total + (payload?.length ?? 0), 0);
    let hasFilled = false;
    for (const arrival of arrivals) {
      const payload = payloadById.get(arrival.event.id);
      if (!payload || arrival.payload || bytes + payload.length > limits.waitingPayloadBytesMax) continue;
      if (!(await fitsHeader(crypto, arrival.event, payload))) continue;
      twins.fill(arrival.event.id, payload.slice() as Bytes);
      waiting.fill(arrival.event.id, payload.slice() as Bytes);
      bytes += payload.length;
      hasFilled = true;
    }
    return hasFilled;
  };

  return {
    load: async (): Promise<void> => {
      for (const { key, value } of await store.list(keyPrefix)) {
        if (!Array.isArray(value)) continue;
        const place = key.slice(keyPrefix.length);
        const [author = '', lane = ''] = place.split(' ');
        const seqs = new Set(value.filter((seq): seq is number => typeof seq === 'number'));
        droppedByPlace.set(place, seqs);
        for (const seq of seqs) {
          const entry = lanes.at(author, Number(lane), seq);
          if (entry && !entry.payload) lanes.unmiss(entry.event.id);
        }
      }
    },
    /** A payload of an unknown event, or one that does not fit, has no effect and is counted; a dropped one stays away. */
    take: async (
      payloads: readonly { id: string; payload: Uint8Array }[],
    ): Promise<Result<PayloadsTaken, StoreRefusal>> => {
      const filled: Required<NonNullable<Commit['payloads']>[number]>[] = [];
      const unknown = new Map<string, Uint8Array>();
      for (const { id, payload } of payloads) {
        const entry = lanes.byId(id);
        if (!entry) unknown.set(id, payload);
        if (!entry || entry.payload || isDropped(entry.event)) continue;
        const { author, header } = entry.event;
        if (await fitsHeader(crypto, entry.event, payload))
          filled.push({ id, payload: payload.slice() as Bytes, at: { author, lane: header.lane, seq: header.seq } });
        else onRefused('payload-hash');
      }
      const hasWaiting = unknown.size > 0 && (await fillWaiting(unknown));
      const hasPreview = unknown.size > 0 && (await fillPreview(unknown));
      if (filled.length === 0) return ok({ filled: [], hasWaiting, hasPreview });
      const committed = await store.commit({ payloads: filled }, 'relaxed');
      if (!committed.ok) return committed;
      return ok({ filled: filled.flatMap(({ id, payload }) => lanes.fill(id, payload) ?? []), hasWaiting, hasPreview });
    },
    /** Takes payloads out for good; the signed events stay. Those that were dropped, as they now are. */
    drop: async (ids: Iterable<string>): Promise<Result<readonly Entry[], StoreRefusal>> => {
      const entries = [...new Set(ids)]
        .flatMap((id) => lanes.byId(id) ?? [])
        .filter(({ event }) => event.header.lane !== authorityLane && !isDropped(event));
      if (entries.length === 0) return ok([]);
      const changed = new Map<string, Set<number>>();
      for (const { event } of entries) {
        const place = `${event.author} ${event.header.lane}`;
        const seqs = changed.get(place) ?? new Set(droppedByPlace.get(place));
        changed.set(place, seqs.add(event.header.seq));
      }
      const drop = entries.map(({ event: { id, author, header } }) => ({
        id,
        at: { author, lane: header.lane, seq: header.seq },
      }));
      const committed = await store.commit(
        { drop, kv: [...changed].map(([place, seqs]) => factOf(place, seqs)) },
        'relaxed',
      );
      if (!committed.ok) return committed;
      for (const [place, seqs] of changed) droppedByPlace.set(place, seqs);
      for (const { id } of drop) lanes.strip(id);
      return ok(drop.flatMap(({ id }) => lanes.byId(id) ?? []));
    },
    isDropped: (id: string): boolean => {
      const entry = droppedByPlace.size > 0 ? lanes.byId(id) : undefined;
      return entry !== undefined && isDropped(entry.event);
    },
    /** What a truncation does to what is remembered, as facts of its commit; `forget` follows when it is done. */
    planForget: (truncate: readonly Truncation[]): NonNullable<Commit['kv']> =>
      truncate.flatMap(({ author, lane, from }) => {
        const place = `${author} ${lane}`;
        const seqs = droppedByPlace.get(place);
        return seqs ? [factOf(place, below(seqs, from))] : [];
      }),
    forget: (truncate: readonly Truncation[]): void => {
      for (const { author, lane, from } of truncate) {
        const place = `${author} ${lane}`;
        const rest = below(droppedByPlace.get(place) ?? new Set(), from);
        if (rest.size > 0) droppedByPlace.set(place, rest);
        else droppedByPlace.delete(place);
      }
    },
    /** Ids of events whose payload should be asked for: first those that may decide about a fork. */
    missing: (most: number, hasForks: boolean): string[] => {
      const ids: string[] = [];
      const take = (id: string): boolean => ids.push(id) >= most;
      if (hasForks)
        for (const { event, payload } of [...twins.all(), ...waiting.all()])
          if (!payload && event.header.lane === authorityLane && take(event.id)) return ids;
      for (const id of lanes.bareIds()) if (ids.length >= most || take(id)) break;
      return ids;
    },
  };
};
export type Payloads = ReturnType<typeof createPayloads>;

const below = (seqs: ReadonlySet<number>, from: number): Set<number> => new Set([...seqs].filter((seq) => seq < from));
