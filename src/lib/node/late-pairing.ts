import { meshPair, meshPairWith } from '../contracts/pairing.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import type { Startable } from '../kernel/lifecycle.ts';
import type { PairingPort } from '../kernel/ports/pairing.ts';
import { err, ok } from '../kernel/result.ts';
import type { PairingDeps } from '../mesh/pairing.ts';
import type { LateParts } from './late-parts.ts';
import { createLateService } from './late-service.ts';
import type { LoadPart } from './load-part.ts';

export type LatePairingDeps = Omit<PairingDeps, 'port'> & {
  readonly bus: Bus;
  /** Absent where no pipe can be made from a code. */
  readonly pairing?: LoadPart<PairingPort>;
  readonly parts: Pick<LateParts, 'pairingRoom'>;
};

/** Linking by two codes stands behind the start: it is asked for where no server is, and seldom elsewhere. */
export const createLatePairing = (deps: LatePairingDeps): Startable =>
  createLateService({
    bus: deps.bus,
    capabilities: [meshPair, meshPairWith],
    load: async () => {
      if (!deps.pairing) return err('not-loaded');
      const [part, port] = [await deps.parts.pairingRoom(), await deps.pairing()];
      if (!part.ok) return part;
      if (!port.ok) return port;
      return ok((bus: Bus) => part.value.createPairingRoom(bus, port.value, deps));
    },
  });
