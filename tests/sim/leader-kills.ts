import { createLeaderSeat } from '../../src/lib/node/leader.ts';
import type { WindowMessage } from '../../src/lib/node/window-message.ts';
import { createMemoryDisk, isSimulatedCrash, type StoreFault } from '../../src/lib/stores/memory-store.ts';
import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import { randomInt, type Random } from '../../src/lib/kernel/ports/random.ts';
import { settle } from '../unit/link-fixture.ts';
import { openLog, say, type Person } from '../unit/street-fixture.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { createTabLocks } from './tab-locks.ts';

export type KillCounts = {
  kills: number;
  /** Leaders that were frozen, lost their seat, and woke up believing that they still had it. */
  zombies: number;
  accepted: number;
  /** Accepted events that share lane and seq with another, and accepted ones that the last leader does not have. */
  duplicates: number;
  lost: number;
  /** Writes that a leader which had lost its seat could still make. */
  zombieWrites: number;
};

type Log = Awaited<ReturnType<typeof openLog>>['log'];
type Tab = {
  readonly name: string;
  readonly seat: ReturnType<typeof createLeaderSeat>;
  log: Log | null;
  isFrozen: boolean;
  isDead: boolean;
  /** What happens to the next commit of this tab's store. */
  fault: StoreFault | null;
};

/**
 * Tabs of one profile over one disk, with the real seat and the real log. Again and again the leading tab is killed while it writes,
 * or frozen until another has taken its seat and then woken; whoever leads writes on.
 */
export const killLeaders = async (deps: {
  readonly person: Person;
  readonly community: Uint8Array<ArrayBuffer>;
  readonly disk: ReturnType<typeof createMemoryDisk>;
  readonly random: Random;
  readonly kills: number;
}): Promise<KillCounts> => {
  const { person, community, disk, random } = deps;
  const clock = createVirtualClock(Date.UTC(2026, 5, 15, 14));
  const locks = createTabLocks();
  const tabs: Tab[] = [];
  const ears = new Map<string, (message: WindowMessage) => void>();
  const accepted: string[] = [];
  const counts: KillCounts = { kills: 0, zombies: 0, accepted: 0, duplicates: 0, lost: 0, zombieWrites: 0 };
  let opened = 0;

  const openTab = (): void => {
    const name = `tab ${++opened}`;
    const isSilent = (): boolean => tab.isDead || tab.isFrozen;
    const seat = createLeaderSeat({
      locks: locks.of(name),
      channel: {
        post: (message) => {
          if (isSilent()) return;
          for (const [to, hear] of [...ears]) if (to !== name) hear(message as WindowMessage);
        },
        listen: (hear) => {
          ears.set(name, (message) => {
            if (!isSilent()) hear(message);
          });
          return () => void ears.delete(name);
        },
        close: () => {},
      },
      clock: whileAwake(clock, isSilent),
      tab: name,
      build: 'sim',
      isVisible: () => true,
      lead: () => {
        void openNode(tab);
        return () => {
          if (!tab.isFrozen) tab.log = null;
        };
      },
      trouble: () => null,
      onRole: () => {},
      onTrouble: () => {},
      onBuildHeard: () => {},
    });
    const tab: Tab = { name, seat, log: null, isFrozen: false, isDead: false, fault: null };
    tabs.push(tab);
    seat.start();
  };
  const openNode = async (tab: Tab): Promise<void> => {
    const beforeCommit = (): StoreFault | null => tab.fault;
    const { log } = await openLog(person, community, { disk, clock, random, beforeCommit });
    if (!tab.isDead) tab.log = log;
  };
  const leader = async (): Promise<Tab> => {
    for (let turn = 0; turn < 100; turn++) {
      const found = tabs.find((tab) => tab.seat.role() === 'leading' && tab.log !== null && !tab.isFrozen);
      if (found) return found;
      clock.advance(1_000);
      await settle(3);
    }
    throw new Error('nobody leads');
  };
  const write = async (tab: Tab, count: number): Promise<void> => {
    for (let at = 0; at < count && tab.log !== null; at++) {
      const made = await say(tab.log, `${accepted.length} by ${tab.name}`).catch((error: unknown) => {
        if (!isSimulatedCrash(error)) throw error;
        return null;
      });
      if (made === null || !made.ok) return;
      accepted.push(`${made.value.event.header.lane} ${made.value.event.header.seq} ${made.value.event.id}`);
    }
  };
  const kill = async (tab: Tab): Promise<void> => {
    tab.fault = randomInt(random, 2) === 0 ? 'crash' : 'crash-after';
    const writing = write(tab, 2);
    if (randomInt(random, 2) === 0) await writing;
    tab.isDead = true;
    tab.fault = 'crash';
    ears.delete(tab.name);
    tabs.splice(tabs.indexOf(tab), 1);
    locks.died(tab.name);
    await writing;
    openTab();
  };
  const freeze = async (tab: Tab): Promise<void> => {
    const log = tab.log;
    tab.isFrozen = true;
    const next = await leader();
    await write(next, randomInt(random, 2));
    tab.isFrozen = false;
    counts.zombies += 1;
    if (log) {
      const made = await say(log, 'from the past');
      if (made.ok) counts.zombieWrites += 1;
    }
    // Its node has learnt by the refusal that it was fenced.
    tab.log = null;
    tab.seat.stepDown();
  };

  for (let each = 0; each < 3; each++) openTab();
  while (counts.kills < deps.kills) {
    const tab = await leader();
    await write(tab, 1 + randomInt(random, 3));
    if (randomInt(random, 4) === 0) await freeze(tab);
    else await kill(tab);
    counts.kills += 1;
    await settle(3);
  }
  const kept = new Set([...((await leader()).log?.all() ?? [])].map(({ event }) => event.id));
  const places = accepted.map((line) => line.slice(0, line.lastIndexOf(' ')));
  for (const { seat } of tabs) seat.stop();
  return {
    ...counts,
    accepted: accepted.length,
    duplicates: places.length - new Set(places).size,
    lost: accepted.filter((line) => !kept.has(line.slice(line.lastIndexOf(' ') + 1))).length,
  };
};

/** A frozen page's timers do not run; they fall due when it wakes. */
const whileAwake = (clock: Clock, isAsleep: () => boolean): Clock => ({
  now: clock.now,
  after: (delayMs, run) => {
    let cancel = (): void => {};
    const due = (): void => {
      if (isAsleep()) cancel = clock.after(delayMs, due);
      else run();
    };
    cancel = clock.after(delayMs, due);
    return () => cancel();
  },
});
