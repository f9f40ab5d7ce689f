import { limits } from '../../src/lib/kernel/limits.ts';
import { every, type Clock } from '../../src/lib/kernel/ports/clock.ts';
import type { Link } from '../../src/lib/kernel/ports/links.ts';
import { randomInt, type Random } from '../../src/lib/kernel/ports/random.ts';
import { createChoice } from '../../src/lib/mesh/overlay/choice.ts';
import { createKnownDevices } from '../../src/lib/mesh/overlay/known-devices.ts';
import { createShuffle } from '../../src/lib/mesh/overlay/shuffle.ts';
import { createTree } from '../../src/lib/mesh/overlay/tree.ts';
import { encodeWord, parseWord, type OverlayWord } from '../../src/lib/mesh/overlay/words.ts';
import { encodeFrame, parseFrame } from '../../src/lib/replica/frames.ts';
import { createLivePush, type LivePush } from '../../src/lib/replica/live-push.ts';
import type { Entry } from '../../src/lib/log/lanes.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';

/** What a simulated link carries: frames of the sync channel, what rides with signs of life, and words of the overlay. */
export type Sent = { readonly what: 'frame' | 'ride' | 'word'; readonly bytes: Uint8Array };
export type SimEvents = {
  entry(author: string, seq: number): Entry;
  read(envelope: Uint8Array): { readonly author: string; readonly seq: number };
};
export type OverlayNodeDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly device: string;
  readonly events: SimEvents;
  readonly isMember: (device: string) => boolean;
  /** Puts it on the wire to another device. */
  readonly send: (to: string, sent: Sent) => void;
  /** Ends a link at both ends. */
  readonly unlink: (other: string) => void;
  readonly onHeld: (author: string, seq: number, from: string | null) => void;
};
type Session = {
  readonly device: string;
  readonly since: number;
  readonly rttMs: number;
  readonly knows: Map<string, number>;
  readonly rider: () => readonly Uint8Array[];
  readonly live: LivePush;
  readonly link: Link;
};

const lane = 16;
const digest = new Uint8Array(32);
const pingMs = 5_000;

/**
 * One device of a large simulated street: production choice of links, shuffles, trees, live push, riders and codecs, over a log that
 * only counts events. Asking and answering are those of the sync in short: one question, one answer.
 */
export const createOverlayNode = (deps: OverlayNodeDeps) => {
  const { clock, random, device, events } = deps;
  const sessions = new Map<string, Session>();
  const nextByAuthor = new Map<string, number>();
  const next = (author: string): number => nextByAuthor.get(author) ?? 0;
  const known = createKnownDevices({ clock, random });
  const tellWord = (to: string, word: OverlayWord): boolean => {
    if (!sessions.has(to)) return false;
    deps.send(to, { what: 'word', bytes: encodeWord(word) });
    return true;
  };
  const tree = createTree({
    nowMs: clock.now,
    random,
    links: () => [...sessions.keys()],
    say: (to, t, source) => void tellWord(to, { t, source }),
  });
  const shuffle = createShuffle({
    random,
    self: () => device,
    isMember: deps.isMember,
    known,
    degree: () => sessions.size,
    say: tellWord,
  });
  const choice = createChoice({
    clock,
    random,
    self: () => device,
    epoch: () => 'epoch',
    links: () =>
      [...sessions.values()].map((each) => ({
        device: each.device,
        rttMs: each.rttMs,
        ageMs: clock.now() - each.since,
        uses: tree.usesOf(each.device),
        isCalled: false,
      })),
    known,
    trees: tree.count,
    isCalled: () => false,
  });
  const spread = {
    isNeeded: () => true,
    isEager: (source: string, { id }: Link) => tree.isEager(source, id),
    heard: (source: string, { id }: Link, isNews: boolean) => tree.heard(source, id, isNews),
    missed: (source: string, { id }: Link) => tree.missed(source, id),
  };

  const up = (other: string, rttMs: number): void => {
    const knows = new Map<string, number>();
    let rider = (): readonly Uint8Array[] => [];
    const link: Link = {
      id: other,
      peer: { device: other, person: other, name: '', build: '' },
      kind: 'memory',
      send: (_channel, frame) => {
        deps.send(other, { what: 'frame', bytes: frame });
        return true;
      },
      drained: () => Promise.resolve(),
      onFrame: () => () => {},
      rides: (_channel, given) => {
        rider = () => given(limits.riderBytesMax);
        return () => {};
      },
      isOpen: true,
      close: () => {},
    };
    const live = createLivePush(link, {
      clock,
      log: {
        next,
        digestAt: () => digest,
        slice: (author, _lane, from, count) =>
          Array.from({ length: Math.min(count, next(author) - from) }, (_, at) => events.entry(author, from + at)),
      },
      tree: spread,
      mayLane: () => true,
      asking: {
        knows: (author) => knows.get(author) ?? 0,
        learn: (author, _lane, to) => void knows.set(author, Math.max(to, knows.get(author) ?? 0)),
      },
      isReady: () => true,
    });
    sessions.set(other, { device: other, since: clock.now(), rttMs, knows, rider: () => rider(), live, link });
    known.note(other, null);
    known.noteHeard(other);
    tree.up(other, sessions.size === 1);
    tellHeads(other);
  };
  const down = (other: string): void => {
    sessions.delete(other);
    tree.down(other);
  };

  const tellHeads = (to: string): void => {
    const heads = [...nextByAuthor].map(([author, count]) => ({ author: keyOf(author), lane, next: count, digest }));
    for (let at = 0; at < heads.length; at += limits.haveHeadsMax)
      deps.send(to, {
        what: 'frame',
        bytes: encodeFrame({ type: 'heads', heads: heads.slice(at, at + limits.haveHeadsMax) }),
      });
  };
  const hold = (author: string, seq: number, from: string | null): boolean => {
    if (next(author) !== seq) return false;
    nextByAuthor.set(author, seq + 1);
    deps.onHeld(author, seq, from);
    for (const [other, session] of sessions) if (other !== from) session.live.pass([events.entry(author, seq)]);
    return true;
  };
  const learn = (session: Session, author: string, to: number): void =>
    void session.knows.set(author, Math.max(to, session.knows.get(author) ?? 0));

  const hear = (from: string, { what, bytes }: Sent): void => {
    const session = sessions.get(from);
    if (!session) return;
    if (what === 'word') return hearWord(session, parseWord(bytes));
    const frame = parseFrame(bytes);
    if (!frame.ok) throw new Error(frame.error);
    if (frame.value.type === 'push') {
      for (const { envelope } of frame.value.events) {
        const { author, seq } = events.read(envelope);
        learn(session, author, seq + 1);
        tree.heard(author, from, hold(author, seq, from));
      }
    } else if (frame.value.type === 'heads') {
      for (const head of frame.value.heads) {
        const author = bytesToText(head.author);
        learn(session, author, head.next);
        if (head.next <= next(author)) continue;
        if (what === 'ride') tree.missed(author, from);
        // An ask of the sync, which names what is held.
        deps.send(from, { what: 'frame', bytes: encodeFrame({ type: 'want', ids: [head.author] }) });
      }
    } else if (frame.value.type === 'want') {
      for (const id of frame.value.ids) session.live.pass([events.entry(bytesToText(id), next(bytesToText(id)) - 1)]);
    }
  };
  const hearWord = ({ device: from, link }: Session, word: OverlayWord | null): void => {
    if (word?.t === 'prune' || word?.t === 'graft') tree.told(word.source, from, word.t);
    else if (word?.t === 'shuffle') shuffle.heard(word, link);
    else if (word?.t === 'part') {
      if (!choice.canSpare(from)) return shuffle.tell(link, true);
      known.part(from);
      deps.unlink(from);
    }
  };

  const anyOne = (): Session | undefined => [...sessions.values()][randomInt(random, Math.max(1, sessions.size))];
  const stops = [
    every(
      clock,
      () => pingMs,
      () => {
        for (const { device: to, rider } of sessions.values())
          for (const bytes of rider()) deps.send(to, { what: 'ride', bytes });
      },
    ),
    every(
      clock,
      () => limits.overlayShuffleMs / 2 + randomInt(random, limits.overlayShuffleMs),
      () => {
        const near = anyOne();
        if (near) shuffle.tell(near.link, false);
        const surplus = choice.surplus();
        if (surplus === null) return;
        known.part(surplus);
        tellWord(surplus, { t: 'part' });
      },
    ),
    every(
      clock,
      () => limits.antiEntropyMs + randomInt(random, limits.antiEntropyMs / 4),
      () => {
        const near = anyOne();
        if (near) tellHeads(near.device);
      },
    ),
  ];

  return {
    device,
    wants: (other: string): boolean => {
      known.note(other, null);
      known.noteHeard(other);
      return !sessions.has(other) && choice.wants(other);
    },
    seeks: choice.seeks,
    up,
    down,
    hear,
    links: (): readonly string[] => [...sessions.keys()],
    write: (): number => {
      const seq = next(device);
      hold(device, seq, null);
      return seq;
    },
    holds: (author: string, seq: number): boolean => next(author) > seq,
    stop: (): void => stops.forEach((stop) => stop()),
  };
};
export type OverlayNode = ReturnType<typeof createOverlayNode>;

const keyOf = (device: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(device, 'base64url'));
