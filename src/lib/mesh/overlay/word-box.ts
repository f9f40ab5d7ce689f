import { limits } from '../../kernel/limits.ts';
import type { Clock } from '../../kernel/ports/clock.ts';
import type { Link } from '../../kernel/ports/links.ts';
import type { LiveLink } from '../link.ts';
import { createPaced } from './word-pace.ts';
import { encodeWord, parseWord, type OverlayWord } from './words.ts';

export type WordBoxDeps = {
  readonly clock: Clock;
  readonly live: () => readonly LiveLink[];
  readonly isMember: (device: string) => boolean;
  readonly heard: (link: Link, word: OverlayWord) => void;
  readonly onRefused: (reason: string) => void;
};

/** The words of all links: read from members only, so many of each link in a minute, and words that are carried for others fewer. */
export const createWordBox = (deps: WordBoxDeps) => {
  const stopById = new Map<string, () => void>();
  const words = createPaced(deps.clock, limits.overlayWordsPerMinuteMax);
  const carried = createPaced(deps.clock, limits.roadWordsPerMinuteMax);
  const liveOf = (id: string): LiveLink | undefined => deps.live().find((link) => link.id === id);

  const read = (link: LiveLink, bytes: Uint8Array): void => {
    // Not named in the log, or not yet here: left unread, for an honest one says it again.
    if (!deps.isMember(link.peer.device)) return;
    if (!words.takes(link.id)) return deps.onRefused('word-flood');
    const word = parseWord(bytes);
    if (!word) return deps.onRefused('word-malformed');
    if ((word.t === 'road' || word.t === 'call') && !carried.takes(link.id)) return deps.onRefused('road-flood');
    deps.heard(link, word);
  };
  const detach = ({ id }: Link): void => {
    stopById.get(id)?.();
    stopById.delete(id);
    words.forget(id);
    carried.forget(id);
  };

  return {
    attach: (link: Link): void => {
      const live = liveOf(link.id);
      if (live && !stopById.has(link.id))
        stopById.set(
          link.id,
          live.onWord((bytes) => read(live, bytes)),
        );
    },
    detach,
    /** Links to members: nobody else is told anything. */
    members: (): readonly LiveLink[] => deps.live().filter(({ peer }) => deps.isMember(peer.device)),
    say: (id: string, word: OverlayWord): boolean => {
      const live = liveOf(id);
      return live !== undefined && deps.isMember(live.peer.device) && live.say(encodeWord(word));
    },
    close: (): void => {
      for (const stop of stopById.values()) stop();
      stopById.clear();
    },
  };
};
export type WordBox = ReturnType<typeof createWordBox>;
