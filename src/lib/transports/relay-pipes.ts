import { limits } from '../kernel/limits.ts';
import type { OpenPipe } from './pipe.ts';
import { openRelayPipe, type RelayPipe, type RelayPipeDeps } from './relay-pipe.ts';

export type RelayPipesDeps = Pick<RelayPipeDeps, 'clock' | 'random' | 'servers' | 'refused'>;

export type RelayPipes = {
  /** Pipes between those who meet at this tag. */
  at(tag: string): OpenPipe;
  closeAll(): void;
};

/** Pipes over servers; none while no server is connected. At most `limits.linksMax` in the making in each role, `limits.relayPipesMax` in all. */
export const createRelayPipes = (deps: RelayPipesDeps): RelayPipes => {
  const pipes = new Set<RelayPipe>();
  return {
    at: (tag) => (role, handlers) => {
      const making = [...pipes].filter((pipe) => !pipe.isOpen() && pipe.role === role).length;
      if (making >= limits.linksMax || pipes.size >= limits.relayPipesMax || deps.servers.open().length === 0)
        return null;
      const pipe = openRelayPipe({ ...deps, tag, role, handlers, over: () => void pipes.delete(pipe) });
      pipes.add(pipe);
      return pipe;
    },
    closeAll: () => {
      for (const pipe of pipes) pipe.end('stopped');
    },
  };
};
