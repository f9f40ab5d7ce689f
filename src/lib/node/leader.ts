import { createStops, type Stop } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { WindowMessage } from './window-message.ts';
import type { WindowPort } from './window-port.ts';

/** One device a browser profile, so one name stands for the device. */
export const leaderLock = 'hearthnet:node';

export type LeaderRole = 'starting' | 'leading' | 'following';

export type LeaderDeps = {
  readonly locks: Pick<LockManager, 'request'>;
  readonly lockName?: string;
  /** The broadcast channel all tabs hear. */
  readonly channel: WindowPort;
  readonly clock: Clock;
  readonly tab: string;
  readonly build: string;
  readonly isVisible: () => boolean;
  /** Starts the node in this tab; the returned function ends it at once, whatever it is doing. */
  readonly lead: () => Stop;
  readonly onRole: (role: LeaderRole) => void;
  /** Why the node of this tab does not run, told to the followers with each beat. */
  readonly trouble: () => string | null;
  /** Why there is no node, as heard from the leader, or because this browser gives no lock. */
  readonly onTrouble: (trouble: string | null) => void;
  /**
   * The build of another tab, also when it is the same as this one's: of each follower while leading (null when it has left),
   * of 'leader' while following. Whatever was heard before a change of role is out of date.
   */
  readonly onBuildHeard: (tab: string, build: string | null) => void;
};

/**
 * One tab leads: it holds the Web Lock and runs the node; the lock's queue is the line of succession, so a closed or crashed
 * leader is followed at once. A leader that is frozen keeps its lock but misses its beats; then a follower that somebody
 * looks at steals the seat. The old leader hears so when it wakes, ends its node and follows; what its node still tries to
 * write is refused by the store (epoch), not by this file.
 */
export const createLeaderSeat = (deps: LeaderDeps) => {
  const { channel, clock, tab, build } = deps;
  let role: LeaderRole = 'starting';
  let missedBeats = 0;
  const stops = createStops();

  const become = (next: LeaderRole): void => {
    role = next;
    missedBeats = 0;
    deps.onRole(next);
  };

  const beat = (): void => channel.post({ type: 'leading', tab, build, trouble: deps.trouble() });

  const succession = createSuccession(deps.locks, deps.lockName ?? leaderLock, {
    lead: () => {
      const endNode = deps.lead();
      become('leading');
      beat();
      return endNode;
    },
    follow: () => become('following'),
    fail: (reason) => deps.onTrouble(`lock: ${reason}`),
  });

  const turn = (): void => {
    if (role === 'leading') return beat();
    if (role !== 'following') return;
    // Turns of this tab are counted, not time: after the machine slept, the leader gets its chance to beat first.
    missedBeats = deps.isVisible() ? missedBeats + 1 : 0;
    if (missedBeats <= limits.nodeBeatsMissedMax) return;
    missedBeats = 0;
    succession.steal();
  };

  const hear = (message: WindowMessage): void => {
    if (role === 'leading') {
      if (message.type === 'hello') {
        deps.onBuildHeard(message.window, message.build);
        // A tab that has just come need not wait for the next turn to learn who leads.
        beat();
      }
      if (message.type === 'bye') deps.onBuildHeard(message.window, null);
      return;
    }
    if (message.type === 'leading') {
      missedBeats = 0;
      deps.onBuildHeard('leader', message.build);
      deps.onTrouble(message.trouble);
    }
    // The node's own beat, from its worker: the timers of a hidden page may be too slow to beat.
    if (message.type === 'beat') missedBeats = 0;
  };

  return {
    role: (): LeaderRole => role,
    start: (): void => {
      stops.add(channel.listen(hear));
      stops.add(every(clock, () => limits.nodeBeatMs, turn));
      succession.start();
    },
    /** Gives the seat to the next in the queue and joins its end: this tab's node has learnt that it was fenced. */
    stepDown: succession.stepDown,
    stop: (): void => {
      stops.run();
      succession.stop();
    },
  };
};
export type LeaderSeat = ReturnType<typeof createLeaderSeat>;

type Succession = {
  /** The lock is ours: begins to lead; the returned function ends it. */
  readonly lead: () => Stop;
  readonly follow: () => void;
  /** The browser gives no locks here. */
  readonly fail: (reason: string) => void;
};

/** The lock as a line of succession: leads while it is held, waits in the queue otherwise, from `start` until `stop`. */
const createSuccession = (locks: LeaderDeps['locks'], lockName: string, { lead, follow, fail }: Succession) => {
  let state: 'new' | 'running' | 'stopped' = 'new';
  let waiting = new AbortController();
  /** Set while leading: ends the leading and lets the lock go. */
  let leaveSeat: Stop | null = null;
  let requests = 0;

  /** One request, to its end; then back into the queue, unless another request of ours is still under way. */
  const sit = async (options: LockOptions): Promise<void> => {
    let leave: Stop | null = null;
    /** Called with the lock; it is held until the returned promise settles. */
    const hold = (lock: Lock | null): Promise<void> | void => {
      if (!lock || state !== 'running') return;
      return new Promise((release) => {
        const endLeading = lead();
        leave = () => {
          leaveSeat = null;
          leave = null;
          endLeading();
          release();
        };
        leaveSeat = leave;
      });
    };
    requests += 1;
    try {
      await locks.request(lockName, options, hold);
    } catch (error) {
      // Either our place in the queue was given up, in order to steal or to stop, or the seat was stolen from us.
      if (!isAbort(error)) return fail(error instanceof Error ? error.message : String(error));
      (leave as Stop | null)?.();
    } finally {
      requests -= 1;
    }
    if (state === 'running' && requests === 0) queue();
  };

  const queue = (): void => {
    follow();
    waiting = new AbortController();
    void sit({ signal: waiting.signal });
  };

  return {
    start: (): void => {
      if (state !== 'new') return;
      state = 'running';
      void sit({ ifAvailable: true });
    },
    steal: (): void => {
      waiting.abort();
      void sit({ steal: true });
    },
    stepDown: (): void => leaveSeat?.(),
    stop: (): void => {
      state = 'stopped';
      waiting.abort();
      leaveSeat?.();
    },
  };
};

const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';
