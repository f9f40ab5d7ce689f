import type { Bus } from '../kernel/bus/bus.ts';
import type { Startable } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import type { SearchRoomPort } from '../kernel/ports/search.ts';
import type { Store } from '../kernel/ports/store.ts';
import type { Neighbours } from '../mesh/neighbours.ts';
import { createAsk } from '../services/ask.ts';
import type { Giving } from '../services/giving.ts';
import { createLibrary } from '../services/library/library.ts';
import { createLibraryShelf, starterCorpus } from '../services/library/shelf.ts';
import { createStarterLibrary, type FetchStatic } from '../services/library/starter.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';

export type LibraryRoomDeps = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly crypto: CryptoPort;
  readonly store: Store;
  readonly search: SearchRoomPort;
  readonly fetchStatic: FetchStatic;
  readonly neighbours: Neighbours;
  readonly holder: NeighbourhoodHolder;
  readonly giving: Giving;
  readonly selfDevice: () => string;
};

/** What this device has to read, and who answers from it: opened behind the start, because the shelf fills itself. */
export const createLibraryRoom = (deps: LibraryRoomDeps): readonly Startable[] => {
  const { bus, clock, crypto, store, search, fetchStatic, neighbours, holder, giving, selfDevice } = deps;
  const shelf = createLibraryShelf({ store, crypto, search });
  const starter = createStarterLibrary({ shelf, crypto, clock, fetchStatic });
  const neighbourCorpora = () =>
    neighbours.links.all().map(({ peer }) => ({
      device: peer.device,
      corpora:
        bus.registry.remoteOffers(peer.device).find(({ name }) => name === 'library.search')?.params.corpus ?? [],
    }));
  const librariesNear = (): string[] =>
    neighbourCorpora()
      .filter(({ corpora }) => corpora.length > 0)
      .map(({ device }) => device);
  const hasOwnCorpus = ({ corpora }: { corpora: readonly string[] }) => corpora.some((name) => name !== starterCorpus);
  return [
    createLibrary({ bus, shelf, starter, search, neighbourCorpora }),
    createAsk({
      bus,
      clock,
      selfDevice,
      librarians: () =>
        neighbourCorpora()
          .filter(hasOwnCorpus)
          .map(({ device }) => device),
      leansOn: () => (giving.leansOnNeighbours() ? librariesNear() : []),
      knownNeighbours: () => Math.max(0, (holder.current()?.membership().members.size ?? 1) - 1),
    }),
  ];
};
