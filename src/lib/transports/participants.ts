import { limits } from '../kernel/limits.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';
import type { PipeWay } from '../kernel/ports/transport.ts';
import type { MeetingMessage } from '../kernel/wire/meeting.ts';
import type { Pipe, PipeRole } from './pipe.ts';

/** One try to reach one participant; `isOver` once it failed, was given up, or its carrier closed. */
export type Attempt = {
  readonly id: string;
  readonly way: PipeWay;
  readonly role: PipeRole;
  /** The participant's session it was made for. */
  readonly session: string;
  pipe: Pipe | null;
  isAnswered: boolean;
  /** This end's description as it was said, to be said again while it may have been lost. */
  said: MeetingMessage | null;
  saidAt: number;
  isOver: boolean;
  openedAt: number | null;
  cancelTimeout(): void;
};

/** Somebody heard of in a meeting place. Nothing here is proven: the mesh proves it on the carrier. */
export type Participant = {
  readonly id: string;
  session: string;
  heardAt: number;
  /** Since when a direct pipe is missing: one over a server is made only after a while. */
  soughtAt: number;
  /** It has said that it takes no direct pipe. */
  isRelayOnly: boolean;
  readonly ways: { readonly [way in PipeWay]: WayState };
};

/** How far this device has come with one participant one way. */
export type WayState = {
  /** In a row, for the pause before the next try. */
  failures: number;
  retryAt: number;
  attempt: Attempt | null;
  /** The attempt whose carrier is open. */
  linked: Attempt | null;
  cancelRetry(): void;
};

export const pipeWays: readonly PipeWay[] = ['direct', 'relay'];

/** Everybody heard of in one place, at most `limits.participantsPerPlaceMax`, forgotten `limits.participantTtlMs` after the last word. */
export const createParticipants = () => {
  const participantsById = new Map<string, Participant>();

  const prune = (now: number): void => {
    for (const participant of participantsById.values()) {
      const isBusy = pipeWays.some((way) => {
        const { attempt, linked } = participant.ways[way];
        return attempt !== null || linked !== null;
      });
      if (!isBusy && now - participant.heardAt > limits.participantTtlMs) forget(participant);
    }
  };

  const forget = (participant: Participant): void => {
    for (const way of pipeWays) participant.ways[way].cancelRetry();
    participantsById.delete(participant.id);
  };

  return {
    get: (id: string): Participant | undefined => participantsById.get(id),
    all: (): readonly Participant[] => [...participantsById.values()],
    prune,
    forget,
    /** null when the place is full of others. `isNews`: unknown before, or there in a new session. */
    note: (id: string, session: string, now: number): { participant: Participant; isNews: boolean } | null => {
      const known = participantsById.get(id);
      if (known !== undefined) {
        known.heardAt = now;
        const isNews = known.session !== session;
        if (isNews) {
          Object.assign(known, { session, soughtAt: now });
          for (const way of pipeWays) Object.assign(known.ways[way], { failures: 0, retryAt: 0 });
        }
        return { participant: known, isNews };
      }
      if (participantsById.size >= limits.participantsPerPlaceMax) prune(now);
      if (participantsById.size >= limits.participantsPerPlaceMax) return null;
      const participant: Participant = {
        id,
        session,
        heardAt: now,
        soughtAt: now,
        isRelayOnly: false,
        ways: { direct: untried(), relay: untried() },
      };
      participantsById.set(id, participant);
      return { participant, isNews: true };
    },
  };
};

export type Participants = ReturnType<typeof createParticipants>;

const untried = (): WayState => ({ failures: 0, retryAt: 0, attempt: null, linked: null, cancelRetry: () => {} });

/** Linked this way in the session it is in now: a carrier to an earlier session of it is dead or dying. */
export const isLinked = ({ ways, session }: Participant, way: PipeWay): boolean =>
  ways[way].linked?.session === session;

/** Doubles with each failure in a row, between half and one and a half of that, so that many devices do not try in step. */
export const retryDelayMs = (failures: number, random: Random): number => {
  const base = Math.min(limits.meetingRetryMaxMs, limits.meetingRetryMinMs * 2 ** Math.max(0, failures - 1));
  return Math.round(base / 2 + randomInt(random, base));
};
