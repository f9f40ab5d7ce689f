import { limits } from '../../kernel/limits.ts';
import type { Clock } from '../../kernel/ports/clock.ts';
import type { LinkList } from './link-list.ts';

export type Topology = {
  readonly nodes: readonly string[];
  /** Each once, the smaller id first. `isMutual` where both ends have said so. */
  readonly edges: readonly { readonly a: string; readonly b: string; readonly isMutual: boolean }[];
};

/** What members say of their links, newest word of each; a word counts for `ttlMs` by our own clock. */
export const createTopology = (deps: {
  readonly clock: Clock;
  readonly self: () => string;
  readonly ownLinks: () => readonly string[];
  readonly isMember: (device: string) => boolean;
  readonly ttlMs: () => number;
}) => {
  const listByDevice = new Map<string, LinkList & { readonly heardAt: number }>();

  const prune = (): void => {
    for (const [device, { heardAt }] of listByDevice)
      if (!deps.isMember(device) || Math.abs(deps.clock.now() - heardAt) > deps.ttlMs()) listByDevice.delete(device);
  };

  return {
    isNewer: ({ device, sentAt }: LinkList): boolean => sentAt > (listByDevice.get(device)?.sentAt ?? -1),
    keep: (list: LinkList): void => {
      if (listByDevice.size >= limits.overlayTreesMax) prune();
      if (listByDevice.size < limits.overlayTreesMax || listByDevice.has(list.device))
        listByDevice.set(list.device, { ...list, heardAt: deps.clock.now() });
    },
    /** What others say of their own links, word for word. */
    told: (): readonly { readonly from: string; readonly to: string }[] => {
      prune();
      return [...listByDevice.values()].flatMap(({ device, links }) => links.map((to) => ({ from: device, to })));
    },
    linksOf: (device: string): readonly string[] => listByDevice.get(device)?.links ?? [],
    view: (): Topology => {
      prune();
      const told = new Map([...listByDevice].map(([device, { links }]) => [device, links]));
      told.set(deps.self(), deps.ownLinks());
      const saidBy = new Map<string, number>();
      for (const [device, links] of told)
        for (const other of new Set(links)) {
          if (other === device || !deps.isMember(other)) continue;
          const edge = device < other ? `${device} ${other}` : `${other} ${device}`;
          saidBy.set(edge, (saidBy.get(edge) ?? 0) + 1);
        }
      const edges = [...saidBy].map(([edge, count]) => {
        const [a = '', b = ''] = edge.split(' ');
        return { a, b, isMutual: count > 1 };
      });
      return { nodes: [...new Set([...told.keys(), ...edges.flatMap(({ a, b }) => [a, b])])], edges };
    },
  };
};
