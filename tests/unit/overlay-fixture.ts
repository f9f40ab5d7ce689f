import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { createSignal } from '../../src/lib/kernel/watch.ts';
import type { LiveLink } from '../../src/lib/mesh/link.ts';
import { createOverlay, type OverlayDeps } from '../../src/lib/mesh/overlay/overlay.ts';
import { encodeWord, parseWord, type OverlayWord } from '../../src/lib/mesh/overlay/words.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createFakeLink, createFakeLinks } from './link-fixture.ts';
import { makePerson, platformCrypto } from './street-fixture.ts';

/** A device's name as text, the same for the same number. */
export const deviceName = (at: number): string => bytesToText(seededRandom(`device ${at}`).bytes(32));

export type OverlayLink = LiveLink & {
  readonly words: OverlayWord[];
  hearWord(word: OverlayWord | Uint8Array): void;
  closedWith(): string | null;
};

/** One end of a link, with the lane of the overlay; the test is the other end. */
export const createOverlayLink = (device: string, since = 0): OverlayLink => {
  const link = createFakeLink(device);
  const words: OverlayWord[] = [];
  const listeners = new Set<(word: Uint8Array) => void>();
  return Object.assign(link, {
    words,
    say: (bytes: Uint8Array) => {
      const word = parseWord(bytes);
      if (!word || link.closedWith() !== null) return false;
      words.push(word);
      return true;
    },
    onWord: (listener: (word: Uint8Array) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    hearWord: (word: OverlayWord | Uint8Array) =>
      listeners.forEach((listener) => listener(word instanceof Uint8Array ? word : encodeWord(word))),
    rttMs: () => null,
    lastHeardAt: () => 0,
    since,
    path: () => null,
    probe: () => {},
    receive: () => {},
    drain: () => {},
    lost: () => {},
  }) as unknown as OverlayLink;
};

/** Anna's overlay in a neighbourhood of so many devices, with links the test brings up. */
export const overlayHouse = async (deviceCount: number, over: Partial<OverlayDeps> = {}) => {
  const anna = await makePerson('anna');
  const clock = createVirtualClock();
  const links = createFakeLinks();
  const live: OverlayLink[] = [];
  const refused: string[] = [];
  const presences: Uint8Array[] = [];
  const announced = createSignal();
  const members = new Set([anna.device, ...Array.from({ length: deviceCount - 1 }, (_, at) => deviceName(at))]);
  let announcements = 0;
  announced.on(() => (announcements += 1));
  let addedRoad: Parameters<OverlayDeps['addRoad']>[0] | null = null;
  const overlay = createOverlay({
    clock,
    communityNow: clock.now,
    random: seededRandom('overlay'),
    crypto: platformCrypto,
    signing: anna.keys.signing,
    self: () => anna.device,
    links,
    live: () => live,
    deviceCount: () => members.size,
    isMember: (device) => members.has(device),
    epoch: () => 'epoch',
    addRoad: (road) => {
      addedRoad = road;
      return () => {};
    },
    announce: announced.tell,
    takePresence: async (signed) => {
      presences.push(signed);
      return { verdict: 'news', device: deviceName(0) };
    },
    onRefused: (reason) => void refused.push(reason),
    ...over,
  });
  await overlay.start();
  return {
    anna,
    overlay,
    clock,
    refused,
    presences,
    members,
    announcements: () => announcements,
    road: () => {
      if (!addedRoad) throw new Error('no road was added');
      return addedRoad;
    },
    linkTo: (device: string): OverlayLink => {
      const link = createOverlayLink(device, clock.now());
      live.push(link);
      links.up(link);
      return link;
    },
    lose: (link: OverlayLink): void => {
      live.splice(live.indexOf(link), 1);
      links.down(link);
    },
  };
};
