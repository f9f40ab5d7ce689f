/**
 * While a run is on, whoever reads the machine's clock, sets a real timer or takes chance from anywhere but the seed is
 * stopped: such a run would not happen again. Returns what puts everything back.
 */
export const forbidRealTime = (): (() => void) => {
  const { setTimeout, setInterval } = globalThis;
  const { now } = Date;
  const { random } = Math;
  const { getRandomValues, randomUUID } = globalThis.crypto;
  const performanceNow = performance.now;
  const trap = (name: string) => (): never => {
    throw new Error(`${name} was used in a simulated run`);
  };
  Object.assign(globalThis, { setTimeout: trap('setTimeout'), setInterval: trap('setInterval') });
  Object.assign(Date, { now: trap('Date.now') });
  Object.assign(Math, { random: trap('Math.random') });
  Object.assign(globalThis.crypto, { getRandomValues: trap('getRandomValues'), randomUUID: trap('randomUUID') });
  Object.assign(performance, { now: trap('performance.now') });
  return () => {
    Object.assign(globalThis, { setTimeout, setInterval });
    Object.assign(Date, { now });
    Object.assign(Math, { random });
    Object.assign(globalThis.crypto, { getRandomValues, randomUUID });
    Object.assign(performance, { now: performanceNow });
  };
};
