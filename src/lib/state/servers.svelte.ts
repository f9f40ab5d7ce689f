import { communitySetServers } from '../contracts/community.ts';
import type { Mesh } from '../contracts/mesh.ts';
import type { Failure } from '../kernel/errors.ts';
import type { App } from './app.svelte.ts';
import { isLocal, parseSignalUrl } from './signal-check.ts';

export type ServerRow = Mesh['servers'][number] & {
  /** The neighbourhood knows it, and this person may take it out. */
  readonly canForget: boolean;
  /** Only this device knows it, and this person may tell the others. */
  readonly canTell: boolean;
};

/** The meeting servers, and what a trusted person may do about those that everybody here is told of. */
export const createServers = (app: App) => {
  let busy = $state<string | null>(null);
  const named = $derived(app.members.value?.servers ?? []);
  const mayTell = $derived(app.members.value?.members.some(({ isSelf, role }) => isSelf && role !== 'member') ?? false);

  const say = async (url: string, urls: readonly string[]): Promise<Failure | null> => {
    busy = url;
    const reply = await app.bus.call(communitySetServers, { urls: [...urls] });
    busy = null;
    return reply.ok ? null : reply.error;
  };

  return {
    get rows(): readonly ServerRow[] {
      return (app.mesh.value?.servers ?? []).map((server) => ({
        ...server,
        canForget: mayTell && named.includes(server.url),
        canTell: mayTell && !named.includes(server.url) && server.state === 'open' && leadsOthers(server.url),
      }));
    },
    get busy() {
      return busy;
    },
    /** Everybody in the neighbourhood tries it from then on; null when it is written. */
    tell: (url: string): Promise<Failure | null> => say(url, [...named, url]),
    forget: (url: string): Promise<Failure | null> =>
      say(
        url,
        named.filter((other) => other !== url),
      ),
  };
};
export type Servers = ReturnType<typeof createServers>;

const leadsOthers = (url: string): boolean => {
  const parsed = parseSignalUrl(url);
  return parsed !== null && !isLocal(parsed.hostname);
};
