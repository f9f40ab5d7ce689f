import type { Bus } from '../kernel/bus/bus.ts';
import type { Startable } from '../kernel/lifecycle.ts';
import type { PairingPort } from '../kernel/ports/pairing.ts';
import { openPairing, type PairingDeps } from '../mesh/pairing.ts';
import { createPairingService } from '../services/pairing.ts';

/** Linking by two codes: the service, and the mesh behind it. */
export const createPairingRoom = (
  bus: Bus,
  port: PairingPort,
  deps: Omit<PairingDeps, 'port'>,
): readonly Startable[] => [createPairingService({ bus, open: () => openPairing({ ...deps, port }) })];
