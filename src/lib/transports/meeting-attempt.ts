import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';
import type { Carrier, MeetingPlace, PipeWay } from '../kernel/ports/transport.ts';
import type { MeetingMessage } from '../kernel/wire/meeting.ts';
import { isLinked, pipeWays, retryDelayMs, type Attempt, type Participant, type Participants } from './participants.ts';
import type { PipeRole, PipeWays } from './pipe.ts';

/** What an attempt needs of the meeting it belongs to. */
/** `repeat`: it may have gone a way that leads nowhere any more. `routine`: nobody is looked for; it is only time again. */
export type Saying = 'first' | 'repeat' | 'routine';

export type AttemptHost = {
  readonly clock: Clock;
  readonly random: Random;
  readonly place: MeetingPlace;
  readonly say: (message: MeetingMessage, how: Saying) => void;
  readonly pipes: PipeWays;
  readonly session: string;
  readonly participants: Participants;
  hasLeft: boolean;
  announceSoon(): void;
};

/**
 * Offers to a participant when it is this device's turn to: its name is smaller, nothing is under way, and the mesh wants it.
 * Direct comes first; a server carries the pipe when none has come about for a while, or when none can.
 */
export const offerTo = (host: AttemptHost, participant: Participant): void => {
  for (const way of pipeWays) offerBy(host, participant, way);
};

const offerBy = (host: AttemptHost, participant: Participant, way: PipeWay): void => {
  if (host.hasLeft || host.place.selfId >= participant.id) return;
  const state = participant.ways[way];
  if (state.attempt !== null || isLinked(participant, way) || isLinked(participant, 'direct')) return;
  const now = host.clock.now();
  const isDirectPossible = host.pipes.isDirectPossible() && !participant.isRelayOnly;
  if (way === 'relay' ? host.pipes.relay === null : !isDirectPossible) return;
  const dueAt = way === 'relay' && isDirectPossible ? participant.soughtAt + limits.relayAfterMs : 0;
  if (now < dueAt) return planOffer(host, participant, way, dueAt - now);
  if (now < state.retryAt || !host.place.wants(participant.id, way)) return;
  const attempt = beginAttempt(host, participant, { way, role: 'offerer', id: bytesToText(host.random.bytes(16)) });
  if (attempt === null) planRetry(host, participant, way);
};

/** null when no pipe could be opened. */
export const beginAttempt = (
  host: AttemptHost,
  participant: Participant,
  { way, role, id }: { readonly way: PipeWay; readonly role: PipeRole; readonly id: string },
): Attempt | null => {
  const attempt: Attempt = {
    id,
    way,
    role,
    session: participant.session,
    pipe: null,
    isAnswered: false,
    said: null,
    saidAt: 0,
    isOver: false,
    openedAt: null,
    cancelTimeout: () => {},
  };
  const openPipe = host.pipes[way];
  if (openPipe === null) return null;
  attempt.pipe = openPipe(role, {
    described: (sdp) => {
      if (attempt.isOver) return;
      attempt.said = describe(host, participant, attempt, sdp);
      attempt.saidAt = host.clock.now();
      host.say(attempt.said, 'first');
    },
    opened: (carrier) => opened(host, participant, attempt, carrier),
    closed: () => ended(host, participant, attempt),
  });
  if (attempt.pipe === null) return null;
  participant.ways[way].attempt = attempt;
  attempt.cancelTimeout = host.clock.after(limits.connectTimeoutMs, () => {
    attempt.pipe?.close();
    ended(host, participant, attempt);
  });
  return attempt;
};

/** Gives up what is under way with a participant one way, without holding it against it. */
export const abandon = (participant: Participant, way: PipeWay): void => {
  const state = participant.ways[way];
  const { attempt } = state;
  if (attempt === null) return;
  attempt.isOver = true;
  attempt.cancelTimeout();
  state.attempt = null;
  attempt.pipe?.close();
};

/** Says an offer or an answer again when the other side shows that it is there and it may not have come through. */
export const repeat = (host: AttemptHost, attempt: Attempt): void => {
  if (attempt.isOver || attempt.isAnswered || attempt.openedAt !== null || attempt.said === null) return;
  if (host.clock.now() - attempt.saidAt < limits.meetingRetryMinMs) return;
  attempt.saidAt = host.clock.now();
  host.say(attempt.said, 'repeat');
};

const describe = (host: AttemptHost, participant: Participant, attempt: Attempt, sdp: string): MeetingMessage => {
  const words = { from: host.place.selfId, session: host.session, to: participant.id, attempt: attempt.id, sdp };
  return attempt.role === 'offerer'
    ? { type: 'offer', ...words, toSession: attempt.session }
    : { type: 'answer', ...words };
};

const opened = (host: AttemptHost, participant: Participant, attempt: Attempt, carrier: Carrier): void => {
  if (attempt.isOver || host.hasLeft) return carrier.close();
  attempt.cancelTimeout();
  attempt.openedAt = host.clock.now();
  Object.assign(participant.ways[attempt.way], { attempt: null, linked: attempt, retryAt: 0 });
  host.place.onCarrier(carrier, participant.id);
};

/** A carrier that closed soon after it opened counts as a failure too, or two devices that refuse each other would never rest. */
const ended = (host: AttemptHost, participant: Participant, attempt: Attempt): void => {
  if (attempt.isOver) return;
  attempt.isOver = true;
  attempt.cancelTimeout();
  const state = participant.ways[attempt.way];
  if (state.attempt === attempt) state.attempt = null;
  if (state.linked === attempt) state.linked = null;
  const now = host.clock.now();
  const hasLasted = attempt.openedAt !== null && now - attempt.openedAt >= limits.carrierFlapMs;
  state.failures = hasLasted ? 0 : state.failures + 1;
  if (attempt.way === 'direct' && attempt.openedAt !== null) participant.soughtAt = now;
  planRetry(host, participant, attempt.way);
  host.announceSoon();
};

const planRetry = (host: AttemptHost, participant: Participant, way: PipeWay): void => {
  const state = participant.ways[way];
  const pauseMs = retryDelayMs(state.failures, host.random);
  // What has a way is not in a hurry for a better one.
  const isUpgrade = way === 'direct' && isLinked(participant, 'relay');
  const delayMs = isUpgrade
    ? Math.max(pauseMs, limits.relayUpgradeMs + randomInt(host.random, limits.relayUpgradeMs))
    : pauseMs;
  state.retryAt = host.clock.now() + delayMs;
  planOffer(host, participant, way, delayMs);
};

const planOffer = (host: AttemptHost, participant: Participant, way: PipeWay, delayMs: number): void => {
  // Forgotten since (it said goodbye): it is met anew when it announces itself again.
  if (host.hasLeft || host.participants.get(participant.id) !== participant) return;
  const state = participant.ways[way];
  state.cancelRetry();
  state.cancelRetry = host.clock.after(delayMs, () => offerTo(host, participant));
};
