import { describe, expect, it } from 'vitest';
import { createStorage } from '../../../src/lib/state/storage.svelte.ts';

type Story = { member: boolean | null; installed: boolean };

/** A browser with so much room, that says yes or no when it is asked to keep everything. */
const setUp = (
  start: Story,
  { used = 10, granted = 1_000, says = true, kept = new Map<string, string>(), details = {} } = {},
) => {
  const story = { ...start };
  let asked = 0;
  const storage = {
    persist: async () => ((asked += 1), says),
    persisted: async () => false,
    estimate: async () => ({ usage: used * 1024 * 1024, quota: granted * 1024 * 1024, ...details }),
  };
  const store = {
    read: (key: string) => kept.get(key) ?? null,
    write: (key: string, text: string) => void kept.set(key, text),
  };
  const state = createStorage({ isMember: () => story.member, isInstalled: () => story.installed, storage, store });
  state.note(story.member, story.installed);
  const become = (change: Partial<Story>): void => {
    Object.assign(story, change);
    state.note(story.member, story.installed);
  };
  return { state, become, asked: () => asked };
};

describe('the promise to keep what is here', () => {
  it('is not asked for because a page was opened, by whoever', () => {
    for (const member of [true, false]) {
      const { become, asked } = setUp({ member: null, installed: member });
      become({ member });
      become({ member });
      expect(asked()).toBe(0);
    }
  });

  it('is asked for once when anna founds or is let in, and her browser says what it says', async () => {
    const { state, become, asked } = setUp({ member: null, installed: false }, { says: false });
    become({ member: false });
    become({ member: true });
    become({ installed: true });
    await Promise.resolve();
    expect([asked(), state.isPersisted, state.wasRefused]).toEqual([1, false, true]);
  });

  it('is asked for when she installs the app, and not again in a later visit', () => {
    const kept = new Map<string, string>();
    const { become, asked } = setUp({ member: true, installed: false }, { kept });
    become({ installed: true });
    expect(asked()).toBe(1);
    const later = setUp({ member: false, installed: false }, { kept });
    later.become({ member: true });
    expect(later.asked()).toBe(0);
  });

  it('is asked for again when she asks for it herself', async () => {
    const { state, asked } = setUp({ member: true, installed: false });
    await state.keepOnce();
    await state.keepOnce();
    expect(asked()).toBe(1);
    await state.keep();
    expect([asked(), state.isPersisted]).toEqual([2, true]);
  });
});

describe('the room of the app', () => {
  it('is told in time: from four fifths on it is tight, and before a message might not fit it is full', async () => {
    const levels = [];
    for (const used of [799, 800, 998, 999.5]) {
      const { state } = setUp({ member: true, installed: false }, { used });
      expect(state.level).toBe('unknown');
      await state.look();
      levels.push(state.level);
    }
    expect(levels).toEqual(['fine', 'tight', 'tight', 'full']);
  });

  it('says before something large is taken in whether it would fit', async () => {
    const { state } = setUp({ member: true, installed: false }, { used: 900 });
    expect(state.fits(10 ** 12)).toBe(true);
    await state.look();
    expect([state.fits(90 * 1024 * 1024), state.fits(100 * 1024 * 1024)]).toEqual([true, false]);
  });

  it('is unknown where the browser does not tell, and split where it does', async () => {
    const silent = setUp({ member: true, installed: false }, { details: { usage: undefined } });
    await silent.state.look();
    expect([silent.state.room, silent.state.level]).toEqual([null, 'unknown']);
    const usageDetails = { indexedDB: 5, caches: 3, serviceWorkerRegistrations: 1, other: 'x' };
    const open = setUp({ member: true, installed: false }, { details: { usageDetails } });
    await open.state.look();
    expect(open.state.room?.parts).toEqual({ dataBytes: 5, appBytes: 4 });
  });
});
