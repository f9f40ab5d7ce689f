import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../../src/lib/kernel/codec.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { signLinkList } from '../../src/lib/mesh/overlay/link-list.ts';
import { encodeWord, parseWord, type OverlayWord } from '../../src/lib/mesh/overlay/words.ts';
import { settle } from '../unit/link-fixture.ts';
import { deviceName, overlayHouse } from '../unit/overlay-fixture.ts';
import { forgeEvent, makePerson } from '../unit/street-fixture.ts';
import { fuzz, harmless } from './fuzz-fixture.ts';
import { attackedHouse, expectHeld } from './sync-fixture.ts';
import { encodeFrame } from '../../src/lib/replica/frames.ts';

const nameOf = (at: number): string => deviceName(at).slice(0, 21) + 'A';
const roadWord = (at: number, over: Partial<Extract<OverlayWord, { t: 'road' }>> = {}): OverlayWord => ({
  t: 'road',
  id: nameOf(1_000 + at),
  tag: 'tag',
  from: nameOf(500),
  to: '',
  hops: 2,
  sealed: new Uint8Array(100),
  ...over,
});

describe('attacks on the overlay', () => {
  it('10,000 changed words: each is read as itself or not at all, and nothing throws', async () => {
    const { linkTo } = await overlayHouse(30);
    const link = linkTo(deviceName(0));
    const honest = [roadWord(1), { t: 'shuffle', isAnswer: false, degree: 3, devices: [deviceName(4)] } as const].map(
      encodeWord,
    );
    const tally = await fuzz(31, 10_000, honest, async (bytes) => {
      const word = parseWord(bytes);
      link.hearWord(bytes);
      return word === null ? null : true;
    });
    expect(tally).toMatchObject({ threw: harmless(10_000).threw });
  });

  it('words carried for others do not multiply: one in, a few out, once each, two links far', async () => {
    const { linkTo, refused } = await overlayHouse(30);
    const links = Array.from({ length: 10 }, (_, at) => linkTo(deviceName(at)));
    const [mallory] = links;
    const carried = () => links.flatMap(({ words }) => words.filter(({ t }) => t === 'road')).length;
    mallory?.hearWord(roadWord(1));
    expect(carried()).toBe(limits.roadFanout);
    for (let turn = 0; turn < 50; turn++) mallory?.hearWord(roadWord(1));
    mallory?.hearWord(roadWord(2, { hops: 1 }));
    mallory?.hearWord(roadWord(3, { hops: 200 }));
    mallory?.hearWord(roadWord(4, { to: nameOf(7) }));
    expect(carried()).toBe(limits.roadFanout);
    expect(refused).toContain('road-hops');
  });

  it('names that a neighbour has told are not told on: those of who left would go round for ever', async () => {
    const { linkTo } = await overlayHouse(30);
    const [mallory, chen] = [0, 1].map((at) => linkTo(deviceName(at)));
    mallory?.hearWord({ t: 'shuffle', isAnswer: true, degree: 3, devices: [deviceName(20), deviceName(21)] });
    chen?.hearWord({ t: 'shuffle', isAnswer: false, degree: 3, devices: [] });
    const told = chen?.words.flatMap((word) => (word.t === 'shuffle' && word.isAnswer ? [word.devices] : []));
    expect(told).toEqual([[deviceName(0)]]);
  });

  it('a flood of words from one neighbour is cut off, and the others are still carried', async () => {
    const { linkTo, refused } = await overlayHouse(30);
    const [mallory, bora, chen] = [0, 1, 2].map((at) => linkTo(deviceName(at)));
    for (let at = 0; at < 2 * limits.roadWordsPerMinuteMax; at++) mallory?.hearWord(roadWord(at));
    expect(refused).toContain('road-flood');
    for (let at = 0; at < limits.overlayWordsPerMinuteMax; at++) mallory?.hearWord({ t: 'prune', source: 'x' });
    expect(refused).toContain('word-flood');
    const before = chen?.words.length ?? 0;
    bora?.hearWord(roadWord(9_999));
    expect(chen?.words.length).toBeGreaterThan(before);
  });

  it('whoever is no member is neither heard nor told anything', async () => {
    const { overlay, linkTo, members } = await overlayHouse(30);
    const [stranger, bora] = [linkTo(deviceName(99)), linkTo(deviceName(1))];
    expect(members.has(deviceName(99))).toBe(false);
    stranger.hearWord(roadWord(1));
    stranger.hearWord({ t: 'prune', source: 'anna' });
    overlay.tellPresence(new Uint8Array(9));
    expect(bora.words.filter(({ t }) => t === 'road')).toEqual([]);
    expect(overlay.tree.isEager('anna', stranger)).toBe(true);
    expect(stranger.words).toEqual([]);
  });

  it('a list of links that is forged, of a stranger, too long or misshapen draws no edge and goes no further', async () => {
    const house = await overlayHouse(30);
    const [mallory, bora] = [await makePerson('mallory'), await makePerson('bora')];
    house.members.add(bora.device);
    const [link, other] = [house.linkTo(deviceName(0)), house.linkTo(deviceName(1))];
    const tell = async (signed: Uint8Array<ArrayBuffer>): Promise<void> => {
      link.hearWord({ t: 'links', signed });
      await settle();
    };
    await tell(await signLinkList(mallory.keys.signing, { sentAt: 1, links: [deviceName(1)] }));
    const honest = await signLinkList(bora.keys.signing, { sentAt: 1, links: [deviceName(1)] });
    const forged = honest.slice();
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    await tell(forged);
    const many = Array.from({ length: limits.linkListMax + 1 }, () => new Uint8Array(32));
    await tell(encodeCbor([encodeCbor([1, bora.keys.signing.publicKey, 1, many]), new Uint8Array(64)]));
    expect(house.overlay.toldEdges()).toEqual([]);
    expect(other.words.filter(({ t }) => t === 'links')).toEqual([]);
    expect(new Set(house.refused)).toEqual(new Set(['links-stranger', 'links-signature', 'links-malformed']));
    await tell(honest);
    expect(house.overlay.toldEdges()).toEqual([{ from: bora.device, to: deviceName(1) }]);
  });

  it('names a neighbour makes up crowd nobody out and draw no links', async () => {
    const { overlay, linkTo } = await overlayHouse(30);
    const link = linkTo(deviceName(0));
    for (let turn = 0; turn < 60; turn++) {
      const devices = Array.from({ length: limits.overlayShuffleMax }, (_, at) => deviceName(10_000 + 8 * turn + at));
      link.hearWord({ t: 'shuffle', isAnswer: true, degree: 8, devices });
    }
    expect(overlay.topology().nodes).not.toContain(deviceName(10_000));
    link.words.splice(0);
    link.hearWord({ t: 'shuffle', isAnswer: false, degree: 8, devices: [] });
    expect(link.words).toEqual([expect.objectContaining({ t: 'shuffle', devices: [] })]);
  });
});

describe('attacks by pushed events', () => {
  const push = (envelopes: readonly Uint8Array<ArrayBuffer>[]) =>
    encodeFrame({ type: 'push', events: envelopes.map((envelope) => ({ envelope, payload: null })) });

  it('a guest pushes nothing outside of the authority lane', async () => {
    const house = await attackedHouse({ isGuest: true });
    const event = await forgeEvent(house.mallory.keys.signing, { community: house.street.community });
    house.link.hear('sync', push([event.envelope]));
    await house.quiet();
    expect(house.refusals()).toContain('lane-forbidden');
    expect(house.gained()).toMatchObject({ ids: 0, stored: 0 });
  });

  it('a changed signature, and more at once than anybody pushes, are refused', async () => {
    const house = await attackedHouse();
    const event = await forgeEvent(house.mallory.keys.signing, { community: house.street.community });
    const changed = event.envelope.slice();
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    house.link.hear('sync', push([changed]));
    house.link.hear('sync', push(Array.from({ length: limits.pushGapMax + 1 }, () => event.envelope)));
    await house.quiet();
    expect(house.refusals()).toContain('frame-too-many');
    await expectHeld(house, 'event-signature');
  });
});
