import { bytesToHex } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { MeetingPlace, Transport } from '../kernel/ports/transport.ts';
import type { MeetingMessage } from '../kernel/wire/meeting.ts';
import { happens, pickDelayMs, type MemoryWorld } from './memory-faults.ts';
import type { MemoryPipes } from './memory-pipes.ts';
import { createMeeting, type Meeting } from './meeting.ts';

export type MemoryEndpointDeps = MemoryWorld & {
  readonly pipes: MemoryPipes;
  readonly isBlocked: (from: string, to: string) => boolean;
  readonly others: () => Iterable<MemoryEndpoint>;
};

/** One device in a memory network. */
export type MemoryEndpoint = {
  readonly name: string;
  readonly transport: Transport;
  isGone(): boolean;
  /** Somebody said something in the place of this tag and key; another key cannot read it. */
  hear(tag: string, key: string, message: MeetingMessage): void;
  signallingChanged(): void;
  /** Gone without a word. */
  vanish(): void;
};

export const createMemoryEndpoint = (deps: MemoryEndpointDeps, name: string): MemoryEndpoint => {
  const { clock, random, faults, pipes } = deps;
  const places = new Set<{ readonly tag: string; readonly key: string; readonly meeting: Meeting }>();
  const listeners = new Set<() => void>();
  let isGone = false;
  let url = 'memory:';
  let signallingSince = clock.now();
  const signallingChanged = (): void => {
    signallingSince = clock.now();
    for (const listener of [...listeners]) listener();
  };
  const leaveAll = (): void => {
    for (const { meeting } of places) meeting.leave();
    places.clear();
    listeners.clear();
  };
  const meet = (place: MeetingPlace): (() => void) => {
    if (isGone) return () => {};
    if (places.size >= limits.meetingPlacesMax) throw new RangeError('memory network: too many meeting places');
    const { tag } = place;
    const key = bytesToHex(place.key);
    const say = (message: MeetingMessage): void => {
      if (!isGone) publish(deps, name, { tag, key, message });
    };
    const entry = { tag, key, meeting: createMeeting({ clock, random, place, say, openPipe: pipes.openPipe(name) }) };
    places.add(entry);
    entry.meeting.probe();
    return () => {
      if (places.delete(entry)) entry.meeting.leave();
    };
  };
  const transport: Transport = {
    meet,
    probe: () => {
      for (const { meeting } of places) meeting.probe();
    },
    state: () => ({
      signalling: { url, state: faults().isSignallingDown ? 'lost' : 'open', since: signallingSince },
      candidates: 'some',
      isAvailable: true,
    }),
    onState: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    setSignalUrl: (given) => {
      url = given;
      signallingChanged();
    },
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
    hear: (tag, key, message) => {
      for (const place of [...places]) if (place.tag === tag && place.key === key) place.meeting.heard(message);
    },
    vanish: () => {
      isGone = true;
      leaveAll();
    },
  };
};

type Said = { readonly tag: string; readonly key: string; readonly message: MeetingMessage };

/** Brings what one device said in a place to every other one, each copy with its own delay and its own bad luck. */
const publish = (deps: MemoryEndpointDeps, from: string, { tag, key, message }: Said): void => {
  const { clock, random } = deps;
  const faults = deps.faults();
  for (const other of deps.others()) {
    if (other.name === from || other.isGone() || faults.isSignallingDown) continue;
    if (deps.isBlocked(from, other.name) || happens(random, faults.meetingLossChance)) continue;
    const copies = happens(random, faults.meetingDuplicateChance) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const patience = happens(random, faults.meetingReorderChance) ? 10 : 1;
      clock.after(pickDelayMs(random, faults.meetingDelayMs) * patience, () => other.hear(tag, key, message));
    }
  }
};
