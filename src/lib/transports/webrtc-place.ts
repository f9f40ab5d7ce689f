import { bytesToText, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { MeetingPlace } from '../kernel/ports/transport.ts';
import { encodeMeeting, parseMeeting, type MeetingMessage } from '../kernel/wire/meeting.ts';
import { createMeetingSeal, sealNonceBytes, sealOverheadBytes, type MeetingSeal } from './meeting-seal.ts';
import { createMeeting, type Meeting } from './meeting.ts';
import type { OpenPipe } from './pipe.ts';
import { createSeenSet, type SeenSet } from './seen-set.ts';
import type { SignalClient } from './signal-client.ts';

export type WebrtcPlaceDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: SignalClient;
  readonly place: MeetingPlace;
  readonly openPipe: OpenPipe;
  readonly refused: (reason: string) => void;
};

export type WebrtcPlace = {
  probe(): void;
  /** Resolves when the goodbye was handed to the server, or could not be. */
  leave(): Promise<void>;
};

/**
 * One meeting place on the signalling server: the topic is the tag, every message is sealed under the place's key.
 * What comes in passes text, size, seal, replay and shape, in this order; whatever fails is counted and nothing else.
 */
export const enterWebrtcPlace = (deps: WebrtcPlaceDeps): WebrtcPlace => {
  const { clock, random, signal, place, openPipe, refused } = deps;
  const seal = createMeetingSeal({ key: place.key, tag: place.tag, random });
  let lastSaid: Promise<void> = Promise.resolve();
  const say = (message: MeetingMessage): void => {
    lastSaid = seal.seal(encodeMeeting(message)).then((sealed) => {
      if (!signal.publish(place.tag, bytesToText(sealed))) refused('not-published');
    });
  };
  const meeting = createMeeting({ clock, random, place, say, openPipe });
  const entrance: Entrance = {
    seal,
    meeting,
    refused,
    noncesSeen: createSeenSet(limits.meetingNoncesSeenMax),
    queued: 0,
  };
  const unsubscribe = signal.subscribe(place.tag, {
    message: (data) => void receive(entrance, data),
    opened: meeting.probe,
  });
  return {
    probe: meeting.probe,
    leave: async () => {
      meeting.leave();
      await lastSaid;
      unsubscribe();
    },
  };
};

type Entrance = {
  readonly seal: MeetingSeal;
  readonly meeting: Meeting;
  readonly refused: (reason: string) => void;
  readonly noncesSeen: SeenSet;
  queued: number;
};

const receive = async (entrance: Entrance, data: string): Promise<void> => {
  const { refused } = entrance;
  if (entrance.queued >= limits.meetingQueueMax) return refused('flooded');
  const sealed = data.length > sealedCharsMax ? null : textToBytes(data);
  if (sealed === null) return refused('not-sealed-text');
  entrance.queued += 1;
  const plain = await entrance.seal.open(sealed);
  entrance.queued -= 1;
  if (!plain.ok) return refused(plain.error);
  // Only what was really sealed here is remembered: a stranger cannot wash the memory out.
  if (!entrance.noncesSeen.add(bytesToText(sealed.subarray(0, sealNonceBytes)))) return refused('replayed');
  const message = parseMeeting(plain.value);
  if (!message.ok) return refused(message.error);
  const outcome = entrance.meeting.heard(message.value);
  // The server repeats to each device what it said itself.
  if (outcome !== 'taken' && outcome !== 'own') refused(outcome);
};

const sealedCharsMax = Math.ceil(((limits.meetingMessageBytesMax + sealOverheadBytes) * 4) / 3);
