/** Who can reach whom in a memory network: groups, and single directions that are blocked. */
export const createMemoryReach = () => {
  let groupByName: ReadonlyMap<string, number> = new Map();
  const blockedWays = new Set<string>();
  const way = (from: string, to: string): string => JSON.stringify([from, to]);
  return {
    partition: (groups: readonly (readonly string[])[]): void => {
      groupByName = new Map(groups.flatMap((names, group) => names.map((name) => [name, group] as const)));
    },
    block: (from: string, to: string): void => void blockedWays.add(way(from, to)),
    heal: (): void => {
      groupByName = new Map();
      blockedWays.clear();
    },
    isBlocked: (from: string, to: string): boolean =>
      groupByName.get(from) !== groupByName.get(to) || blockedWays.has(way(from, to)),
  };
};
