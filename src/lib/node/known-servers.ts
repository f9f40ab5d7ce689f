import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { Transport } from '../kernel/ports/transport.ts';
import { kinds, parsePayload } from '../log/kinds.ts';
import { authorityLane } from '../log/event.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import { isServerAddress } from '../log/server-address.ts';

export type KnownServersDeps = {
  readonly clock: Clock;
  readonly transport: Pick<Transport, 'setServers' | 'state'>;
  readonly holder: { current(): Neighbourhood | null; onChange(listener: () => void): () => void };
  /** '' where this person has set none. */
  readonly ownUrl: () => string;
  readonly defaultUrl: string;
  /** Writes the list for everybody; refused where this device is not trusted. */
  readonly tell: (urls: readonly string[]) => Promise<unknown>;
  readonly mayTell: () => boolean;
};

export type ServerOrigin = 'own' | 'default' | 'neighbourhood';

/**
 * Which servers this node tries: the person's own, those the neighbourhood has named in its log, and the one the app came with. So a
 * device that was away for weeks finds the others also when the server it knew is gone. A trusted device whose server has stood for a
 * while tells the others of it, once: an address that was ever named and taken out again is not brought back by itself.
 */
export const createKnownServers = (deps: KnownServersDeps) => {
  const { clock, transport, holder, ownUrl, defaultUrl } = deps;
  const stops = createStops();
  let given: readonly string[] | null = null;
  let isTelling = false;

  const named = (): readonly string[] => holder.current()?.membership().servers ?? [];
  const settle = (): void => {
    const urls = [...new Set([ownUrl() || defaultUrl, ...named(), defaultUrl])]
      .filter((url) => url !== '')
      .slice(0, limits.meshServersMax);
    if (given && urls.join(' ') === given.join(' ')) return;
    given = urls;
    transport.setServers(urls);
  };

  const tellOwn = async (): Promise<void> => {
    const here = holder.current();
    const url = ownUrl() || defaultUrl;
    if (!here || isTelling || !deps.mayTell() || !isForOthers(url) || wasNamed(here, url)) return;
    const server = transport.state().servers.find((each) => each.url === url);
    const hasStood = server?.state === 'open' && Math.abs(clock.now() - server.since) >= limits.serverTellMs;
    if (!hasStood || named().length >= limits.serversInLogMax) return;
    isTelling = true;
    try {
      await deps.tell([...named(), url]);
    } finally {
      isTelling = false;
    }
  };

  return {
    start: () => {
      settle();
      stops.add(holder.onChange(settle));
      stops.add(
        every(
          clock,
          () => limits.serverTellMs,
          () => void tellOwn(),
        ),
      );
    },
    stop: stops.run,
    /** The person has set another address of their own. */
    settle,
    originOf: (url: string): ServerOrigin =>
      url === ownUrl() ? 'own' : url === defaultUrl || !named().includes(url) ? 'default' : 'neighbourhood',
  } satisfies Startable & Record<string, unknown>;
};
export type KnownServers = ReturnType<typeof createKnownServers>;

/** An address of this very device leads nobody else anywhere. */
const isForOthers = (url: string): boolean =>
  isServerAddress(url) && !/^wss?:\/\/(localhost|127\.|\[::1\]|0\.0\.0\.0)/.test(url);

const wasNamed = ({ log }: Neighbourhood, url: string): boolean => {
  for (const { event, payload } of log.all(authorityLane)) {
    if (event.header.kind !== kinds['community.servers'].number || !payload) continue;
    const body = parsePayload('community.servers', payload);
    if (body.ok && body.value.urls.includes(url)) return true;
  }
  return false;
};
