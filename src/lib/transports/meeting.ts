import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';
import type { MeetingPlace, PipeWay } from '../kernel/ports/transport.ts';
import type { MeetingAnnounce, MeetingAnswer, MeetingMessage, MeetingOffer } from '../kernel/wire/meeting.ts';
import { abandon, beginAttempt, offerTo, repeat, type AttemptHost, type Saying } from './meeting-attempt.ts';
import { createParticipants, isLinked, pipeWays, type Attempt, type Participant } from './participants.ts';
import { relayDescriptionPrefix, type PipeWays } from './pipe.ts';
import { createSeenSet, type SeenSet } from './seen-set.ts';

export type MeetingDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly place: MeetingPlace;
  /** Carries a message to whom it is for, or to everybody in the place; it may be lost, doubled or late. */
  readonly say: (message: MeetingMessage, how: Saying) => void;
  readonly pipes: PipeWays;
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
        for (const way of pipeWays) participant.ways[way].retryAt = 0;
        repeatOffers(meeting, participant);
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
  if (message.type === 'announce') return heardAnnounce(meeting, message);
  if (message.type === 'leave') return heardLeave(meeting, message.from, message.session);
  return message.type === 'offer' ? heardOffer(meeting, message) : heardAnswer(meeting, message);
};

const heardAnnounce = (meeting: MeetingState, announced: MeetingAnnounce): HeardOutcome => {
  const { from, session } = announced;
  const noted = meeting.participants.note(from, session, meeting.clock.now());
  if (noted === null) return 'full';
  const { participant, isNews } = noted;
  participant.isRelayOnly = announced.isRelayOnly === true;
  // Whatever was begun with an earlier session of it cannot end well.
  for (const way of pipeWays) {
    const { attempt } = participant.ways[way];
    if (attempt !== null && attempt.session !== session) abandon(participant, way);
  }
  repeatOffers(meeting, participant);
  if (meeting.place.selfId < from) offerTo(meeting, participant);
  // Somebody new must hear of this device before it can offer.
  else if (isNews && isWanted(meeting, participant)) announceSoon(meeting);
  return 'taken';
};

const repeatOffers = (meeting: MeetingState, { ways }: Participant): void => {
  for (const way of pipeWays) {
    const { attempt } = ways[way];
    if (attempt?.role === 'offerer') repeat(meeting, attempt);
  }
};

const isWanted = ({ place }: MeetingState, { id }: Participant): boolean =>
  pipeWays.some((way) => place.wants(id, way));

const heardLeave = (meeting: MeetingState, from: string, session: string): HeardOutcome => {
  const participant = meeting.participants.get(from);
  if (participant === undefined || participant.session !== session) return 'stale-session';
  for (const way of pipeWays) abandon(participant, way);
  meeting.participants.forget(participant);
  return 'taken';
};

const heardOffer = (meeting: MeetingState, offer: MeetingOffer): HeardOutcome => {
  if (offer.toSession !== meeting.session) return 'stale-session';
  if (offer.from >= meeting.place.selfId) return 'wrong-role';
  if (!meeting.attemptsSeen.add(`${offer.from} ${offer.attempt}`)) return heardOfferAgain(meeting, offer);
  const noted = meeting.participants.note(offer.from, offer.session, meeting.clock.now());
  if (noted === null) return 'full';
  const way: PipeWay = offer.sdp.startsWith(relayDescriptionPrefix) ? 'relay' : 'direct';
  if (isLinked(noted.participant, way)) return 'already-linked';
  if (way === 'direct' && !meeting.pipes.isDirectPossible()) return 'unwanted';
  if (!meeting.place.wants(offer.from, way)) return 'unwanted';
  // A newer offer means that the offerer gave the older one up.
  abandon(noted.participant, way);
  const attempt = beginAttempt(meeting, noted.participant, { way, role: 'answerer', id: offer.attempt });
  if (attempt === null) return 'full';
  attempt.pipe?.accept(offer.sdp);
  return 'taken';
};

/** Said again by the offerer because it has heard no answer. A stranger's repetition does not come as far as this. */
const heardOfferAgain = (meeting: MeetingState, offer: MeetingOffer): HeardOutcome => {
  const attempt = attemptOf(meeting, offer.from, offer.attempt);
  if (attempt?.role === 'answerer') repeat(meeting, attempt);
  return 'replayed';
};

const heardAnswer = (meeting: MeetingState, answer: MeetingAnswer): HeardOutcome => {
  const attempt = attemptOf(meeting, answer.from, answer.attempt);
  if (attempt?.role !== 'offerer') return 'unknown-attempt';
  if (attempt.isAnswered) return 'replayed';
  attempt.isAnswered = true;
  attempt.pipe?.accept(answer.sdp);
  return 'taken';
};

const attemptOf = (meeting: MeetingState, from: string, id: string): Attempt | null => {
  const ways = meeting.participants.get(from)?.ways;
  return pipeWays.map((way) => ways?.[way].attempt ?? null).find((attempt) => attempt?.id === id) ?? null;
};

const leave = (meeting: MeetingState): void => {
  if (meeting.hasLeft) return;
  meeting.hasLeft = true;
  meeting.cancelAnnounce();
  for (const participant of meeting.participants.all()) {
    for (const way of pipeWays) abandon(participant, way);
    meeting.participants.forget(participant);
  }
  meeting.say({ type: 'leave', from: meeting.place.selfId, session: meeting.session }, 'first');
};

const announce = (meeting: MeetingState, isDue = false): void => {
  const now = meeting.clock.now();
  meeting.announcedAt = now;
  meeting.participants.prune(now);
  const said = { type: 'announce', from: meeting.place.selfId, session: meeting.session } as const;
  const isCalm = isSettled(meeting);
  // Alone it is heard of by whoever comes, and neighbours have no need to carry that.
  const isAlone = meeting.participants.all().length === 0;
  const how = isDue && (isCalm || isAlone) ? 'routine' : 'first';
  meeting.say(meeting.pipes.isDirectPossible() ? said : { ...said, isRelayOnly: true }, how);
  const intervalMs = isCalm ? limits.announceIdleMs : limits.announceIntervalMs;
  planAnnounce(meeting, Math.round(intervalMs * 0.8) + randomInt(meeting.random, Math.round(intervalMs * 0.4)), true);
};

/** Newcomers come in crowds; one announcement answers all of them. */
const announceSoon = (meeting: MeetingState): void => {
  if (meeting.hasLeft) return;
  const now = meeting.clock.now();
  const earliest = Math.max(0, meeting.announcedAt + limits.announceSoonMs - now);
  const delayMs = earliest + randomInt(meeting.random, limits.announceSoonMs);
  if (now + delayMs < meeting.announceDueAt) planAnnounce(meeting, delayMs, false);
};

const planAnnounce = (meeting: MeetingState, delayMs: number, isDue: boolean): void => {
  meeting.cancelAnnounce();
  meeting.announceDueAt = meeting.clock.now() + delayMs;
  meeting.cancelAnnounce = meeting.clock.after(delayMs, () => announce(meeting, isDue));
};

/** Alone is not settled: somebody may be out of earshot. */
const isSettled = (meeting: MeetingState): boolean => {
  const others = meeting.participants.all();
  if (others.length > 0 && meeting.place.seeks?.() === false) return true;
  return (
    others.length > 0 &&
    others.every((other) => pipeWays.some((way) => isLinked(other, way)) || !isWanted(meeting, other))
  );
};
