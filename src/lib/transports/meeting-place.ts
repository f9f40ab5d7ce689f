import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { MeetingPlace } from '../kernel/ports/transport.ts';
import { encodeMeeting, parseMeeting, type MeetingMessage } from '../kernel/wire/meeting.ts';
import { sealNonceBytes, sealOverheadBytes, type MeetingSeal } from './meeting-seal.ts';
import { createMeeting, type Meeting } from './meeting.ts';
import type { Saying } from './meeting-attempt.ts';
import type { PipeWays } from './pipe.ts';
import type { Roads, RoadsPlace, Way } from './roads.ts';
import { createSeenSet, type SeenSet } from './seen-set.ts';

export type EnteredPlaceDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly roads: Roads;
  readonly place: MeetingPlace;
  readonly seal: MeetingSeal;
  readonly pipes: PipeWays;
  readonly refused: (reason: string) => void;
};

export type EnteredPlace = {
  probe(): void;
  /** Resolves when the goodbye was handed to the roads, or could not be. */
  leave(): Promise<void>;
};

/**
 * One meeting place on every road: each message is sealed under the place's key and bound to its tag.
 * What comes in passes size, seal, replay and shape, in this order; whatever fails is counted and nothing else.
 */
export const enterMeetingPlace = (deps: EnteredPlaceDeps): EnteredPlace => {
  const { clock, random, roads, place, seal, pipes, refused } = deps;
  let onRoads: RoadsPlace | null = null;
  let lastSaid: Promise<void> = Promise.resolve();
  const say = (message: MeetingMessage, how: Saying): void => {
    // What has to be said twice goes every way.
    const participant = 'to' in message && how !== 'repeat' ? message.to : null;
    lastSaid = seal.seal(encodeMeeting(message)).then((sealed) => {
      if (onRoads?.say(sealed, participant, how === 'routine') !== true) refused('not-said');
    });
  };
  const meeting = createMeeting({ clock, random, place, say, pipes });
  const entrance: Entrance = {
    seal,
    meeting,
    refused,
    noncesSeen: createSeenSet(limits.meetingNoncesSeenMax),
    queued: 0,
    note: (participant, way) => onRoads?.note(participant, way),
  };
  const entered = roads.enter(place.tag, {
    heard: (sealed, way) => void receive(entrance, sealed, way),
    // A road that is open already says so before it can be spoken on.
    opened: () => (onRoads === null ? undefined : meeting.probe()),
  });
  onRoads = entered;
  meeting.probe();
  return {
    probe: meeting.probe,
    leave: async () => {
      meeting.leave();
      await lastSaid;
      entered.leave();
    },
  };
};

type Entrance = {
  readonly seal: MeetingSeal;
  readonly meeting: Meeting;
  readonly refused: (reason: string) => void;
  readonly noncesSeen: SeenSet;
  readonly note: (participant: string, way: Way) => void;
  queued: number;
};

const receive = async (entrance: Entrance, sealed: Uint8Array<ArrayBuffer>, way: Way): Promise<void> => {
  const { refused } = entrance;
  if (entrance.queued >= limits.meetingQueueMax) return refused('flooded');
  if (sealed.length > limits.meetingMessageBytesMax + sealOverheadBytes) return refused('oversized');
  entrance.queued += 1;
  const plain = await entrance.seal.open(sealed);
  entrance.queued -= 1;
  if (!plain.ok) return refused(plain.error);
  // Only what was really sealed here is remembered: a stranger cannot wash the memory out.
  if (!entrance.noncesSeen.add(bytesToText(sealed.subarray(0, sealNonceBytes)))) return refused('replayed');
  const message = parseMeeting(plain.value);
  if (!message.ok) return refused(message.error);
  entrance.note(message.value.from, way);
  const outcome = entrance.meeting.heard(message.value);
  // A road may repeat to each device what it said itself.
  if (outcome !== 'taken' && outcome !== 'own') refused(outcome);
};
