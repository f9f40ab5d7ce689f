import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';
import type { MeetingPlace } from '../kernel/ports/transport.ts';
import type { MeetingAnswer, MeetingMessage, MeetingOffer } from '../kernel/wire/meeting.ts';
import { abandon, beginAttempt, offerTo, repeat, type AttemptHost } from './meeting-attempt.ts';
import { createParticipants, isLinked } from './participants.ts';
import type { OpenPipe } from './pipe.ts';
import { createSeenSet, type SeenSet } from './seen-set.ts';

export type MeetingDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly place: MeetingPlace;
  /** Carries a message to everybody in the place; it may be lost, doubled or late. */
  readonly say: (message: MeetingMessage) => void;
  readonly openPipe: OpenPipe;
};

/** Why a message changed nothing; `taken` when it was acted on. */
export type HeardOutcome =
  | 'taken'
  | 'own'
  | 'for-another'
  | 'stale-session'
  | 'replayed'
  | 'wrong-role'
  | 'unwanted'
  | 'already-linked'
  | 'unknown-attempt'
  | 'full';

export type Meeting = {
  heard(message: MeetingMessage): HeardOutcome;
  /** Announces and tries everybody again at once: the place was entered, the page woke, the server is back. Silent before the first. */
  probe(): void;
  /** Ends announcing and every attempt. Carriers that are open belong to the mesh and stay open. */
  leave(): void;
};

/**
 * How two devices in one place come to a carrier, whatever carries their words and whatever the pipe is made of.
 * - Everybody announces at once, then every `announceIntervalMs` while somebody wanted is not linked, else every `announceIdleMs`.
 * - The smaller name offers, so offers never cross. The larger one answers an offer that is meant for its present session.
 * - What was said is said again when the other announces itself and has not answered; words get lost.
 * - An attempt ends after `connectTimeoutMs`; the next comes after a pause that doubles, as long as the other is heard of.
 */
export const createMeeting = (deps: MeetingDeps): Meeting => {
  const meeting: MeetingState = {
    ...deps,
    session: bytesToText(deps.random.bytes(16)),
    participants: createParticipants(),
    attemptsSeen: createSeenSet(limits.meetingAttemptsSeenMax),
    hasLeft: false,
    announcedAt: Number.NEGATIVE_INFINITY,
    announceDueAt: Number.POSITIVE_INFINITY,
    cancelAnnounce: () => {},
    announceSoon: () => announceSoon(meeting),
  };
  return {
    heard: (message) => (meeting.hasLeft ? 'stale-session' : heard(meeting, message)),
    probe: () => {
      if (meeting.hasLeft) return;
      announce(meeting);
      for (const participant of meeting.participants.all()) {
        participant.retryAt = 0;
        if (participant.attempt?.role === 'offerer') repeat(meeting, participant.attempt);
        offerTo(meeting, participant);
      }
    },
    leave: () => leave(meeting),
  };
};

type MeetingState = AttemptHost & {
  readonly attemptsSeen: SeenSet;
  announcedAt: number;
  announceDueAt: number;
  cancelAnnounce(): void;
};

const heard = (meeting: MeetingState, message: MeetingMessage): HeardOutcome => {
  const { selfId } = meeting.place;
  if (message.from === selfId) return 'own';
  if ((message.type === 'offer' || message.type === 'answer') && message.to !== selfId) return 'for-another';
  if (message.type === 'announce') return heardAnnounce(meeting, message.from, message.session);
  if (message.type === 'leave') return heardLeave(meeting, message.from, message.session);
  return message.type === 'offer' ? heardOffer(meeting, message) : heardAnswer(meeting, message);
};

const heardAnnounce = (meeting: MeetingState, from: string, session: string): HeardOutcome => {
  const noted = meeting.participants.note(from, session, meeting.clock.now());
  if (noted === null) return 'full';
  const { participant, isNews } = noted;
  // Whatever was begun with an earlier session of it cannot end well.
  if (participant.attempt !== null && participant.attempt.session !== session) abandon(participant);
  if (participant.attempt?.role === 'offerer') repeat(meeting, participant.attempt);
  else if (meeting.place.selfId < from) offerTo(meeting, participant);
  // Somebody new must hear of this device before it can offer.
  else if (isNews && meeting.place.wants(from)) announceSoon(meeting);
  return 'taken';
};

const heardLeave = (meeting: MeetingState, from: string, session: string): HeardOutcome => {
  const participant = meeting.participants.get(from);
  if (participant === undefined || participant.session !== session) return 'stale-session';
  abandon(participant);
  meeting.participants.forget(participant);
  return 'taken';
};

const heardOffer = (meeting: MeetingState, offer: MeetingOffer): HeardOutcome => {
  if (offer.toSession !== meeting.session) return 'stale-session';
  if (offer.from >= meeting.place.selfId) return 'wrong-role';
  if (!meeting.attemptsSeen.add(`${offer.from} ${offer.attempt}`)) return heardOfferAgain(meeting, offer);
  const noted = meeting.participants.note(offer.from, offer.session, meeting.clock.now());
  if (noted === null) return 'full';
  if (isLinked(noted.participant)) return 'already-linked';
  if (!meeting.place.wants(offer.from)) return 'unwanted';
  // A newer offer means that the offerer gave the older one up.
  abandon(noted.participant);
  const attempt = beginAttempt(meeting, noted.participant, 'answerer', offer.attempt);
  if (attempt === null) return 'full';
  attempt.pipe?.accept(offer.sdp);
  return 'taken';
};

/** Said again by the offerer because it has heard no answer. A stranger's repetition does not come as far as this. */
const heardOfferAgain = (meeting: MeetingState, offer: MeetingOffer): HeardOutcome => {
  const attempt = meeting.participants.get(offer.from)?.attempt ?? null;
  if (attempt?.role === 'answerer' && attempt.id === offer.attempt) repeat(meeting, attempt);
  return 'replayed';
};

const heardAnswer = (meeting: MeetingState, answer: MeetingAnswer): HeardOutcome => {
  const attempt = meeting.participants.get(answer.from)?.attempt ?? null;
  if (attempt === null || attempt.role !== 'offerer' || attempt.id !== answer.attempt) return 'unknown-attempt';
  if (attempt.isAnswered) return 'replayed';
  attempt.isAnswered = true;
  attempt.pipe?.accept(answer.sdp);
  return 'taken';
};

const leave = (meeting: MeetingState): void => {
  if (meeting.hasLeft) return;
  meeting.hasLeft = true;
  meeting.cancelAnnounce();
  for (const participant of meeting.participants.all()) {
    abandon(participant);
    meeting.participants.forget(participant);
  }
  meeting.say({ type: 'leave', from: meeting.place.selfId, session: meeting.session });
};

const announce = (meeting: MeetingState): void => {
  const now = meeting.clock.now();
  meeting.announcedAt = now;
  meeting.participants.prune(now);
  meeting.say({ type: 'announce', from: meeting.place.selfId, session: meeting.session });
  const intervalMs = isSettled(meeting) ? limits.announceIdleMs : limits.announceIntervalMs;
  planAnnounce(meeting, Math.round(intervalMs * 0.8) + randomInt(meeting.random, Math.round(intervalMs * 0.4)));
};

/** Newcomers come in crowds; one announcement answers all of them. */
const announceSoon = (meeting: MeetingState): void => {
  if (meeting.hasLeft) return;
  const now = meeting.clock.now();
  const earliest = Math.max(0, meeting.announcedAt + limits.announceSoonMs - now);
  const delayMs = earliest + randomInt(meeting.random, limits.announceSoonMs);
  if (now + delayMs < meeting.announceDueAt) planAnnounce(meeting, delayMs);
};

const planAnnounce = (meeting: MeetingState, delayMs: number): void => {
  meeting.cancelAnnounce();
  meeting.announceDueAt = meeting.clock.now() + delayMs;
  meeting.cancelAnnounce = meeting.clock.after(delayMs, () => announce(meeting));
};

/** Alone is not settled: somebody may be out of earshot. */
const isSettled = (meeting: MeetingState): boolean => {
  const others = meeting.participants.all();
  return others.length > 0 && others.every((other) => isLinked(other) || !meeting.place.wants(other.id));
};
