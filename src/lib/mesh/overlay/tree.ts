import { limits } from '../../kernel/limits.ts';
import { randomInt, type Random } from '../../kernel/ports/random.ts';

export type TreeDeps = {
  readonly nowMs: () => number;
  readonly random: Random;
  /** The links that stand now. */
  readonly links: () => readonly string[];
  /** Tells the other end of a link that this source's news shall no longer, or again, come over it at once. */
  readonly say: (link: string, word: 'prune' | 'graft', source: string) => void;
};

/** In a graft: all sources there are. */
const everySource = '';

/**
 * Which links carry the news of which source at once (plumtree). Every link does until news came round: then both ends take it out
 * of that source's tree, so that each device is told once. What a broken tree does not bring is heard of beside it, and the link
 * over which it was heard of is put in again. Sources are bounded: the one not heard of for longest begins anew with every link.
 */
export const createTree = ({ nowMs, random, links, say }: TreeDeps) => {
  /** The link over which a source's news came last. */
  const bringerBySource = new Map<string, string>();
  const graftedAt = new Map<string, number>();
  const lazyBySource = new Map<string, Set<string>>();

  const lazyOf = (source: string): Set<string> => {
    const known = lazyBySource.get(source) ?? new Set<string>();
    lazyBySource.delete(source);
    lazyBySource.set(source, known);
    const oldest = lazyBySource.size > limits.overlayTreesMax ? lazyBySource.keys().next().value : undefined;
    if (oldest !== undefined) {
      lazyBySource.delete(oldest);
      bringerBySource.delete(oldest);
    }
    return known;
  };

  return {
    isEager: (source: string, link: string): boolean => lazyBySource.get(source)?.has(link) !== true,
    heard: (source: string, link: string, isNews: boolean): void => {
      const lazy = lazyOf(source);
      if (isNews) {
        bringerBySource.set(source, link);
        return void lazy.delete(link);
      }
      lazy.add(link);
      say(link, 'prune', source);
    },
    /** Several neighbours tell of the same news; one of them is enough. */
    missed: (source: string, link: string): void => {
      if (Math.abs(nowMs() - (graftedAt.get(source) ?? Number.NEGATIVE_INFINITY)) < limits.graftPauseMs) return;
      if (graftedAt.size >= limits.overlayTreesMax) graftedAt.clear();
      graftedAt.set(source, nowMs());
      lazyOf(source).delete(link);
      say(link, 'graft', source);
    },
    /** The other end has said so. */
    told: (source: string, link: string, word: 'prune' | 'graft'): void => {
      if (word === 'prune') lazyOf(source).add(link);
      else if (source === everySource) for (const lazy of lazyBySource.values()) lazy.delete(link);
      else lazyOf(source).delete(link);
    },
    /**
     * A link that comes beside others carries nothing at once that has its tree already: what it could bring comes by another. A
     * device with no other link asks for everything over it.
     */
    up: (link: string, isOnly: boolean): void => {
      if (isOnly) return say(link, 'graft', everySource);
      for (const lazy of lazyBySource.values()) lazy.add(link);
    },
    /** How many sources have been heard of. */
    count: (): number => lazyBySource.size,
    /** In how many trees it is: a link that is in none goes without anybody noticing. */
    usesOf: (link: string): number => [...lazyBySource.values()].filter((lazy) => !lazy.has(link)).length,
    /**
     * Where it brought news, links that carry none of that source yet are asked to at once: a tree that waits for the next pings costs
     * its branch seconds. The others lead to those who had it from here.
     */
    down: (link: string): void => {
      const asked = new Set<string>();
      for (const [source, lazy] of lazyBySource) {
        lazy.delete(link);
        if (bringerBySource.get(source) !== link) continue;
        bringerBySource.delete(source);
        const others = links().filter((other) => other !== link && lazy.has(other));
        for (let turn = 0; turn < limits.treeMendLinks && others.length > 0; turn += 1) {
          const [other = ''] = others.splice(randomInt(random, others.length), 1);
          lazy.delete(other);
          if (asked.size < limits.treeMendWordsMax && asked.add(`${other} ${source}`)) say(other, 'graft', source);
        }
      }
    },
  };
};
export type Tree = ReturnType<typeof createTree>;
