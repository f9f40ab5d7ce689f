import { limits } from '../kernel/limits.ts';
import type { MeetingPlace, SignallingState, Transport } from '../kernel/ports/transport.ts';
import type { Road, RoadListener } from '../kernel/ports/road.ts';
import { happens, pickDelayMs, type MemoryWorld } from './memory-faults.ts';
import type { MemoryPipes } from './memory-pipes.ts';
import { enterMeetingPlace, type EnteredPlace } from './meeting-place.ts';
import { createMemoryMail, type MemoryBoxes } from './memory-mail.ts';
import { createMemorySeal } from './memory-seal.ts';
import { createRoads } from './roads.ts';

export type MemoryEndpointDeps = MemoryWorld & {
  readonly pipes: MemoryPipes;
  readonly isBlocked: (from: string, to: string) => boolean;
  readonly others: () => Iterable<MemoryEndpoint>;
  /** What lies at the server, whichever devices are there. */
  readonly boxes: MemoryBoxes;
};

/** One device in a memory network. */
export type MemoryEndpoint = {
  readonly name: string;
  readonly transport: Transport;
  isGone(): boolean;
  /** Somebody said something in the place of this tag. */
  hear(tag: string, sealed: Uint8Array<ArrayBuffer>, from: string): void;
  signallingChanged(): void;
  /** Gone without a word. */
  vanish(): void;
};

export const createMemoryEndpoint = (deps: MemoryEndpointDeps, name: string): MemoryEndpoint => {
  const { clock, random, faults, pipes } = deps;
  const places = new Set<EnteredPlace>();
  const hearers = new Set<{ readonly tag: string; readonly listener: RoadListener }>();
  const listeners = new Set<() => void>();
  const roads = createRoads();
  const mail = createMemoryMail(deps, deps.boxes);
  let isGone = false;
  let isMute = false;
  let url = 'memory:';
  let signallingSince = clock.now();
  const signalling = (): SignallingState => ({
    url,
    state: faults().isSignallingDown ? 'lost' : 'open',
    since: signallingSince,
  });
  const signallingChanged = (): void => {
    signallingSince = clock.now();
    for (const listener of [...listeners]) listener();
    mail.changed();
  };
  const leaveAll = (): void => {
    for (const place of places) void place.leave();
    places.clear();
    listeners.clear();
  };
  roads.add({
    name: 'server',
    enter: (tag, listener) => {
      const hearer = { tag, listener };
      hearers.add(hearer);
      return {
        say: (sealed, to) => !isMute && publish(deps, name, { tag, sealed, to }),
        leave: () => void hearers.delete(hearer),
      };
    },
  });
  const meet = (place: MeetingPlace): (() => void) => {
    if (isGone) return () => {};
    if (places.size >= limits.meetingPlacesMax) throw new RangeError('memory network: too many meeting places');
    const seal = createMemorySeal({ key: place.key, tag: place.tag, random });
    const entered = enterMeetingPlace({
      clock,
      random,
      roads,
      place,
      seal,
      pipes: { direct: pipes.openPipe(name), relay: null, isDirectPossible: () => true },
      refused: () => {},
    });
    places.add(entered);
    return () => {
      if (places.delete(entered)) void entered.leave();
    };
  };
  const transport: Transport = {
    meet,
    probe: () => {
      for (const place of places) place.probe();
    },
    state: () => ({
      signalling: signalling(),
      servers: [signalling()],
      candidates: 'some',
      isAvailable: true,
    }),
    onState: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    setServers: ([given = '']) => {
      url = given;
      signallingChanged();
    },
    addRoad: (road: Road) => roads.add(road),
    // No device in memory has an address.
    setPrivacy: () => {},
    mailboxes: mail.mailboxes,
    stop: () => {
      if (isGone) return;
      leaveAll();
      isGone = true;
      pipes.closeAll(name);
    },
  };
  return {
    name,
    transport,
    signallingChanged,
    isGone: () => isGone,
    hear: (tag, sealed, from) => {
      for (const hearer of [...hearers]) if (hearer.tag === tag) hearer.listener.heard(sealed, from);
    },
    vanish: () => {
      isGone = true;
      isMute = true;
      leaveAll();
    },
  };
};

type Said = { readonly tag: string; readonly sealed: Uint8Array<ArrayBuffer>; readonly to: string | null };

/** Brings what one device said in a place to another one, or to every one, each copy with its own delay and its own bad luck. */
const publish = (deps: MemoryEndpointDeps, from: string, { tag, sealed, to }: Said): boolean => {
  const { clock, random } = deps;
  const faults = deps.faults();
  if (faults.isSignallingDown) return false;
  for (const other of deps.others()) {
    if (other.name === from || other.isGone() || (to !== null && other.name !== to)) continue;
    if (deps.isBlocked(from, other.name) || happens(random, faults.meetingLossChance)) continue;
    const copies = happens(random, faults.meetingDuplicateChance) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const patience = happens(random, faults.meetingReorderChance) ? 10 : 1;
      clock.after(pickDelayMs(random, faults.meetingDelayMs) * patience, () => other.hear(tag, sealed, from));
    }
  }
  return true;
};
