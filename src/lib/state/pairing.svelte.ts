import { meshPair, meshPairWith, type Pairing } from '../contracts/pairing.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import type { Failure } from '../kernel/errors.ts';
import { createActs } from './acts.svelte.ts';
import { createKeptText } from './kept-text.svelte.ts';
import { createLive, type Live } from './live.svelte.ts';

export type { Pairing };

/** How the other's code came here. */
type Way = 'camera' | 'text';

/** Two people, two screens, two codes. A code is good for as long as this is begun; `end` gives it up, what is linked stays. */
export const createPairingState = (bus: BusClient) => {
  let live = $state.raw<Live<Pairing> | null>(null);
  const acts = createActs<Way>();
  const end = (): void => {
    live?.stop();
    live = null;
    acts.forget();
  };
  return {
    get isBegun() {
      return live !== null;
    },
    get view(): Pairing | null {
      return live?.value ?? null;
    },
    /** Why there is no view: the node cannot begin. */
    get failure(): Failure | null {
      return live?.failure ?? null;
    },
    /** Why the other's code was not taken. One's own, in the corner of the camera's picture, is no news. */
    refusalOf: (way: Way): Failure | null => {
      const refused = acts.failureOf(way);
      return way === 'camera' && refused?.reason === 'pairing-own' ? null : refused;
    },
    get isTaking() {
      return acts.busy !== null;
    },
    begin: (): void => {
      end();
      live = createLive(bus, meshPair, {});
    },
    end,
    /** The other's code, however it came here; true when it was taken. */
    take: async (way: Way, code: string): Promise<boolean> =>
      (await acts.run(way, () => bus.call(meshPairWith, { code }))) !== null,
  };
};
export type PairingState = ReturnType<typeof createPairingState>;

/** What became of the question for the camera, asked ahead of a day without internet; '' while it was not asked. */
export type Readiness = '' | 'granted' | 'denied' | 'none' | 'later';
const readinesses: readonly Readiness[] = ['', 'granted', 'denied', 'none', 'later'];

/** The answer, kept in this browser: who has answered is not asked again. */
export const createReadiness = () => {
  const kept = createKeptText('hearthnet.camera');
  return {
    get value(): Readiness {
      return readinesses.find((each) => each === kept.value) ?? '';
    },
    set value(next: Readiness) {
      kept.value = next;
    },
  };
};
