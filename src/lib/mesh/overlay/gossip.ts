import { limits } from '../../kernel/limits.ts';
import type { Clock } from '../../kernel/ports/clock.ts';
import type { Bytes } from '../../kernel/ports/crypto.ts';
import { createPaced } from './word-pace.ts';

/** What came of a signed word of somebody: news to pass on, known already, or nothing to be believed. */
export type GossipVerdict = 'news' | 'known' | 'refused';
export type GossipKind = 'presence' | 'links';

export type GossipDeps = {
  readonly clock: Clock;
  readonly self: () => string;
  readonly links: () => readonly string[];
  readonly tree: {
    isEager(source: string, link: string): boolean;
    heard(source: string, link: string, isNews: boolean): void;
  };
  readonly say: (link: string, kind: GossipKind, signed: Bytes) => void;
  /** Judges, and keeps what is news. `device` is whose word it turned out to be. */
  readonly take: (
    kind: GossipKind,
    signed: Bytes,
  ) => Promise<{ readonly verdict: GossipVerdict; readonly device: string }>;
  readonly onRefused: (reason: string) => void;
};

/**
 * Signed words of devices about themselves, passed on along the tree of each device. Only what was news goes on, so nothing travels
 * in circles; each costs a check of a signature, so of one link so many are looked at in a minute.
 */
export const createGossip = (deps: GossipDeps) => {
  const paces = createPaced(deps.clock, limits.presencePerMinuteMax * 2);
  const sourceOf = (kind: GossipKind, device: string): string => `${kind === 'links' ? 'l' : 'p'}${device}`;

  const pass = (kind: GossipKind, device: string, signed: Bytes, from: string | null): void => {
    for (const link of deps.links())
      if (link !== from && deps.tree.isEager(sourceOf(kind, device), link)) deps.say(link, kind, signed);
  };

  return {
    /** This device's own word, to be heard by everybody. */
    tell: (kind: GossipKind, signed: Bytes): void => pass(kind, deps.self(), signed, null),
    heard: async (kind: GossipKind, signed: Bytes, link: string): Promise<void> => {
      if (!paces.takes(link)) return deps.onRefused('gossip-too-often');
      const { verdict, device } = await deps.take(kind, signed);
      if (verdict === 'refused') return;
      deps.tree.heard(sourceOf(kind, device), link, verdict === 'news');
      if (verdict === 'news') pass(kind, device, signed, link);
    },
    down: paces.forget,
  };
};
export type Gossip = ReturnType<typeof createGossip>;
