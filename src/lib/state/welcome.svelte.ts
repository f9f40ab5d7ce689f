import { communityCancelJoin, communityFound, communityJoin } from '../contracts/community.ts';
import { nodeConfigure } from '../contracts/node.ts';
import type { Reply } from '../kernel/call.ts';
import type { Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { App } from './app.svelte.ts';

/** name: what neighbours call you; way: invite, new or look around; waiting: at somebody's door; in: a member. */
export type WelcomeStep = 'opening' | 'name' | 'way' | 'waiting' | 'in';
/** How long names may be, in characters. */
export const nameCharsMax = limits.nameCharsMax;
export const placeCharsMax = limits.communityNameCharsMax;
export const inviteCharsMax = 2_000;

type Act = 'name' | 'found' | 'join' | 'cancel';

/** The walk from a blank device into a neighbourhood. What the node says (pending, member) wins over where the person was. */
export const createWelcome = (app: App) => {
  let wantsName = $state(false);
  let name = $state<string | null>(null);
  let busy = $state<Act | null>(null);
  let failed = $state.raw<{ act: Act; failure: Failure } | null>(null);

  const typedName = $derived(name ?? app.info.value?.name ?? '');
  const step = $derived.by((): WelcomeStep => {
    const info = app.info.value;
    if (!info) return 'opening';
    if (info.membership === 'member') return 'in';
    if (info.membership === 'pending') return 'waiting';
    return info.name === '' || wantsName ? 'name' : 'way';
  });

  /** Runs one act at a time and keeps its failure for the place on the page where it was asked for. */
  const run = async (act: Act, work: () => Promise<Reply<unknown>>): Promise<boolean> => {
    if (busy) return false;
    busy = act;
    failed = null;
    const reply = await work();
    busy = null;
    if (!reply.ok) failed = { act, failure: reply.error };
    return reply.ok;
  };

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
      return busy;
    },
    failureOf: (act: Act): Failure | null => (failed?.act === act ? failed.failure : null),
    keepName: async (): Promise<void> => {
      if (await run('name', () => app.bus.call(nodeConfigure, { name: typedName.trim() }))) wantsName = false;
    },
    changeName: (): void => {
      wantsName = true;
    },
    found: (communityName: string) =>
      run('found', () => app.bus.call(communityFound, { name: typedName.trim(), communityName: communityName.trim() })),
    join: async (invite: string): Promise<void> => {
      if (await run('join', () => app.bus.call(communityJoin, { invite: invite.trim(), name: typedName.trim() })))
        app.invite.clear();
    },
    cancel: () => run('cancel', () => app.bus.call(communityCancelJoin, {})),
  };
};
export type Welcome = ReturnType<typeof createWelcome>;
