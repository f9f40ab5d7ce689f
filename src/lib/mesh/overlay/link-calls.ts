import { limits } from '../../kernel/limits.ts';
import type { Clock } from '../../kernel/ports/clock.ts';
import type { Link, Links } from '../../kernel/ports/links.ts';

export type LinkCallsDeps = {
  readonly clock: Clock;
  readonly links: Links;
  /** Tells it, and whoever may pass it on, that a link is wished for. */
  readonly ask: (device: string) => void;
};

type Waiting = { readonly resolvers: ((link: Link | null) => void)[]; readonly cancelTimer: () => void };

/**
 * Links on demand: a call to a device without a link asks for one and waits for it a bounded time. Such links stay while they are
 * used; the ones not used for longest are given up first.
 */
export const createLinkCalls = ({ clock, links, ask }: LinkCallsDeps) => {
  const waitingByDevice = new Map<string, Waiting>();
  /** Devices whose wish for a link with us was heard, and until when it counts. */
  const wishedUntil = new Map<string, number>();
  const usedAt = new Map<string, number>();

  const finish = (device: string, link: Link | null): void => {
    const waiting = waitingByDevice.get(device);
    if (!waiting) return;
    waitingByDevice.delete(device);
    waiting.cancelTimer();
    for (const resolve of waiting.resolvers) resolve(link);
  };
  const use = (device: string): void => {
    usedAt.delete(device);
    usedAt.set(device, clock.now());
  };

  return {
    /** null when none could be made in `limits.linkOnDemandMs`. */
    linkTo: (device: string): Promise<Link | null> => {
      const standing = links.of(device);
      if (usedAt.has(device) || !standing) use(device);
      if (standing) return Promise.resolve(standing);
      return new Promise((resolve) => {
        const waiting = waitingByDevice.get(device);
        if (waiting) return void waiting.resolvers.push(resolve);
        const cancelTimer = clock.after(limits.linkOnDemandMs, () => {
          usedAt.delete(device);
          finish(device, null);
        });
        waitingByDevice.set(device, { resolvers: [resolve], cancelTimer });
        ask(device);
      });
    },
    noteWish: (device: string): void => {
      if (wishedUntil.size >= limits.linksMax) wishedUntil.clear();
      wishedUntil.set(device, clock.now() + limits.linkOnDemandMs);
    },
    /** A link to it is asked for, by us or by it. */
    isAsked: (device: string): boolean =>
      waitingByDevice.has(device) || (wishedUntil.get(device) ?? Number.NEGATIVE_INFINITY) > clock.now(),
    /** Made for a call of ours that was not long ago. */
    isUsed: (device: string): boolean =>
      clock.now() - (usedAt.get(device) ?? Number.NEGATIVE_INFINITY) < limits.linkOnDemandIdleMs,
    /** The one not used for longest, to make room. */
    oldest: (): string | null => [...usedAt.keys()].find((device) => links.of(device) !== null) ?? null,
    up: (link: Link): void => finish(link.peer.device, link),
    down: (device: string): void => {
      if (!waitingByDevice.has(device)) usedAt.delete(device);
    },
    stop: (): void => {
      for (const device of [...waitingByDevice.keys()]) finish(device, null);
    },
  };
};
export type LinkCalls = ReturnType<typeof createLinkCalls>;
