import type { Store } from '../kernel/ports/store.ts';

/** The small facts of this node that are not events. `community.invite` stands until the fold says that we are in. */
export type SettingsValue = {
  readonly name: string;
  /** '' means the address this app was built with. */
  readonly signalUrl: string;
  readonly community: { readonly id: string; readonly invite?: string } | null;
  readonly invites: readonly { readonly code: string; readonly expiresAt: number }[];
};

const key = 'settings';
const initial: SettingsValue = { name: '', signalUrl: '', community: null, invites: [] };

/** Reads once, keeps in memory what is committed, and writes whole. `save` is false when the store refused; nothing changed then. */
export const openSettings = async (store: Store) => {
  const stored = await store.get(key);
  let value: SettingsValue = isSettings(stored) ? { ...initial, ...stored } : initial;
  let turn: Promise<unknown> = Promise.resolve();
  return {
    current: (): SettingsValue => value,
    save: (change: Partial<SettingsValue>): Promise<boolean> => {
      const work = turn.then(async () => {
        const next = { ...value, ...change };
        const committed = await store.commit({ kv: [{ key, value: next }] }, 'strict');
        if (committed.ok) value = next;
        return committed.ok;
      });
      turn = work.catch(() => undefined);
      return work;
    },
  };
};
export type Settings = Awaited<ReturnType<typeof openSettings>>;

const isSettings = (value: unknown): value is Partial<SettingsValue> => typeof value === 'object' && value !== null;
