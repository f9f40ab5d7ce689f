import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startWorkers } from '../../src/lib/node/start-workers.ts';
import { watchPlatform } from '../support/platform-watch.ts';
import { createProfile, openTab } from '../support/window-tabs.ts';
import { echo, view } from '../support/window-world.ts';

/** A tab with a real lock, real channels, a real worker and real IndexedDB, and the app's own workers; what is open is counted. */
let platform: ReturnType<typeof watchPlatform>;
beforeEach(() => {
  platform = watchPlatform();
});
afterEach(() => platform.stop());

const nothing = { workers: 0, broadcastChannels: 0, ports: 0, timers: 0, listeners: 0 };

const locksOf = async (name: string): Promise<number> => {
  const { held = [], pending = [] } = await navigator.locks.query();
  return [...held, ...pending].filter((lock) => lock.name?.includes(name)).length;
};

/** The browser lets a lock go a moment after its holder did. */
const untilNoLock = async (name: string): Promise<void> => {
  for (let turn = 0; turn < 100 && (await locksOf(name)) > 0; turn++) await platform.pause(10);
};

describe('a tab that comes and goes', () => {
  it('200 times leaves no worker, channel, port, lock, timer or listener', { timeout: 240_000 }, async () => {
    const profile = createProfile();
    for (let cycle = 0; cycle < 200; cycle++) {
      const tab = openTab(profile);
      // Closed at once, before its node has answered, with a subscription open, or after a call.
      if (cycle % 4 === 1) void tab.bus.stream(view, {}).next();
      if (cycle % 20 === 0) expect((await tab.bus.call(echo, { text: 'here' })).ok).toBe(true);
      tab.close();
      if (cycle % 2) tab.close();
      await untilNoLock(profile.lockName);
      expect([cycle, platform.counts(), await locksOf(profile.lockName)]).toEqual([cycle, nothing, 0]);
    }
  });
});

describe('the workers of the app', () => {
  it(
    'started and stopped 200 times, and stopped twice, leave nothing open in the page',
    { timeout: 240_000 },
    async () => {
      Object.assign(globalThis, { __BUILD_ID__: 'lifecycle', __SIGNAL_URL__: 'ws://localhost:1/mesh' });
      const reports = { onTrouble: () => {}, onFenced: () => {}, onRestart: () => {} };
      for (let cycle = 0; cycle < 200; cycle++) {
        const workers = startWorkers(reports);
        if (cycle % 50 === 0) await platform.pause(500);
        workers.stop();
        if (cycle % 2) workers.stop();
        // The host of peer connections is loaded behind; it has to notice that it is not wanted any more.
        await platform.pause(0);
        expect([cycle, platform.counts()]).toEqual([cycle, nothing]);
      }
    },
  );
});
