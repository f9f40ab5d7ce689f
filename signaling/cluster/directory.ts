import { limits } from '../../src/lib/kernel/wire/signal.ts';

/**
 * Who is at which tag at the other servers, as far as they told. Only tags somebody here is at are kept. Pure bookkeeping: no Redis,
 * no time of its own; times are milliseconds of the caller's clock.
 */
export type Directory = {
  /** They are at that server until `untilMs`, unless it says so again. Beyond the bound of a tag the rest is left out. */
  here(tag: string, node: string, ids: readonly string[], untilMs: number): void;
  /** Who is meanwhile at another server stays. */
  left(tag: string, node: string, ids: readonly string[]): void;
  nodeOf(tag: string, id: string, nowMs: number): string | null;
  ids(tag: string, nowMs: number): readonly string[];
  /** Everybody who was at that server is gone. */
  dropNode(node: string): void;
  nodes(): ReadonlySet<string>;
  forget(tag: string): void;
  clear(): void;
};

type Place = { readonly node: string; readonly untilMs: number };

export const createDirectory = (): Directory => {
  const tags = new Map<string, Map<string, Place>>();
  const nothing: ReadonlyMap<string, Place> = new Map();

  const remove = (where: (place: Place) => boolean): void => {
    for (const [tag, places] of tags) {
      for (const [id, place] of places) if (where(place)) places.delete(id);
      if (places.size === 0) tags.delete(tag);
    }
  };

  return {
    here: (tag, node, ids, untilMs) => {
      const places = tags.get(tag) ?? new Map<string, Place>();
      tags.set(tag, places);
      for (const id of ids)
        if (places.has(id) || places.size < limits.clusterPerTagMax) places.set(id, { node, untilMs });
    },
    left: (tag, node, ids) => {
      const places = tags.get(tag);
      for (const id of ids) if (places?.get(id)?.node === node) places.delete(id);
    },
    nodeOf: (tag, id, nowMs) => {
      const place = tags.get(tag)?.get(id);
      return place === undefined || place.untilMs < nowMs ? null : place.node;
    },
    ids: (tag, nowMs) =>
      Array.from(tags.get(tag) ?? nothing)
        .filter(([, { untilMs }]) => untilMs >= nowMs)
        .map(([id]) => id),
    dropNode: (node) => remove((place) => place.node === node),
    nodes: () => {
      const nodes = new Set<string>();
      for (const places of tags.values()) for (const { node } of places.values()) nodes.add(node);
      return nodes;
    },
    forget: (tag) => void tags.delete(tag),
    clear: () => tags.clear(),
  };
};
