import type { Store } from '../kernel/ports/store.ts';
import { ordinaryGiving, type GivingWish } from '../services/giving.ts';

/** The small facts of this node that are not events. `community.invite` stands until the fold says that we are in. */
export type SettingsValue = {
  readonly name: string;
  /** '' means the address this app was built with. */
  readonly signalUrl: string;
  /** Links go over a server only. */
  readonly hidesAddress: boolean;
  readonly community: { readonly id: string; readonly invite?: string } | null;
  readonly invites: readonly { readonly code: string; readonly expiresAt: number }[];
  /** The code of this device for a further device of the same person; kept after its use, so that whoever comes later is told. */
  readonly linkCode: { readonly code: string; readonly expiresAt: number; readonly isUsed: boolean } | null;
  /** What the person lets this device give to neighbours. */
  readonly giving: GivingWish;
};

const key = 'settings';
const initial: SettingsValue = {
  name: '',
  signalUrl: '',
  hidesAddress: false,
  community: null,
  invites: [],
  linkCode: null,
  giving: ordinaryGiving,
};

/** Reads once, keeps in memory what is committed, and writes whole. `save` is false when the store refused; nothing changed then. */
export const openSettings = async (store: Store) => {
  const stored = await store.get(key);
  let value = readSettings(stored);
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

/** Field by field: what an older build or a damaged disk left in the wrong shape counts as never set. */
const readSettings = (stored: unknown): SettingsValue => {
  if (typeof stored !== 'object' || stored === null) return initial;
  const { name, signalUrl, hidesAddress, community, invites, linkCode, giving } = stored as Record<string, unknown>;
  return {
    name: typeof name === 'string' ? name : initial.name,
    signalUrl: typeof signalUrl === 'string' ? signalUrl : initial.signalUrl,
    hidesAddress: hidesAddress === true,
    community: isCommunity(community) ? community : initial.community,
    invites: Array.isArray(invites) ? invites.filter(isInvite) : initial.invites,
    linkCode: isInvite(linkCode) && 'isUsed' in linkCode ? { ...linkCode, isUsed: linkCode.isUsed === true } : null,
    giving: readGiving(giving),
  };
};

const readGiving = (stored: unknown): GivingWish => {
  if (typeof stored !== 'object' || stored === null) return ordinaryGiving;
  const { profile, batterySaver, gives } = stored as Record<string, unknown>;
  const switches = typeof gives === 'object' && gives !== null ? Object.entries(gives) : [];
  return {
    profile: profile === 'spark' || profile === 'anchor' ? profile : ordinaryGiving.profile,
    batterySaver: batterySaver === 'on' || batterySaver === 'off' ? batterySaver : ordinaryGiving.batterySaver,
    gives: Object.fromEntries(switches.filter(([, isOn]) => typeof isOn === 'boolean')),
  };
};

const isCommunity = (value: unknown): value is NonNullable<SettingsValue['community']> =>
  typeof value === 'object' &&
  value !== null &&
  'id' in value &&
  typeof value.id === 'string' &&
  (!('invite' in value) || typeof value.invite === 'string');

const isInvite = (value: unknown): value is SettingsValue['invites'][number] =>
  typeof value === 'object' &&
  value !== null &&
  'code' in value &&
  typeof value.code === 'string' &&
  'expiresAt' in value &&
  typeof value.expiresAt === 'number';
