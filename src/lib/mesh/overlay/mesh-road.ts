import { bytesToText } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import { randomInt, type Random } from '../../kernel/ports/random.ts';
import type { Road, RoadListener } from '../../kernel/ports/road.ts';
import type { OverlayWord } from './words.ts';

type RoadWord = Extract<OverlayWord, { t: 'road' }>;

export type MeshRoadDeps = {
  readonly random: Random;
  /** The ids of the links to members that stand now. */
  readonly links: () => readonly string[];
  readonly say: (link: string, word: RoadWord) => boolean;
  readonly onRefused: (reason: string) => void;
};

/**
 * Neighbours carry words of a meeting place for each other: a newcomer of one, or a device far away, meets the others over any link
 * that stands. A word goes over at most `limits.roadHopsMax` links; one meant for everybody goes on over a few links, once; one meant
 * for somebody goes back the way their words came, or nowhere. What is carried is sealed and nobody on the way can read it.
 */
export const createMeshRoad = ({ random, links, say, onRefused }: MeshRoadDeps) => {
  const self = bytesToText(random.bytes(16));
  const listenersByTag = new Map<string, Set<RoadListener>>();
  const wayByName = new Map<string, string>();
  const seen = new Set<string>();

  const isNew = (id: string): boolean => {
    if (seen.has(id)) return false;
    seen.add(id);
    const oldest = seen.size > limits.roadSeenMax ? seen.values().next().value : undefined;
    if (oldest !== undefined) seen.delete(oldest);
    return true;
  };
  const learn = (name: string, link: string): void => {
    wayByName.delete(name);
    wayByName.set(name, link);
    const oldest = wayByName.size > limits.roadNamesMax ? wayByName.keys().next().value : undefined;
    if (oldest !== undefined) wayByName.delete(oldest);
  };
  const sayTowards = (word: RoadWord): boolean => {
    const way = wayByName.get(word.to);
    return way !== undefined && links().includes(way) && say(way, word);
  };

  /** To a few of these links; how many took it. */
  const sayAround = (word: RoadWord, among: readonly string[]): number => {
    const others = [...among];
    let taken = 0;
    while (taken < limits.roadFanout && others.length > 0)
      for (const link of others.splice(randomInt(random, others.length), 1)) if (say(link, word)) taken += 1;
    return taken;
  };

  const road: Road = {
    name: 'mesh',
    enter: (tag, listener) => {
      const listeners = listenersByTag.get(tag) ?? new Set();
      listenersByTag.set(tag, listeners.add(listener));
      if (links().length > 0) listener.opened([]);
      return {
        say: (sealed, to) => {
          const id = bytesToText(random.bytes(16));
          isNew(id);
          const word: RoadWord = { t: 'road', id, tag, from: self, to: to ?? '', hops: limits.roadHopsMax, sealed };
          if (to !== null) return sayTowards(word);
          return sayAround(word, links()) > 0;
        },
        leave: () => {
          listeners.delete(listener);
          if (listeners.size === 0) listenersByTag.delete(tag);
        },
      };
    },
  };

  const passOn = (word: RoadWord, cameBy: string): void => {
    if (word.hops <= 1) return;
    const onward = { ...word, hops: word.hops - 1 };
    if (word.to !== '') return void sayTowards(onward);
    sayAround(
      onward,
      links().filter((link) => link !== cameBy),
    );
  };

  return {
    road,
    heard: (word: RoadWord, link: string): void => {
      if (word.hops < 1 || word.hops > limits.roadHopsMax) return onRefused('road-hops');
      if (word.from === self || !isNew(word.id)) return;
      learn(word.from, link);
      if (word.to === '' || word.to === self)
        for (const listener of listenersByTag.get(word.tag) ?? []) listener.heard(word.sealed, word.from);
      if (word.to !== self) passOn(word, link);
    },
    /** The first link stands: there is somebody to talk to. */
    opened: (): void => {
      for (const listeners of listenersByTag.values()) for (const listener of [...listeners]) listener.opened([]);
    },
    down: (link: string): void => {
      for (const [name, way] of wayByName) if (way === link) wayByName.delete(name);
    },
  };
};
export type MeshRoad = ReturnType<typeof createMeshRoad>;
