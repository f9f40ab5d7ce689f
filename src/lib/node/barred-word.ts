import { createStops } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Links } from '../kernel/ports/links.ts';
import { createSignal } from '../kernel/watch.ts';

const byeOfBar = /^bye:(?:removed|revoked|left)$/;
/** A neighbour who has let us stay so long has taken its word back. */
const takenBackMs = 10_000;

/**
 * What neighbours say at the door to a device that is out: it may be told so before it can read why, for nothing is handed
 * to it any more. It is a word, not a proof: it counts only while nobody else lets this device in, and nothing is kept of it.
 */
export const createBarredWord = ({ clock, links }: { readonly clock: Clock; readonly links: Links }) => {
  const saidBy = new Set<string>();
  const changed = createSignal();
  const stops = createStops();
  stops.add(
    links.onDown(({ peer }, reason) => {
      if (!byeOfBar.test(reason)) return;
      saidBy.add(peer.device);
      changed.tell();
    }),
  );
  stops.add(
    links.onUp((link) => {
      if (!saidBy.has(link.peer.device)) return changed.tell();
      clock.after(takenBackMs, () => {
        if (!link.isOpen || !saidBy.delete(link.peer.device)) return;
        changed.tell();
      });
    }),
  );
  return {
    /** Somebody said that this device is out, and nobody who is linked thinks otherwise. */
    isSaid: (): boolean => saidBy.size > 0 && links.all().every(({ peer }) => saidBy.has(peer.device)),
    onChange: changed.on,
    stop: stops.run,
  };
};
export type BarredWord = ReturnType<typeof createBarredWord>;
