import { channels, type Carrier, type Channel } from '../kernel/ports/transport.ts';
import { createCarrierInbox } from './carrier-inbox.ts';
import { happens, pickDelayMs, type MemoryWorld } from './memory-faults.ts';
import { createMemoryLane, type MemoryLane } from './memory-lane.ts';

/** The two ends of one pipe in memory, offerer first. */
export type MemoryCarriers = {
  readonly names: readonly [string, string];
  readonly ends: readonly [Carrier, Carrier];
  /** The way may be free again. */
  pump(): void;
  /** Ends both, each told `reason`. */
  fail(reason: string): void;
  /** The named device is gone and is told nothing; the other end still believes in the pipe. */
  forsake(name: string): void;
  isOver(): boolean;
};

export type MemoryCarriersDeps = MemoryWorld & {
  readonly names: readonly [string, string];
  readonly isBlocked: (from: string, to: string) => boolean;
  /** An end ended: 0 is the offerer's. Once for each end. */
  readonly closed: (end: 0 | 1, reason: string) => void;
};

export const createMemoryCarriers = (deps: MemoryCarriersDeps): MemoryCarriers => {
  const binding = deps.random.bytes(32);
  const inboxes = [createCarrierInbox(), createCarrierInbox()] as const;
  const isClosed: [boolean, boolean] = [false, false];
  let isCut = false;
  const lanesFrom = (from: 0 | 1): Lanes => {
    const to = otherEnd(from);
    return makeLanes(deps, {
      isBlocked: () => deps.isBlocked(deps.names[from], deps.names[to]),
      deliver: (channel, message) => {
        if (!inboxes[to].message(channel, message)) closeFrom(to, 'nobody-listens');
      },
      drained: inboxes[from].drain,
    });
  };
  const lanes = [lanesFrom(0), lanesFrom(1)] as const;

  const clearLanes = (): void => eachLane(lanes, (lane) => lane.clear());
  const delayMs = (): number => pickDelayMs(deps.random, deps.faults().carrierDelayMs);
  const closeEnd = (end: 0 | 1, reason: string): void => {
    if (isClosed[end]) return;
    isClosed[end] = true;
    inboxes[end].closed(reason);
    deps.closed(end, reason);
  };
  const fail = (reason: string): void => {
    clearLanes();
    closeEnd(0, reason);
    closeEnd(1, reason);
  };
  /** The other side hears of it as soon as it can be told, or notices. */
  const closeFrom = (end: 0 | 1, reason: string): void => {
    if (isClosed[end]) return;
    clearLanes();
    closeEnd(end, reason);
    const other = otherEnd(end);
    const isCutOff = deps.isBlocked(deps.names[end], deps.names[other]);
    deps.clock.after(isCutOff ? deps.faults().failAfterMs : delayMs(), () => closeEnd(other, 'closed-there'));
  };
  const makeEnd = (end: 0 | 1): Carrier => ({
    kind: 'memory',
    isOfferer: end === 0,
    binding: binding.slice(),
    send: (channel, message) => {
      if (isClosed[end]) return false;
      // The pipe is gone and this end has not heard yet: the bytes go nowhere, as on a wire.
      if (isCut || isClosed[otherEnd(end)]) return true;
      if (!lanes[end][channel].send(message)) return false;
      if (happens(deps.random, deps.faults().cutChance)) {
        isCut = true;
        clearLanes();
        deps.clock.after(delayMs(), () => fail('cut'));
      }
      return true;
    },
    bufferedBytes: (channel) => lanes[end][channel].bytes(),
    listen: inboxes[end].listen,
    close: () => closeFrom(end, 'closed-here'),
  });
  return {
    names: deps.names,
    ends: [makeEnd(0), makeEnd(1)],
    pump: () => eachLane(lanes, (lane) => lane.pump()),
    fail,
    forsake: (name) => {
      clearLanes();
      isClosed[deps.names[0] === name ? 0 : 1] = true;
    },
    isOver: () => isClosed[0] && isClosed[1],
  };
};

const otherEnd = (end: 0 | 1): 0 | 1 => (end === 0 ? 1 : 0);

const eachLane = (lanes: readonly [Lanes, Lanes], act: (lane: MemoryLane) => void): void => {
  for (const side of lanes) for (const channel of channels) act(side[channel]);
};

type Lanes = { readonly [name in Channel]: MemoryLane };
type LaneEnds = {
  readonly isBlocked: () => boolean;
  readonly deliver: (channel: Channel, message: Uint8Array) => void;
  readonly drained: (channel: Channel) => void;
};

/** The three channels in one direction. */
const makeLanes = ({ clock, random, faults }: MemoryWorld, { isBlocked, deliver, drained }: LaneEnds): Lanes => {
  const lane = (channel: Channel): MemoryLane =>
    createMemoryLane({
      clock,
      random,
      faults,
      isBlocked,
      deliver: (message) => deliver(channel, message),
      drained: () => drained(channel),
    });
  return { sync: lane('sync'), rpc: lane('rpc'), bulk: lane('bulk') };
};
