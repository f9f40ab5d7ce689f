import { limits } from '../../kernel/limits.ts';
import type { Bytes } from '../../kernel/ports/crypto.ts';
import type { Random } from '../../kernel/ports/random.ts';
import type { LiveLink } from '../link.ts';
import { createGossip, type GossipVerdict } from './gossip.ts';
import { createLinkLists, type LinkListsDeps } from './link-lists.ts';
import { createTopology } from './topology.ts';
import { createTree } from './tree.ts';
import type { WordBox } from './word-box.ts';

export type SpreadingDeps = Omit<LinkListsDeps, 'topology' | 'linked' | 'tell'> & {
  readonly random: Random;
  readonly live: () => readonly LiveLink[];
  readonly deviceCount: () => number;
  readonly takePresence: (signed: Bytes) => Promise<{ readonly verdict: GossipVerdict; readonly device: string }>;
  readonly say: WordBox['say'];
  /** The links over which words go, those to members. */
  readonly linkIds: () => readonly string[];
};

/** How news reaches those this device is not linked with: the trees it goes along, and what each tells of itself and its links. */
export const createSpreading = (deps: SpreadingDeps) => {
  const { clock, self, isMember, say } = deps;
  const linked = (): readonly string[] => deps.live().map(({ peer }) => peer.device);
  /** How often a device is heard of by those it is not linked with: the more there are, the more seldom. */
  const spreadMs = (): number => Math.max(limits.presenceIntervalMs, deps.deviceCount() * limits.spreadPerDeviceMs);
  const tree = createTree({
    nowMs: clock.now,
    random: deps.random,
    links: deps.linkIds,
    say: (link, word, source) => void say(link, { t: word, source }),
  });
  const topology = createTopology({ clock, self, isMember, ownLinks: linked, ttlMs: () => 3 * spreadMs() });
  const take = (kind: 'links' | 'presence', signed: Bytes): ReturnType<SpreadingDeps['takePresence']> =>
    kind === 'links' ? lists.take(signed) : deps.takePresence(signed);
  const gossip = createGossip({
    clock,
    self,
    links: deps.linkIds,
    tree,
    say: (link, kind, signed) => void say(link, { t: kind, signed }),
    take,
    onRefused: deps.onRefused,
  });
  const lists = createLinkLists({ ...deps, topology, linked, tell: (signed) => gossip.tell('links', signed) });
  return { tree, gossip, topology, lists, spreadMs };
};
export type Spreading = ReturnType<typeof createSpreading>;
