import { createActs, type Acts } from '../log/acts.ts';
import type { RemoteCaller } from '../kernel/bus/routed-call.ts';
import type { Identity } from './identity.ts';
import { createReturn } from './identity-return.ts';
import type { Retirement } from './identity-retire.ts';
import type * as Export from './export.ts';
import type { LoadPart } from './load-part.ts';
import { createLinking, type LinkingDeps } from './linking.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import type { Random } from '../kernel/ports/random.ts';

export type OwnDevicesDeps = Omit<LinkingDeps, 'acts'> & {
  readonly random: Random;
  readonly bus: Bus;
  readonly rpc: RemoteCaller;
  readonly identity: Identity;
  readonly retirement: Retirement;
  readonly parts: { readonly export: LoadPart<Pick<typeof Export, 'createExport'>> };
  /** Erases everything and ends this node; null, or why it could not. */
  readonly erase: () => Promise<string | null>;
  readonly scryptLog2?: number;
};

/** What a person's own devices do by themselves: let one more in, come back with a new key, give up one that somebody else uses. */
export const createOwnDevices = (deps: OwnDevicesDeps) => {
  const { crypto, holder, neighbours, retirement, device } = deps;
  const acts = (): Acts => createActs({ crypto, random: deps.random, device: device().keys });
  const isMember = (): boolean => holder.current()?.membership().roleOf(device().device) != null;
  const linking = createLinking({ ...deps, acts });
  const comingBack = createReturn({ ...deps, links: neighbours.links, remote: deps.rpc });

  /** Somebody else signs with our key, or has: this device gives it up. */
  const stopWatching = holder.onChange(() => {
    const here = holder.current();
    if (here && here.log.frozenSince(device().device) !== null) retirement.retire('own-forked', here);
  });

  return {
    deps,
    linking,
    isMember,
    comingBack,
    /** A neighbour has shown more of our own lanes than we had (`behind`), or something else. */
    noteOwnAhead: (kind: 'behind' | 'forked'): void => {
      const here = holder.current();
      if (here) retirement.retire(kind === 'behind' ? 'own-behind' : 'own-forked', here);
    },
    stop: (): void => {
      stopWatching();
      linking.stop();
    },
  };
};
export type OwnDevices = ReturnType<typeof createOwnDevices>;
