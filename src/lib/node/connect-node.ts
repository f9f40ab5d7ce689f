import type { BusClient } from '../kernel/bus/bus-client.ts';
import { createStops, type Stop } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { createLeaderSeat, leaderLock } from './leader.ts';
import type { NodeWorkers, WorkerReports } from './start-workers.ts';
import { platformClock } from './platform.ts';
import { createWindowClient, type WindowClient } from './window-client.ts';
import { openWindowsChannel, windowsChannel } from './window-port.ts';

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
  /** Called when `trouble` or `otherBuild` may have changed. */
  onTrouble(listener: () => void): () => void;
  /** The build of another tab when it differs from this one's: the person is asked to reload, never made to. null else. */
  otherBuild(): string | null;
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

/** What the connection is made of; tests put several tabs into one page by giving them names of their own. */
export type ConnectParts = {
  readonly startWorkers: (reports: WorkerReports) => NodeWorkers | Promise<NodeWorkers>;
  readonly lockName: string;
  readonly channelName: string;
  readonly clock: Clock;
  readonly build: string;
  readonly isVisible: () => boolean;
};

/**
 * Connects this page to the one node of this browser profile: runs it when this tab holds the lock, else looks through the
 * tab that does. The bus is the same object all the time; only the way under it changes.
 */
export const connectNode = (parts: Partial<ConnectParts> = {}): NodeConnection => {
  const { startWorkers, lockName, channelName, clock, build, isVisible } = { ...pageParts(), ...parts };
  const tab = crypto.randomUUID();
  const stops = createStops();
  const roleListeners = new Set<(role: TabRole) => void>();
  const troubleListeners = new Set<() => void>();
  let trouble: string | null = null;
  let otherBuild: string | null = null;
  const otherBuildsByTab = new Map<string, string>();

  const setTrouble = (next: string | null): void => {
    if (next === trouble) return;
    trouble = next;
    for (const listener of troubleListeners) listener();
  };

  const noteBuilds = (): void => {
    const next = [...otherBuildsByTab.values()].at(-1) ?? null;
    if (next === otherBuild) return;
    otherBuild = next;
    for (const listener of troubleListeners) listener();
  };

  const channel = openWindowsChannel(channelName);
  stops.add(() => channel.close());
  const client = createWindowClient({ clock, window: tab, build });

  const lead = (): Stop => {
    setTrouble(null);
    return runNode({ startWorkers, client, onTrouble: setTrouble, onFenced: () => seat.stepDown() });
  };

  const seat = createLeaderSeat({
    locks: navigator.locks,
    lockName,
    channel,
    clock,
    tab,
    build,
    isVisible,
    lead,
    trouble: () => trouble?.slice(0, 200) ?? null,
    onTrouble: setTrouble,
    onBuildHeard: (other, heard) => {
      otherBuildsByTab.delete(other);
      if (heard !== null && heard !== build) otherBuildsByTab.set(other, heard);
      noteBuilds();
    },
    onRole: (role) => {
      otherBuildsByTab.clear();
      noteBuilds();
      if (role === 'following') client.use(channel);
      for (const listener of roleListeners) listener(role);
    },
  });
  stops.add(() => client.close());
  stops.add(leaveWithThePage(client));
  stops.add(seat.stop);
  seat.start();

  return {
    bus: { call: client.call, stream: client.stream },
    role: seat.role,
    onRole: (listener) => subscribe(roleListeners, listener),
    trouble: () => trouble,
    onTrouble: (listener) => subscribe(troubleListeners, listener),
    otherBuild: () => otherBuild,
    close: stops.run,
  };
};

type NodeRun = Omit<WorkerReports, 'onRestart'> & {
  readonly startWorkers: ConnectParts['startWorkers'];
  readonly client: Pick<WindowClient, 'use'>;
};

/** The node in this tab, from the taking of the seat to its end. Nothing is reported after the end. */
const runNode = ({ startWorkers, client, onTrouble, onFenced }: NodeRun): Stop => {
  let end: Stop = () => {};
  const begin = (): void => {
    let workers: NodeWorkers | null = null;
    let hasEnded = false;
    const whileRunning =
      <A extends unknown[]>(report: (...args: A) => void) =>
      (...args: A): void => {
        if (!hasEnded) report(...args);
      };
    end = () => {
      hasEnded = true;
      client.use(null);
      workers?.stop();
    };
    const onRestart = whileRunning(() => {
      end();
      begin();
    });
    const reports: WorkerReports = {
      onTrouble: whileRunning(onTrouble),
      onFenced: whileRunning(onFenced),
      onRestart,
    };
    client.use(null);
    const start = async (): Promise<void> => {
      try {
        const started = await startWorkers(reports);
        if (hasEnded) return started.stop();
        workers = started;
        client.use(started.windowPort);
      } catch (error) {
        reports.onTrouble(error instanceof Error ? error.message : String(error));
      }
    };
    void start();
  };
  begin();
  return () => end();
};

const subscribe = <T>(listeners: Set<T>, listener: T): Stop => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

/** A page that is put aside gives back what it holds open at the node; when it is shown again it asks for it anew. */
const leaveWithThePage = (client: { leave(): void; rejoin(): void }): Stop => {
  const onHide = (): void => client.leave();
  const onShow = (event: PageTransitionEvent): void => {
    if (event.persisted) client.rejoin();
  };
  globalThis.addEventListener('pagehide', onHide);
  globalThis.addEventListener('pageshow', onShow);
  return () => {
    globalThis.removeEventListener('pagehide', onHide);
    globalThis.removeEventListener('pageshow', onShow);
  };
};

const pageParts = (): ConnectParts => ({
  // Loaded when this tab leads: a window onto another tab's node needs none of it.
  startWorkers: async (reports) => (await import('./start-workers.ts')).startWorkers(reports),
  lockName: leaderLock,
  channelName: windowsChannel,
  clock: platformClock,
  build: __BUILD_ID__,
  isVisible: () => document.visibilityState === 'visible',
});
