import type { Stop } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Link, Links } from '../kernel/ports/links.ts';
import { encodeFrame } from '../replica/frames.ts';

const farewellMs = 1_000;

/**
 * Ends the links to devices that are out, as soon as the fold says so: nothing is told them any more at once, they hear why, and
 * the link goes when the word has had a moment on the wire.
 */
export const createBarredLinks = (deps: {
  readonly clock: Clock;
  readonly links: Links;
  /** Why this device may not be a neighbour; null when it may. */
  readonly barOf: (device: string, person: string) => string | null;
  /** Ends sync on a link without closing it. */
  readonly forget: (link: Link) => void;
  readonly onChange: (listener: () => void) => Stop;
}): Stop => {
  const { clock, links } = deps;
  const cancels = new Map<string, Stop>();
  const look = (): void => {
    for (const link of links.all()) {
      const bar = deps.barOf(link.peer.device, link.peer.person);
      if (bar === null || cancels.has(link.id)) continue;
      deps.forget(link);
      link.send('sync', encodeFrame({ type: 'bye', reason: bar }));
      cancels.set(
        link.id,
        clock.after(farewellMs, () => {
          cancels.delete(link.id);
          link.close(`barred:${bar}`);
        }),
      );
    }
  };
  const stop = deps.onChange(look);
  look();
  return () => {
    stop();
    for (const cancel of cancels.values()) cancel();
  };
};
