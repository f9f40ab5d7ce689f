import type { Clock } from '../kernel/ports/clock.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';
import type { Transport } from '../kernel/ports/transport.ts';
import { limits } from '../kernel/limits.ts';
import { createMemoryEndpoint, type MemoryEndpoint } from './memory-endpoint.ts';
import { noFaults, type MemoryFaults } from './memory-faults.ts';
import { createMemoryPipes } from './memory-pipes.ts';
import { createMemoryReach } from './memory-reach.ts';

export type MemoryNetworkDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults?: Partial<MemoryFaults>;
};

export type MemoryNetwork = {
  /** A device's transport. The same name again, after `stop` or `crash`, is the same device started anew. */
  transport(name: string): Transport;
  /** Only devices of one group reach each other; those in no group form one more. Carriers across fail after `failAfterMs`. */
  partition(groups: readonly (readonly string[])[]): void;
  /** One way only: what `from` says no longer reaches `to`. */
  block(from: string, to: string): void;
  /** Everybody reaches everybody again; devices come back to the meeting places within `announceIntervalMs`. */
  heal(): void;
  setFaults(faults: Partial<MemoryFaults>): void;
  /** Ends every carrier between two devices, at both ends. */
  cut(a: string, b: string): void;
  /** The device is gone without a word; the others notice after `failAfterMs`. */
  crash(name: string): void;
  /** Carriers that stand now. */
  carrierCount(): number;
};

/**
 * An in-process network for tests and the simulator. All delays go through the clock and all chance through the random, so with a
 * virtual clock and a seed the same run happens again. Devices meet by the same logic as over WebRTC; only the pipe differs.
 */
export const createMemoryNetwork = ({ clock, random, faults: given = {} }: MemoryNetworkDeps): MemoryNetwork => {
  let faults: MemoryFaults = { ...noFaults, ...given };
  const world = { clock, random, faults: () => faults };
  const reach = createMemoryReach();
  const pipes = createMemoryPipes({ ...world, isBlocked: reach.isBlocked });
  const endpoints = new Map<string, MemoryEndpoint>();
  const network = { ...world, isBlocked: reach.isBlocked, pipes, others: () => endpoints.values(), boxes: new Map() };

  const comeBack = (): void => {
    for (const endpoint of endpoints.values()) {
      clock.after(randomInt(random, limits.announceIntervalMs), () => endpoint.transport.probe());
    }
  };
  return {
    transport: (name) => {
      const before = endpoints.get(name);
      if (before !== undefined && !before.isGone()) throw new Error(`memory network: ${name} is running already`);
      const endpoint = createMemoryEndpoint(network, name);
      endpoints.set(name, endpoint);
      return endpoint.transport;
    },
    partition: (groups) => {
      reach.partition(groups);
      pipes.checkReach();
    },
    block: (from, to) => {
      reach.block(from, to);
      pipes.checkReach();
    },
    heal: () => {
      reach.heal();
      pipes.checkReach();
      comeBack();
    },
    setFaults: (changed) => {
      const wasDown = faults.isSignallingDown;
      faults = { ...faults, ...changed };
      if (wasDown === faults.isSignallingDown) return;
      for (const endpoint of endpoints.values()) endpoint.signallingChanged();
      if (wasDown) comeBack();
    },
    cut: pipes.cut,
    crash: (name) => {
      endpoints.get(name)?.vanish();
      pipes.crash(name);
    },
    carrierCount: pipes.carrierCount,
  };
};
