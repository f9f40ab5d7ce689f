import { createMemoryNetwork } from '../../src/lib/transports/memory.ts';
import { runTransportContract } from './transport-contract.ts';
import { createSeededRandom, createVirtualClock, passVirtualTime, type TransportWorld } from './transport-world.ts';

const createWorld = (): TransportWorld => {
  const clock = createVirtualClock();
  const network = createMemoryNetwork({ clock, random: createSeededRandom(7) });
  return { transport: network.transport, ...passVirtualTime(clock), stranger: null, dispose: async () => {} };
};

runTransportContract({ name: 'memory', createWorld, hasServer: false });
