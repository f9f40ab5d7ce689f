import type { CryptoPort } from '../kernel/ports/crypto.ts';
import { createAdmissions, type Admissions, type Witnesses } from './admissions.ts';
import { authorityLane } from './event.ts';
import type { Lanes } from './lanes.ts';

/** The admissions of a log whose authority lanes may be cut back: then they are learned from the beginning. */
export const createNamed = ({ crypto, lanes }: { readonly crypto: CryptoPort; readonly lanes: Lanes }) => {
  let current: Admissions = createAdmissions({ crypto });
  let generation = 0;
  return {
    isAdmitted: (author) => current.isAdmitted(author),
    admitFounder: (author) => {
      generation += 1;
      current.admitFounder(author);
    },
    learn: async (entry) => {
      const device = await current.learn(entry);
      if (device !== null) generation += 1;
      return device;
    },
    devices: () => current.devices(),
    /** Changes whenever other devices are admitted. */
    generation: () => generation,
    certificateOf: (eventId) => current.certificateOf(eventId),
    signersOf: (eventId) => current.signersOf(eventId),
    isEndorsing: (eventId) => current.isEndorsing(eventId),
    rootsOf: (eventId) => current.rootsOf(eventId),
    /** The old answers stand until the new ones are whole. */
    relearn: async (): Promise<void> => {
      const fresh = createAdmissions({ crypto });
      for (const entry of lanes.all(authorityLane)) await fresh.learn(entry);
      current = fresh;
      generation += 1;
    },
  } satisfies Witnesses &
    Pick<Admissions, 'isAdmitted' | 'admitFounder' | 'learn' | 'devices'> &
    Record<string, unknown>;
};
export type Named = ReturnType<typeof createNamed>;
