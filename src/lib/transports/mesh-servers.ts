import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { SignallingState } from '../kernel/ports/transport.ts';
import { createMeshServer, type MeshServer, type MeshServerDeps } from './mesh-server.ts';
import type { TagListener } from './mesh-tags.ts';

/** Every server this device tries, all at once, in order of preference. */
export type MeshServers = {
  /** The same address again keeps its connection. */
  setUrls(urls: readonly string[]): void;
  states(): readonly SignallingState[];
  /** Of the first one that is open, else of the one nearest to it. */
  best(): SignallingState;
  /** Those that are connected now. */
  open(): readonly MeshServer[];
  /** Holds a tag on every server, those too that come later. */
  hold(tag: string, listener: (server: MeshServer) => TagListener): () => void;
  /** Called for each server that is there, at once, and each that comes; what it returns is called when the server goes. */
  onServer(listener: (server: MeshServer) => () => void): () => void;
  /** Milliseconds until a connected server answered at a meeting place made for this; null when none did in time. */
  tryMeeting(): Promise<number | null>;
  onState(listener: () => void): () => void;
  probe(): void;
  stop(): void;
};

export const createMeshServers = (deps: MeshServerDeps): MeshServers => {
  const goneByServer = new Map<MeshServer, Map<object, () => void>>();
  const newcomers = new Set<{ readonly tell: (server: MeshServer) => () => void }>();
  const stateListeners = new Set<() => void>();
  let servers: readonly MeshServer[] = [];
  let hasStopped = false;
  const changed = (): void => {
    for (const listener of [...stateListeners]) listener();
  };
  const add = (url: string): MeshServer => {
    const server = createMeshServer(deps, url);
    server.onState(changed);
    goneByServer.set(server, new Map([...newcomers].map((newcomer) => [newcomer, newcomer.tell(server)])));
    return server;
  };
  const remove = (server: MeshServer): void => {
    for (const gone of goneByServer.get(server)?.values() ?? []) gone();
    goneByServer.delete(server);
    server.stop();
  };
  const onServer: MeshServers['onServer'] = (tell) => {
    const newcomer = { tell };
    newcomers.add(newcomer);
    for (const server of servers) goneByServer.get(server)?.set(newcomer, tell(server));
    return () => {
      newcomers.delete(newcomer);
      for (const gones of goneByServer.values()) {
        gones.get(newcomer)?.();
        gones.delete(newcomer);
      }
    };
  };
  const open = (): readonly MeshServer[] => servers.filter((server) => server.joined() !== null);
  return {
    setUrls: (given) => {
      if (hasStopped) return;
      const urls = [...new Set(given)].filter((url) => url !== '').slice(0, limits.meshServersMax);
      for (const server of servers) if (!urls.includes(server.url)) remove(server);
      const kept = new Map(servers.map((server) => [server.url, server]));
      servers = urls.map((url) => kept.get(url) ?? add(url));
      changed();
    },
    states: () => servers.map((server) => server.state()),
    best: () => {
      const states = servers.map((server) => server.state());
      for (const wanted of bestFirst) {
        const found = states.find(({ state }) => state === wanted);
        if (found !== undefined) return found;
      }
      return { url: '', state: 'off', since: 0 };
    },
    open,
    hold: (tag, listener) => onServer((server) => server.hold(tag, listener(server))),
    onServer,
    tryMeeting: async () => {
      const tag = bytesToText(deps.random.bytes(24));
      const tried = await Promise.all(open().map((server) => server.tryMeeting(tag)));
      const answered = tried.filter((ms) => ms !== null);
      return answered.length === 0 ? null : Math.min(...answered);
    },
    onState: (listener) => {
      stateListeners.add(listener);
      return () => void stateListeners.delete(listener);
    },
    probe: () => {
      for (const server of servers) server.probe();
    },
    stop: () => {
      hasStopped = true;
      for (const server of servers) remove(server);
      servers = [];
      stateListeners.clear();
    },
  };
};

const bestFirst: readonly SignallingState['state'][] = ['open', 'connecting', 'lost', 'off'];
