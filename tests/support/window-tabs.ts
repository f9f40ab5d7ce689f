import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import { connectNode, type ConnectParts, type NodeConnection } from '../../src/lib/node/connect-node.ts';
import type { NodeWorkers } from '../../src/lib/node/start-workers.ts';
import { toWindowPort } from '../../src/lib/node/window-port.ts';
import type { FakeNodeInit } from './fake-node.worker.ts';

/** A browser profile of its own: its lock, channel and database are nobody else's. */
export type Profile = { readonly lockName: string; readonly channelName: string; readonly dbName: string };
export const createProfile = (name: string = crypto.randomUUID()): Profile => ({
  lockName: `lock-${name}`,
  channelName: `channel-${name}`,
  dbName: `db-${name}`,
});

export type TabWish = Partial<ConnectParts> & {
  /** Neither this tab's page nor its worker gets a timer, as when the browser froze it. */
  readonly isFrozen?: boolean;
  /** The worker goes on after it was told to end, as one that was frozen in the middle of its work. */
  readonly leavesZombie?: boolean;
};

const frozenClock: Clock = { now: () => Date.now(), after: () => () => {} };

/** One tab of the profile, with a real worker as soon as it leads. */
export const openTab = (
  { lockName, channelName, dbName }: Profile,
  wish: TabWish = {},
): NodeConnection & { readonly workers: Worker[] } => {
  const { isFrozen = false, leavesZombie = false, ...parts } = wish;
  const workers: Worker[] = [];
  const startWorkers = (): NodeWorkers => {
    const worker = new Worker(new URL('./fake-node.worker.ts', import.meta.url), { type: 'module' });
    workers.push(worker);
    const { port1, port2 } = new MessageChannel();
    const init: FakeNodeInit = { windowPort: port2, channelName, dbName, build: parts.build ?? 'dev', isFrozen };
    worker.postMessage(init, [port2]);
    const stop = (): void => {
      port1.close();
      if (!leavesZombie) worker.terminate();
    };
    return { windowPort: toWindowPort(port1), stop };
  };
  const tab = connectNode({
    lockName,
    channelName,
    startWorkers,
    isVisible: () => true,
    ...(isFrozen ? { clock: frozenClock } : {}),
    ...parts,
  });
  return { ...tab, workers };
};

/** Resolves when the tab has that role. */
export const hasRole = (tab: NodeConnection, role: 'leading' | 'following'): Promise<void> =>
  new Promise((resolve) => {
    if (tab.role() === role) return resolve();
    const stop = tab.onRole((now) => {
      if (now !== role) return;
      stop();
      resolve();
    });
  });
