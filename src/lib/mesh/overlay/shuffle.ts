import { limits } from '../../kernel/limits.ts';
import type { Link } from '../../kernel/ports/links.ts';
import { randomInt, type Random } from '../../kernel/ports/random.ts';
import type { KnownDevices } from './known-devices.ts';
import type { OverlayWord } from './words.ts';

type ShuffleWord = Extract<OverlayWord, { t: 'shuffle' }>;

export type ShuffleDeps = {
  readonly random: Random;
  readonly self: () => string;
  readonly isMember: (device: string) => boolean;
  readonly known: KnownDevices;
  readonly degree: () => number;
  readonly say: (link: string, word: ShuffleWord) => boolean;
};

/** Two neighbours tell each other some of those they have heard of, so that who is here goes round without any server. */
export const createShuffle = ({ random, self, isMember, known, degree, say }: ShuffleDeps) => {
  const tell = ({ id, peer }: Link, isAnswer: boolean): void => {
    const others = known.heardThemselves().filter((device) => device !== peer.device && device !== self());
    const devices: string[] = [];
    while (devices.length < limits.overlayShuffleMax && others.length > 0)
      devices.push(...others.splice(randomInt(random, others.length), 1));
    say(id, { t: 'shuffle', isAnswer, degree: degree(), devices });
  };
  return {
    tell,
    heard: ({ isAnswer, degree: theirs, devices }: ShuffleWord, link: Link): void => {
      known.note(link.peer.device, theirs);
      // Names of members only: what a neighbour makes up crowds nobody out.
      for (const device of devices) if (device !== self() && isMember(device)) known.note(device, null);
      if (!isAnswer) tell(link, true);
    },
  };
};
