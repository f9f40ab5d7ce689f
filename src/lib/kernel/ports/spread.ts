import type { Link } from './links.ts';

/**
 * How news of one source spreads where not everybody is linked with everybody: at once along a tree of links, one tree a source,
 * and told of beside it with the signs of life. Made by the overlay, asked by whoever passes something on.
 */
export type SpreadTree = {
  /** False in a neighbourhood so small that everybody is linked with everybody: then nothing is passed on and no tree is needed. */
  isNeeded(): boolean;
  /** True when what this source says goes over this link at once. */
  isEager(source: string, link: Link): boolean;
  /** Something of this source came over this link; what was no news came round, and the link leaves the tree at both ends. */
  heard(source: string, link: Link, isNews: boolean): void;
  /** The other end has news of this source that the tree has not brought: the link becomes a part of it at both ends. */
  missed(source: string, link: Link): void;
};
