import { limits } from '../../src/lib/kernel/wire/signal.ts';
import type { Clock } from '../clock.ts';
import { parseBusMessage } from './bus-messages.ts';
import { createDirectory } from './directory.ts';
import { tagChannel, type Presence } from './presence.ts';
import type { Redis } from './redis.ts';

/**
 * Who is at which tag, at this server and at the others, and the telling of it. While Redis is away only who is here is known;
 * `restart` tells and asks everything anew.
 */
export type Attendance = {
  /** Somebody is here from now on; the returned function ends it. `onMoved` runs when the same id has come to another server since. */
  enter(tag: string, id: string, onMoved: () => void): () => void;
  /** Here and elsewhere. It waits for what Redis knows, `clusterWhoMs` at most. */
  ids(tag: string): readonly string[] | Promise<readonly string[]>;
  nodeOf(tag: string, id: string): string | null;
  /** A parcel came from there, or could not be given to anybody there. */
  sawThere(tag: string, node: string, id: string): void;
  missedThere(tag: string, node: string, id: string): void;
  /** Everybody at servers that are not among these is gone; the names of the servers dropped. */
  keepNodes(live: readonly string[]): readonly string[];
  dropNode(node: string): void;
  restart(): Promise<void>;
  /** Says of everybody here that they still are. */
  refresh(): Promise<void>;
  loseOthers(): void;
  /** Messages that were none of ours. */
  droppedCount(): number;
  /** This server ends: nobody is here any more. */
  leave(): Promise<void>;
};

export type AttendanceDeps = {
  readonly redis: Redis;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly node: string;
};

/** `isTold` once the news of it has come back from Redis: what is heard after that happened after it. */
type Here = { readonly onMoved: () => void; isTold: boolean };
type Tag = {
  readonly name: string;
  readonly here: Map<string, Here>;
  readonly news: Map<string, 'came' | 'left'>;
  isFlushing: boolean;
  /** What Redis knows is being asked; null when it is known, or Redis is away. */
  asking: Promise<void> | null;
};

const tagsAtOnce = 64;

export const createAttendance = ({ redis, presence, clock, node: self }: AttendanceDeps): Attendance => {
  const tags = new Map<string, Tag>();
  const directory = createDirectory();
  let dropped = 0;

  const closeIfEmpty = (tag: Tag): void => {
    if (tag.here.size > 0 || tag.news.size > 0 || tags.get(tag.name) !== tag) return;
    tags.delete(tag.name);
    directory.forget(tag.name);
    redis.unlisten(tagChannel(tag.name));
  };

  const flush = async (tag: Tag): Promise<void> => {
    await tag.asking;
    tag.isFlushing = false;
    const news = [...tag.news];
    tag.news.clear();
    const told = (kind: 'came' | 'left') => news.flatMap(([id, each]) => (each === kind ? [id] : []));
    const [came, left] = [told('came'), told('left')];
    // What cannot be told now is told by `restart`, or ends with its time.
    const underway = [
      ...(came.length > 0 ? [presence.here(tag.name, came, true)] : []),
      ...(left.length > 0 ? [presence.left(tag.name, left)] : []),
    ];
    await Promise.all(underway);
    closeIfEmpty(tag);
  };

  const tell = (tag: Tag, id: string, what: 'came' | 'left'): void => {
    if (!redis.isReady()) return closeIfEmpty(tag);
    tag.news.set(id, what);
    if (tag.isFlushing) return;
    tag.isFlushing = true;
    clock.after(limits.clusterBatchMs, () => void flush(tag));
  };

  const hearOwn = (tag: Tag, ids: readonly string[]): void => {
    for (const id of ids) {
      const here = tag.here.get(id);
      if (here !== undefined) here.isTold = true;
    }
  };

  const hearMoved = (tag: Tag, ids: readonly string[]): void => {
    for (const id of ids) {
      const here = tag.here.get(id);
      // Not told yet: then ours comes after it, and the other server hears that.
      if (here?.isTold !== true) continue;
      tag.here.delete(id);
      tell(tag, id, 'left');
      here.onMoved();
    }
  };

  const hear = (tag: Tag, message: Buffer): void => {
    const parsed = parseBusMessage(message);
    if (!parsed.ok || parsed.value.kind === 'parcels' || parsed.value.kind === 'outcomes') return void (dropped += 1);
    const { kind, node, ids } = parsed.value;
    if (node === self) return kind === 'came' ? hearOwn(tag, ids) : undefined;
    if (kind === 'left') return directory.left(tag.name, node, ids);
    if (kind === 'came') hearMoved(tag, ids);
    directory.here(tag.name, node, ids, clock.now() + limits.clusterPresenceTtlMs);
  };

  const ask = async (tag: Tag): Promise<void> => {
    const listening = await redis.listen(tagChannel(tag.name), (message) => hear(tag, message));
    const found = listening.ok ? await presence.who(tag.name) : listening;
    tag.asking = null;
    if (!found.ok || tags.get(tag.name) !== tag || !redis.isReady()) return;
    const untilMs = clock.now() + limits.clusterPresenceTtlMs;
    for (const { node, id } of found.value) if (node !== self) directory.here(tag.name, node, [id], untilMs);
  };

  const open = (name: string): Tag => {
    const tag: Tag = { name, here: new Map(), news: new Map(), isFlushing: false, asking: null };
    tags.set(name, tag);
    tag.asking = ask(tag);
    return tag;
  };

  const tellAgain = async (tag: Tag): Promise<void> => {
    const ids = [...tag.here.keys()];
    if (ids.length === 0) return;
    const told = await presence.here(tag.name, ids, false);
    if (told.ok) hearOwn(tag, ids);
  };

  /** So many at once, that a server with many tags does not fill the queue to Redis. */
  const forEachTag = async (act: (tag: Tag) => Promise<void>): Promise<void> => {
    const all = [...tags.values()];
    for (let at = 0; at < all.length; at += tagsAtOnce) await Promise.all(all.slice(at, at + tagsAtOnce).map(act));
  };

  const idsNow = (name: string): readonly string[] => [
    ...new Set([...(tags.get(name)?.here.keys() ?? []), ...directory.ids(name, clock.now())]),
  ];

  return {
    enter: (name, id, onMoved) => {
      const tag = tags.get(name) ?? open(name);
      const here: Here = { onMoved, isTold: false };
      tag.here.set(id, here);
      tell(tag, id, 'came');
      return () => {
        if (tag.here.get(id) !== here) return;
        tag.here.delete(id);
        tell(tag, id, 'left');
      };
    },
    ids: (name) => {
      const asking = tags.get(name)?.asking ?? null;
      return asking === null ? idsNow(name) : withinTime(asking, clock).then(() => idsNow(name));
    },
    nodeOf: (tag, id) => directory.nodeOf(tag, id, clock.now()),
    sawThere: (tag, node, id) => {
      if (tags.has(tag)) directory.here(tag, node, [id], clock.now() + limits.clusterPresenceTtlMs);
    },
    missedThere: (tag, node, id) => directory.left(tag, node, [id]),
    keepNodes: (live) => {
      const gone = [...directory.nodes()].filter((node) => !live.includes(node));
      for (const node of gone) directory.dropNode(node);
      return gone;
    },
    dropNode: directory.dropNode,
    restart: () =>
      forEachTag(async (tag) => {
        await (tag.asking ??= ask(tag));
        await tellAgain(tag);
      }),
    refresh: () => forEachTag(tellAgain),
    loseOthers: () => {
      directory.clear();
      for (const tag of tags.values()) {
        tag.news.clear();
        for (const here of tag.here.values()) here.isTold = false;
        closeIfEmpty(tag);
      }
    },
    droppedCount: () => dropped,
    leave: () =>
      forEachTag(async (tag) => {
        for (const id of tag.here.keys()) tag.news.set(id, 'left');
        tag.here.clear();
        await flush(tag);
      }),
  };
};

const withinTime = (asking: Promise<void>, clock: Clock): Promise<void> =>
  new Promise((resolve) => {
    const cancel = clock.after(limits.clusterWhoMs, resolve);
    void asking.then(() => {
      cancel();
      resolve();
    });
  });
