import { createBlobExchange } from '../blobs/exchange.ts';
import { blobsHave } from '../contracts/blobs.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import type { Startable } from '../kernel/lifecycle.ts';
import type { Blobs } from '../kernel/ports/blobs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Links } from '../kernel/ports/links.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Store } from '../kernel/ports/store.ts';
import { createBlobsService } from '../services/blobs.ts';
import type { LargeInputs } from './large-inputs.ts';

export type BlobServicesDeps = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly links: Links;
  readonly blobs: Blobs;
  readonly isMember: (device: string) => boolean;
  readonly onRefused: (reason: string) => void;
  readonly largeInputs: LargeInputs;
  /** What neighbours ask before they fetch is given now; what they then fetch is too. */
  readonly isGiving: () => boolean;
};

/** The exchange of blobs over the links, and what the bus offers of it. Neighbours are asked by the capability, like by anybody. */
export const createBlobServices = (deps: BlobServicesDeps): Startable[] => {
  const { bus, links, largeInputs } = deps;
  const exchange = createBlobExchange({
    ...deps,
    lent: largeInputs.lent,
    neighbours: () =>
      links
        .all()
        .map(({ peer }) => peer.device)
        .filter((device) => bus.registry.remoteOffers(device).some(({ name }) => name === blobsHave.name)),
    onNeighbours: bus.registry.onChange,
    askHave: async (device, cids) => {
      const reply = await bus.call(blobsHave, { cids: [...cids] }, { device });
      if (!reply.ok || reply.value.output.have.length !== cids.length) return null;
      return reply.value.output.have.map(({ has, bitmap }) =>
        has === 'none' ? null : has === 'all' ? ('all' as const) : bitmap,
      );
    },
  });
  largeInputs.askThrough(exchange.askingOf);
  return [createBlobsService({ ...deps, exchange }), exchange];
};
