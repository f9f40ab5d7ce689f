import type { Clock } from '../ports/clock.ts';
import type { Provider, Registry } from './registry.ts';

type Wait = {
  readonly clock: Clock;
  readonly registry: Pick<Registry, 'onChange' | 'isEnded'>;
  /** Who of those that are waited for can be asked now. */
  readonly find: () => Provider | undefined;
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
  /** Whoever is offered already counts; otherwise only who comes with the next change. */
  readonly looksAtOnce: boolean;
};

/**
 * Waits until a lost provider is back: its link is up and it has told anew what it offers. That is the first moment at which it
 * can be asked, and needs no other sign. null when the time is over, the caller has left or the node stops.
 */
export const untilBack = ({ clock, registry, find, waitMs, signal, looksAtOnce }: Wait): Promise<Provider | null> =>
  new Promise((resolve) => {
    const stops: (() => void)[] = [];
    const end = (provider: Provider | null): void => {
      for (const stop of stops.splice(0)) stop();
      resolve(provider);
    };
    const leave = (): void => end(null);
    const look = (): void => {
      if (registry.isEnded()) return leave();
      const provider = find();
      if (provider) end(provider);
    };
    signal?.addEventListener('abort', leave);
    stops.push(() => signal?.removeEventListener('abort', leave), registry.onChange(look), clock.after(waitMs, leave));
    if (signal?.aborted || registry.isEnded()) leave();
    else if (looksAtOnce) look();
  });
