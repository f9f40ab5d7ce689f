import { limits } from '../../kernel/limits.ts';
import type { Clock } from '../../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, SigningKey } from '../../kernel/ports/crypto.ts';
import type { GossipVerdict } from './gossip.ts';
import type { KnownDevices } from './known-devices.ts';
import { readLinkList, signLinkList } from './link-list.ts';
import type { createTopology } from './topology.ts';

export type LinkListsDeps = {
  readonly clock: Clock;
  readonly communityNow: () => number;
  readonly crypto: CryptoPort;
  readonly signing: SigningKey;
  readonly self: () => string;
  readonly isMember: (device: string) => boolean;
  readonly topology: ReturnType<typeof createTopology>;
  readonly known: KnownDevices;
  /** The devices this one is linked with now, members all. */
  readonly linked: () => readonly string[];
  readonly tell: (signed: Bytes) => void;
  readonly onRefused: (reason: string) => void;
  readonly onNews: () => void;
};

/** What devices sign and say of whom they are linked with: theirs judged and kept, our own told when it changes. */
export const createLinkLists = (deps: LinkListsDeps) => {
  const { clock, self, isMember, topology, known } = deps;
  let toldAt = 0;
  let cancelTell: (() => void) | null = null;

  const tell = async (): Promise<void> => {
    const links = deps.linked();
    if (!isMember(self()) || links.length === 0) return;
    toldAt = Math.max(toldAt + 1, Math.floor(deps.communityNow()));
    deps.tell(await signLinkList(deps.signing, { sentAt: toldAt, links }));
  };

  return {
    tell,
    /** Links that come and go together are told together. */
    tellSoon: (): void => {
      cancelTell ??= clock.after(limits.linksTellMs, () => {
        cancelTell = null;
        void tell();
      });
    },
    take: async (signed: Bytes): Promise<{ verdict: GossipVerdict; device: string }> => {
      const list = readLinkList(signed);
      const refuse = (reason: string) => {
        deps.onRefused(reason);
        return { verdict: 'refused' as const, device: '' };
      };
      if (!list) return refuse('links-malformed');
      if (!isMember(list.device)) return refuse('links-stranger');
      // Of oneself one knows more than any neighbour tells.
      if (list.device === self() || !topology.isNewer(list)) return { verdict: 'known', device: list.device };
      if (!(await list.verify(deps.crypto))) return refuse('links-signature');
      if (!topology.isNewer(list)) return { verdict: 'known', device: list.device };
      topology.keep(list);
      known.note(list.device, list.links.length);
      known.noteHeard(list.device);
      deps.onNews();
      return { verdict: 'news', device: list.device };
    },
    stop: (): void => {
      cancelTell?.();
      cancelTell = null;
    },
  };
};
export type LinkLists = ReturnType<typeof createLinkLists>;
