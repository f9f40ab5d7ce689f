import { communityCancelJoin, communityFound, communityJoin } from '../contracts/community.ts';
import { devicesLink, devicesRestore } from '../contracts/devices.ts';
import { nodeConfigure } from '../contracts/node.ts';
import { limits } from '../kernel/limits.ts';
import { createActs } from './acts.svelte.ts';
import type { App } from './app.svelte.ts';

/**
 * name: what neighbours call you; way: invite, new or look around; device: this is a further device of somebody who is in;
 * card: somebody comes back with a recovery card; waiting: at somebody's door; in: a member.
 */
export type WelcomeStep = 'opening' | 'name' | 'way' | 'device' | 'card' | 'waiting' | 'in';
/** How long names may be, in characters. */
export const nameCharsMax = limits.nameCharsMax;
export const placeCharsMax = limits.communityNameCharsMax;
export const inviteCharsMax = 2_000;

/** The walk from a blank device into a neighbourhood. What the node says (pending, member) wins over where the person was. */
export const createWelcome = (app: App) => {
  let wish = $state<'name' | 'device' | 'card' | null>(null);
  let name = $state<string | null>(null);
  let hasRestored = $state(false);
  const acts = createActs<'name' | 'found' | 'join' | 'cancel' | 'link' | 'restore'>();

  const typedName = $derived(name ?? app.info.value?.name ?? '');
  const step = $derived.by((): WelcomeStep => {
    const info = app.info.value;
    if (!info) return 'opening';
    if (info.membership === 'member') return 'in';
    if (info.membership === 'pending') return 'waiting';
    if (wish === 'device' || wish === 'card') return wish;
    if (wish === null && app.deviceCode.code !== '') return 'device';
    return info.name === '' || wish === 'name' ? 'name' : 'way';
  });

  return {
    get step() {
      return step;
    },
    get name() {
      return typedName;
    },
    set name(next: string) {
      name = next;
    },
    get busy() {
      return acts.busy;
    },
    /** At the door of one's own other device, not of a neighbour. */
    get isLinking() {
      return app.linking.code !== '';
    },
    /** The recovery card was read here just now: a neighbour's invite is what is missing. */
    get hasRestored() {
      return hasRestored;
    },
    failureOf: acts.failureOf,
    keepName: async (): Promise<void> => {
      const isKept = await acts.run('name', () => app.bus.call(nodeConfigure, { name: typedName.trim() }));
      if (isKept) wish = null;
    },
    changeName: (): void => {
      wish = 'name';
    },
    /** To the pages for those who were here before. */
    go: (next: 'device' | 'card'): void => {
      acts.forget();
      wish = next;
    },
    /** Back to where newcomers begin. */
    back: (): void => {
      acts.forget();
      app.deviceCode.clear();
      wish = null;
    },
    found: async (communityName: string): Promise<boolean> =>
      (await acts.run('found', () =>
        app.bus.call(communityFound, { name: typedName.trim(), communityName: communityName.trim() }),
      )) !== null,
    join: async (invite: string): Promise<void> => {
      const joined = await acts.run('join', () =>
        app.bus.call(communityJoin, { invite: invite.trim(), name: typedName.trim() }),
      );
      if (joined) app.invite.clear();
    },
    link: async (code: string): Promise<void> => {
      const linked = await acts.run('link', () => app.bus.call(devicesLink, { code: code.trim() }));
      if (!linked) return;
      app.deviceCode.clear();
      // Kept until the door opens or is left, so that the waiting is told in the right words, also after a reload.
      app.linking.keep('yes');
    },
    restore: async (words: string): Promise<void> => {
      const restored = await acts.run('restore', () => app.bus.call(devicesRestore, { words, name: typedName.trim() }));
      if (!restored) return;
      hasRestored = true;
      wish = null;
    },
    cancel: async (): Promise<void> => {
      const left = await acts.run('cancel', () => app.bus.call(communityCancelJoin, {}));
      if (!left) return;
      app.linking.clear();
      wish = null;
    },
  };
};
export type Welcome = ReturnType<typeof createWelcome>;
