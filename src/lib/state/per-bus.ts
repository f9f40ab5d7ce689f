import type { BusClient } from '../kernel/bus/bus-client.ts';

/**
 * One state per connection, made at its first use and kept while the tab lives: a conversation or a running undo
 * outlives the screen that shows it. Keyed by the bus, so two connections (two tests) never share one.
 */
export const perBus = <T>(make: (bus: BusClient) => T): ((bus: BusClient) => T) => {
  const stateByBus = new WeakMap<BusClient, T>();
  return (bus) => {
    const known = stateByBus.get(bus);
    if (known !== undefined) return known;
    const made = make(bus);
    stateByBus.set(bus, made);
    return made;
  };
};
