import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Carrier, MeetingPlace } from '../kernel/ports/transport.ts';
import type { MeetingMessage } from '../kernel/wire/meeting.ts';
import { isLinked, retryDelayMs, type Attempt, type Participant, type Participants } from './participants.ts';
import type { OpenPipe, PipeRole } from './pipe.ts';

/** What an attempt needs of the meeting it belongs to. */
export type AttemptHost = {
  readonly clock: Clock;
  readonly random: Random;
  readonly place: MeetingPlace;
  readonly say: (message: MeetingMessage) => void;
  readonly openPipe: OpenPipe;
  readonly session: string;
  readonly participants: Participants;
  hasLeft: boolean;
  announceSoon(): void;
};

/** Offers to a participant when it is this device's turn to: its name is smaller, nothing is under way, and the mesh wants it. */
export const offerTo = (host: AttemptHost, participant: Participant): void => {
  if (host.hasLeft || host.place.selfId >= participant.id) return;
  if (participant.attempt !== null || isLinked(participant)) return;
  if (host.clock.now() < participant.retryAt || !host.place.wants(participant.id)) return;
  const attempt = beginAttempt(host, participant, 'offerer', bytesToText(host.random.bytes(16)));
  if (attempt === null) planRetry(host, participant);
};

/** null when no pipe could be opened. */
export const beginAttempt = (
  host: AttemptHost,
  participant: Participant,
  role: PipeRole,
  id: string,
): Attempt | null => {
  const attempt: Attempt = {
    id,
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
  attempt.pipe = host.openPipe(role, {
    described: (sdp) => {
      if (attempt.isOver) return;
      attempt.said = describe(host, participant, attempt, sdp);
      attempt.saidAt = host.clock.now();
      host.say(attempt.said);
    },
    opened: (carrier) => opened(host, participant, attempt, carrier),
    closed: () => ended(host, participant, attempt),
  });
  if (attempt.pipe === null) return null;
  participant.attempt = attempt;
  attempt.cancelTimeout = host.clock.after(limits.connectTimeoutMs, () => {
    attempt.pipe?.close();
    ended(host, participant, attempt);
  });
  return attempt;
};

/** Gives up what is under way with a participant, without holding it against it. */
export const abandon = (participant: Participant): void => {
  const { attempt } = participant;
  if (attempt === null) return;
  attempt.isOver = true;
  attempt.cancelTimeout();
  participant.attempt = null;
  attempt.pipe?.close();
};

/** Says an offer or an answer again when the other side shows that it is there and it may not have come through. */
export const repeat = (host: AttemptHost, attempt: Attempt): void => {
  if (attempt.isOver || attempt.isAnswered || attempt.openedAt !== null || attempt.said === null) return;
  if (host.clock.now() - attempt.saidAt < limits.meetingRetryMinMs) return;
  attempt.saidAt = host.clock.now();
  host.say(attempt.said);
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
  participant.attempt = null;
  participant.linked = attempt;
  participant.retryAt = 0;
  host.place.onCarrier(carrier, participant.id);
};

/** A carrier that closed soon after it opened counts as a failure too, or two devices that refuse each other would never rest. */
const ended = (host: AttemptHost, participant: Participant, attempt: Attempt): void => {
  if (attempt.isOver) return;
  attempt.isOver = true;
  attempt.cancelTimeout();
  if (participant.attempt === attempt) participant.attempt = null;
  if (participant.linked === attempt) participant.linked = null;
  const hasLasted = attempt.openedAt !== null && host.clock.now() - attempt.openedAt >= limits.carrierFlapMs;
  participant.failures = hasLasted ? 0 : participant.failures + 1;
  planRetry(host, participant);
  host.announceSoon();
};

const planRetry = (host: AttemptHost, participant: Participant): void => {
  // Forgotten since (it said goodbye): it is met anew when it announces itself again.
  if (host.hasLeft || host.participants.get(participant.id) !== participant) return;
  const delayMs = retryDelayMs(participant.failures, host.random);
  participant.retryAt = host.clock.now() + delayMs;
  participant.cancelRetry();
  participant.cancelRetry = host.clock.after(delayMs, () => offerTo(host, participant));
};
