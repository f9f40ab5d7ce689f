import type { Commit, StoreRefusal } from '../kernel/ports/store.ts';
import { ok, type Result } from '../kernel/result.ts';
import { authorityLane, type Event } from './event.ts';
import type { Proof } from './fork.ts';
import type { Forks } from './forks.ts';
import type { Entry, Lanes } from './lanes.ts';
import type { Named } from './named.ts';
import type { News } from './news.ts';
import type { Payloads } from './payloads.ts';
import type { WaitingRoom } from './waiting-room.ts';

export type SettlingDeps = {
  readonly lanes: Lanes;
  readonly waiting: WaitingRoom;
  readonly forks: Forks;
  readonly payloads: Payloads;
  readonly named: Named;
  readonly news: News;
  readonly commit: (
    entries: readonly Entry[],
    more: Omit<Commit, 'events' | 'payloads'>,
    durability: 'strict' | 'relaxed',
  ) => Promise<Result<void, StoreRefusal>>;
  readonly onRefused: (reason: string) => void;
};

/** Changes what is stored already: what a proof takes away or a pin brings back, and the bytes of an event signed twice. */
export const createSettling = (deps: SettlingDeps) => {
  const { lanes, waiting, forks, payloads, named, news, commit, onRefused } = deps;
  return {
    /** Makes the log what the proofs and pins leave standing. The proof and what it takes away are one strict commit. */
    settle: async (found: readonly Proof[], source: string): Promise<Result<void, StoreRefusal>> => {
      if (found.length === 0 && !forks.isUnsettled(named.isAdmitted)) return ok(undefined);
      const settlement = await forks.plan(found);
      const { truncate, add } = settlement;
      const kv = [...settlement.kv, ...payloads.planForget(truncate)];
      if (truncate.length + add.length + kv.length > 0) {
        const committed = await commit(add, { truncate, kv }, 'strict');
        if (!committed.ok) {
          onRefused(committed.error);
          return committed;
        }
      }
      forks.settled(settlement);
      payloads.forget(truncate);
      const gone = truncate.flatMap(({ author, lane, from }) => lanes.truncate(author, lane, from));
      for (const entry of add) {
        lanes.push(entry);
        forks.twins.remove(entry.event.id);
      }
      if ([...gone, ...add].some(({ event }) => event.header.lane === authorityLane)) await named.relearn();
      for (const entry of gone)
        if (forks.proofAt(entry.event.author, entry.event.header.lane)) forks.twins.put(entry, 'stored');
        else waiting.park(entry);
      for (const proof of settlement.news) news.tellProof(proof, source);
      news.tell(add, source, gone.length > 0);
      news.tellJudged();
      return ok(undefined);
    },
    /** One header, two good signatures: everybody ends with the smaller envelope (ADR 0023). What came after it is written again. */
    replaceEnvelope: async (event: Event, source: string): Promise<void> => {
      const { lane, seq } = event.header;
      const standing = lanes.at(event.author, lane, seq);
      if (standing?.event.id !== event.id) return;
      const [, ...after] = lanes.slice(event.author, lane, seq, lanes.next(event.author, lane));
      const entries = [{ event, payload: standing.payload }, ...after];
      const committed = await commit(entries, { truncate: [{ author: event.author, lane, from: seq }] }, 'relaxed');
      if (!committed.ok) return onRefused(committed.error);
      lanes.truncate(event.author, lane, seq);
      for (const entry of entries) {
        lanes.push(entry);
        if (payloads.isDropped(entry.event.id)) lanes.unmiss(entry.event.id);
      }
      news.tellResigned(event, source);
    },
  };
};
export type Settling = ReturnType<typeof createSettling>;
