import { randomInt } from 'node:crypto';
import { limits } from '../../src/lib/kernel/wire/signal.ts';
import type { Bytes } from '../../src/lib/kernel/wire/mesh-wire.ts';
import type { Clock } from '../clock.ts';
import type { Exchange, Sample, SendOutcome } from '../exchange.ts';
import { chooseNear } from '../mesh/choose-near.ts';
import { createAttendance } from './attendance.ts';
import { parseBusMessage, type Parcel } from './bus-messages.ts';
import { createParcelPost } from './parcels.ts';
import { createPresence, nodeChannel } from './presence.ts';
import type { Redis } from './redis.ts';

/**
 * The exchange over several servers that share a Redis. Musts:
 * - Whoever is at this server is served by it alone, with Redis or without; only what is for others goes out.
 * - What comes from Redis is handed to connections of this server and to nobody else, so that nothing goes round in circles.
 * - An id that joins at another server later is at that one from then on, as within one process.
 */
export type ClusterExchange = Exchange & { facts(): ExchangeFacts };

/** `nodes` counts the servers that live, this one included; `dropped` what came over Redis and was none of ours. */
export type ExchangeFacts = { readonly nodes: number; readonly underway: number; readonly dropped: number };

export type ClusterExchangeDeps = {
  readonly redis: Redis;
  readonly local: Exchange;
  readonly clock: Clock;
  /** This server's name among the others, a new one at each start. */
  readonly node: string;
  /** Gives a whole number in [0, bound). */
  readonly below?: (bound: number) => number;
};

export const createClusterExchange = (deps: ClusterExchangeDeps): ClusterExchange => {
  const { redis, local, clock, node: self, below = (bound: number) => randomInt(bound) } = deps;
  const presence = createPresence(redis, self);
  const attendance = createAttendance({ redis, presence, clock, node: self });
  const post = createParcelPost({ redis, node: self, clock, onGone: attendance.dropNode });
  let nodes = 0;
  let dropped = 0;
  let isStopped = false;
  let cancelBeat = (): void => {};

  /** Outcomes are told also of parcels nobody is here for, so that their sender need not wait. */
  const handOver = async (node: string, parcels: readonly Parcel[]): Promise<void> => {
    const outcomes = await Promise.all(
      parcels.map(async ({ number, to, from, tag, bytes }) => {
        attendance.sawThere(tag, node, from);
        return { number, outcome: await local.send(to, tag, from, bytes) };
      }),
    );
    post.answer(node, outcomes);
  };

  const hear = (message: Buffer): void => {
    const parsed = parseBusMessage(message);
    if (!parsed.ok || parsed.value.node === self) return void (dropped += 1);
    if (parsed.value.kind === 'parcels') return void handOver(parsed.value.node, parsed.value.parcels);
    if (parsed.value.kind === 'outcomes') return post.settle(parsed.value.node, parsed.value.outcomes);
    dropped += 1;
  };

  const beat = async (): Promise<void> => {
    const live = await presence.beat();
    if (live.ok && redis.isReady()) {
      nodes = live.value.length;
      for (const gone of attendance.keepNodes(live.value)) post.giveUp(gone);
    }
    cancelBeat();
    if (!isStopped) cancelBeat = clock.after(limits.clusterBeatMs, () => void beat());
  };

  let cancelRefresh = (): void => {};
  const refresh = async (): Promise<void> => {
    if (redis.isReady()) await attendance.refresh();
    if (!isStopped) cancelRefresh = clock.after(limits.clusterPresenceMs, () => void refresh());
  };

  redis.onReady(() => {
    void (async () => {
      await redis.listen(nodeChannel(self), hear);
      await beat();
      await attendance.restart();
    })();
  });
  redis.onLost(() => {
    nodes = 0;
    attendance.loseOthers();
    post.giveUp(null);
  });
  cancelRefresh = clock.after(limits.clusterPresenceMs, () => void refresh());

  const sendOn = (to: string, tag: string, from: string, bytes: Bytes): SendOutcome | Promise<SendOutcome> => {
    const node = attendance.nodeOf(tag, to);
    if (node === null) return 'gone';
    return post.send(node, { to, from, tag, bytes }).then((outcome) => {
      if (outcome === 'gone') attendance.missedThere(tag, node, to);
      return outcome;
    });
  };

  return {
    join: (tag, id, deliver) => {
      const part = local.join(tag, id, deliver);
      if (part === null) return null;
      const leave = attendance.enter(tag, id, part);
      return () => {
        part();
        leave();
      };
    },
    sample: (tag, id, most) => {
      const choose = (ids: readonly string[]): Sample => ({
        near: chooseNear(ids, id, most, below),
        present: ids.length,
      });
      const ids = attendance.ids(tag);
      return ids instanceof Promise ? ids.then(choose) : choose(ids);
    },
    send: (to, tag, from, bytes) => {
      const outcome = local.send(to, tag, from, bytes);
      if (outcome instanceof Promise)
        return outcome.then((each) => (each === 'gone' ? sendOn(to, tag, from, bytes) : each));
      return outcome === 'gone' ? sendOn(to, tag, from, bytes) : outcome;
    },
    state: () => (redis.isReady() && nodes > 0 ? 'joined' : 'lost'),
    tagCount: local.tagCount,
    stop: async () => {
      isStopped = true;
      cancelBeat();
      cancelRefresh();
      if (redis.isReady()) await Promise.all([attendance.leave(), presence.leave()]);
      post.giveUp(null);
      await local.stop();
    },
    facts: () => ({ nodes, underway: post.underwayCount(), dropped: dropped + attendance.droppedCount() }),
  };
};
