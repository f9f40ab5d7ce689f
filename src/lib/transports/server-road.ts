import { concatBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Road } from '../kernel/ports/road.ts';
import type { MeshServer } from './mesh-server.ts';

/** First byte of what devices send each other over a server: a sealed word of a meeting place, or a frame of a relayed link. */
export const serverLanes = { word: 0, relay: 1 } as const;

/**
 * The road over one server, which passes words on to one connection at a time. To everybody means: to those the server has named
 * at the tag and those heard there, `limits.serverRoadNamesMax` who came up last.
 */
export const createServerRoad = (server: MeshServer): Road => ({
  name: 'server',
  enter: (tag, listener) => {
    const names = new Set<string>();
    const note = (name: string): boolean => {
      const isNews = !names.delete(name);
      names.add(name);
      const [oldest] = names;
      if (names.size > limits.serverRoadNamesMax && oldest !== undefined) names.delete(oldest);
      return isNews;
    };
    const leave = server.hold(tag, {
      from: (bytes, from) => {
        if (bytes[0] !== serverLanes.word) return;
        note(from);
        listener.heard(bytes.subarray(1), from);
      },
      met: (near, isFresh) => {
        const news = near.map(note);
        if (isFresh || news.includes(true)) listener.opened(near);
      },
      undelivered: (to, why) => {
        if (to !== null && why === 'gone') names.delete(to);
      },
    });
    return {
      say: (sealed, to) => {
        const bytes = concatBytes(Uint8Array.of(serverLanes.word), sealed);
        if (to !== null) return server.send(to, tag, bytes);
        // Nobody near is no failure: the server knows that this device is here, and names it to whoever comes.
        return [...names].map((name) => server.send(name, tag, bytes)).every(Boolean) && server.joined() !== null;
      },
      leave,
    };
  },
});
