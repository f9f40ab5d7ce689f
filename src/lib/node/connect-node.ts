import type { BusClient } from '../kernel/bus-client.ts';

/** Whether this tab runs the node itself or looks through another tab's. */
export type TabRole = 'starting' | 'leading' | 'following';

/** Why no node can run here, found before anything is started; each has its own plain sentence on the page. */
export type Obstacle = 'insecure-origin' | 'no-storage' | 'no-crypto' | 'no-workers';

export type NodeConnection = {
  readonly bus: BusClient;
  role(): TabRole;
  onRole(listener: (role: TabRole) => void): () => void;
  /** The node could not start, or died; a sentence of its own for Details. null while it is well. */
  trouble(): string | null;
  onTrouble(listener: () => void): () => void;
  close(): void;
};

/** Checks the platform. Called by the shell before `connectNode`. */
export const findObstacle = (): Obstacle | null => {
  if (!globalThis.isSecureContext) return 'insecure-origin';
  if (!globalThis.crypto?.subtle) return 'no-crypto';
  if (!globalThis.indexedDB) return 'no-storage';
  if (!globalThis.Worker || !globalThis.BroadcastChannel || !navigator.locks) return 'no-workers';
  return null;
};
