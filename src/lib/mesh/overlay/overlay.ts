import { createStops, type Startable } from '../../kernel/lifecycle.ts';
import { limits } from '../../kernel/limits.ts';
import { every, type Clock } from '../../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, SigningKey } from '../../kernel/ports/crypto.ts';
import type { Link, Links } from '../../kernel/ports/links.ts';
import { randomInt, type Random } from '../../kernel/ports/random.ts';
import type { Road } from '../../kernel/ports/road.ts';
import type { SpreadTree } from '../../kernel/ports/spread.ts';
import { createSignal } from '../../kernel/watch.ts';
import type { LiveLink } from '../link.ts';
import { createChoice } from './choice.ts';
import type { GossipVerdict } from './gossip.ts';
import { createKnownDevices } from './known-devices.ts';
import { createLinkCalls } from './link-calls.ts';
import { createMeshRoad } from './mesh-road.ts';
import { createShuffle } from './shuffle.ts';
import { createSpreading } from './spreading.ts';
import { createWordBox } from './word-box.ts';

export type OverlayDeps = {
  readonly clock: Clock;
  readonly communityNow: () => number;
  readonly random: Random;
  readonly crypto: CryptoPort;
  readonly signing: SigningKey;
  readonly self: () => string;
  readonly links: Links;
  readonly live: () => readonly LiveLink[];
  /** How many devices the neighbourhood has, this one among them. */
  readonly deviceCount: () => number;
  readonly isMember: (device: string) => boolean;
  /** The name of the community's present key; the ring is another one with each. */
  readonly epoch: () => string;
  readonly addRoad: (road: Road) => () => void;
  /** Says again that this device is here, so that whoever is asked for a link hears of it. */
  readonly announce: () => void;
  /** Signed presence of a device this one is not linked with. */
  readonly takePresence: (signed: Bytes) => Promise<{ readonly verdict: GossipVerdict; readonly device: string }>;
  readonly onRefused: (reason: string) => void;
};

/** Which links this device holds, how news spreads over them, and what neighbours carry for each other (protocol 5). */
export const createOverlay = (deps: OverlayDeps) => {
  const { clock, random, self, links, isMember } = deps;
  const stops = createStops();
  const changed = createSignal();
  const known = createKnownDevices({ clock, random });
  const box = createWordBox({ ...deps, heard: (link, word) => heard(link, word) });
  const linkIds = (): readonly string[] => box.members().map(({ id }) => id);
  const { tree, gossip, topology, lists, spreadMs } = createSpreading({
    ...deps,
    known,
    say: box.say,
    linkIds,
    onNews: changed.tell,
  });
  const isNeeded = (): boolean => deps.deviceCount() > limits.fullMeshMax + 1;
  const calls = createLinkCalls({ clock, links, ask: (device) => ask(device) });
  const linkFacts = () =>
    deps.live().map((link) => ({
      device: link.peer.device,
      rttMs: link.rttMs(),
      ageMs: clock.now() - link.since,
      uses: tree.usesOf(link.id),
      isCalled: calls.isUsed(link.peer.device),
    }));
  const choice = createChoice({ ...deps, links: linkFacts, known, trees: tree.count, isCalled: calls.isAsked });
  const road = createMeshRoad({ random, links: linkIds, say: box.say, onRefused: deps.onRefused });
  const shuffle = createShuffle({ random, self, isMember, known, degree: () => links.all().length, say: box.say });

  /** Whoever asks for a link says so to those who hold one to that device, or may; and says that it is here. */
  const ask = (device: string): void => {
    const surplus = links.all().length >= limits.linksMax ? calls.oldest() : null;
    if (surplus !== null) part(surplus);
    const near = box.members().filter(({ peer }) => topology.linksOf(peer.device).includes(device));
    for (const { id } of near.length > 0 ? near : box.members()) box.say(id, { t: 'call', from: self(), to: device });
    deps.announce();
  };
  const part = (device: string): void => {
    const link = links.of(device);
    if (!link) return;
    known.part(device);
    box.say(link.id, { t: 'part' });
  };
  /** Whoever cannot spare the link says how many it holds, and is not asked again before it has more. */
  const onPart = (link: Link): void => {
    const { device } = link.peer;
    if (!choice.canSpare(device) || calls.isUsed(device)) return shuffle.tell(link, true);
    known.part(device);
    link.close('parted');
  };

  const heard: Parameters<typeof createWordBox>[0]['heard'] = (link, word) => {
    switch (word.t) {
      case 'prune':
      case 'graft':
        return tree.told(word.source, link.id, word.t);
      case 'shuffle':
        return shuffle.heard(word, link);
      case 'part':
        return onPart(link);
      case 'call':
        return onCall(word, link);
      case 'road':
        return road.heard(word, link.id);
      case 'presence':
      case 'links':
        return void gossip.heard(word.t, word.signed, link.id);
    }
  };
  /** For us from a member: the wish is remembered. For somebody we are linked with: it is passed on, by whoever wished it only. */
  const onCall = ({ from, to }: { readonly from: string; readonly to: string }, link: Link): void => {
    if (!isMember(from) || from === self()) return;
    if (to === self()) {
      calls.noteWish(from);
      return deps.announce();
    }
    const target = links.of(to);
    if (from === link.peer.device && target) box.say(target.id, { t: 'call', from, to });
  };

  const onUp = (link: Link): void => {
    known.note(link.peer.device, null);
    known.noteHeard(link.peer.device);
    box.attach(link);
    const isOnly = links.all().length === 1;
    tree.up(link.id, isOnly);
    calls.up(link);
    if (isOnly) road.opened();
    lists.tellSoon();
    changed.tell();
  };
  const onDown = (link: Link): void => {
    box.detach(link);
    tree.down(link.id);
    gossip.down(link.id);
    road.down(link.id);
    calls.down(link.peer.device);
    lists.tellSoon();
    changed.tell();
  };
  const turn = (): void => {
    const { length } = links.all();
    const [near] = [box.members()[randomInt(random, Math.max(1, box.members().length))]];
    if (isNeeded() && near) shuffle.tell(near, false);
    const surplus = length > limits.overlayDegree ? choice.surplus() : null;
    if (surplus !== null) part(surplus);
  };

  const spread: SpreadTree = {
    isNeeded,
    isEager: (source, { id }) => tree.isEager(source, id),
    heard: (source, { id }, isNews) => tree.heard(source, id, isNews),
    missed: (source, { id }) => tree.missed(source, id),
  };
  const service: Startable = {
    start: () => {
      stops.run();
      stops.add(links.onUp(onUp));
      stops.add(links.onDown(onDown));
      stops.add(deps.addRoad(road.road));
      stops.add(every(clock, () => limits.overlayShuffleMs / 2 + randomInt(random, limits.overlayShuffleMs), turn));
      stops.add(every(clock, spreadMs, () => void lists.tell()));
      for (const link of links.all()) onUp(link);
    },
    stop: () => {
      stops.run();
      lists.stop();
      calls.stop();
      box.close();
    },
  };
  return {
    ...service,
    tree: spread,
    /** Asked for each device heard of at the meeting place: may there be a link to it? */
    wants: (device: string): boolean => {
      if (isMember(device) || !isMember(self())) {
        known.note(device, null);
        known.noteHeard(device);
      }
      return choice.wants(device);
    },
    /** False while it holds the links it should: it then announces itself seldom. */
    seeks: choice.seeks,
    linkTo: calls.linkTo,
    /** This device's own signed presence, for those it is not linked with. */
    tellPresence: (signed: Bytes): void => {
      if (isNeeded()) gossip.tell('presence', signed);
    },
    spreadMs,
    /** The link to it was given up for want of need, not lost. */
    isParted: known.isParted,
    topology: topology.view,
    toldEdges: topology.told,
    onChange: changed.on,
  };
};
export type Overlay = ReturnType<typeof createOverlay>;
