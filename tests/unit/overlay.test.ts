import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createRing } from '../../src/lib/mesh/overlay/ring.ts';
import { createTree } from '../../src/lib/mesh/overlay/tree.ts';
import { encodeWord, parseWord, type OverlayWord } from '../../src/lib/mesh/overlay/words.ts';
import { signLinkList } from '../../src/lib/mesh/overlay/link-list.ts';
import { runOverlayStreet } from '../sim/overlay-street.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { settle } from './link-fixture.ts';
import { deviceName, overlayHouse } from './overlay-fixture.ts';
import { makePerson } from './street-fixture.ts';

describe('the choice of links', () => {
  it('takes everybody while the street is small, and no tree is needed', async () => {
    const { overlay, linkTo } = await overlayHouse(limits.fullMeshMax + 1);
    for (let at = 0; at < limits.fullMeshMax; at++) {
      expect(overlay.wants(deviceName(at))).toBe(true);
      linkTo(deviceName(at));
    }
    expect(overlay.tree.isNeeded()).toBe(false);
  });

  it('in a larger one takes what others offer up to its room, and makes no more than its degree by itself', async () => {
    const { anna, overlay, linkTo, clock } = await overlayHouse(60);
    const names = Array.from({ length: 59 }, (_, at) => deviceName(at));
    for (const name of names) overlay.wants(name);
    clock.advance(limits.overlayShuffleMs + 1);
    for (const name of names.slice(0, limits.overlayDegree)) linkTo(name);
    expect(overlay.tree.isNeeded()).toBe(true);
    expect(overlay.seeks()).toBe(false);
    const rest = names.slice(limits.overlayDegree);
    const wanted = rest.filter((name) => overlay.wants(name));
    // Whoever has the smaller name offers; a larger name is wanted for the ring alone.
    expect(wanted.filter((name) => name > anna.device).length).toBeLessThanOrEqual(2);
    expect(rest.filter((name) => name < anna.device).every((name) => wanted.includes(name))).toBe(true);
    for (const name of rest.slice(0, limits.overlayDegreeMax - limits.overlayDegree)) linkTo(name);
    expect(names.slice(limits.overlayDegreeMax).filter((name) => overlay.wants(name)).length).toBeLessThanOrEqual(2);
  });

  it('is never over the budget, also not for a call', async () => {
    const { overlay, linkTo } = await overlayHouse(60);
    for (let at = 0; at < limits.linksMax; at++) linkTo(deviceName(at));
    void overlay.linkTo(deviceName(50));
    expect(overlay.wants(deviceName(50))).toBe(false);
  });

  it('asks for the end of a link it can spare, and keeps the one the other end cannot', async () => {
    const { linkTo, clock } = await overlayHouse(60);
    const links = Array.from({ length: 11 }, (_, at) => linkTo(deviceName(at)));
    clock.advance(4 * limits.overlayShuffleMs);
    const asked = links.filter(({ words }) => words.some(({ t }) => t === 'part'));
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.every((link) => link.closedWith() === null)).toBe(true);
  });

  it('ends a spare link when asked to, and says how many it holds when it has none to spare', async () => {
    const { linkTo } = await overlayHouse(60);
    const few = Array.from({ length: limits.overlayDegree }, (_, at) => linkTo(deviceName(at)));
    few[0]?.hearWord({ t: 'part' });
    expect(few[0]?.closedWith()).toBeNull();
    expect(few[0]?.words).toContainEqual(expect.objectContaining({ t: 'shuffle', degree: limits.overlayDegree }));
    const more = [20, 21, 22].map((at) => linkTo(deviceName(at)));
    for (const link of more) link.hearWord({ t: 'part' });
    expect(more.filter((link) => link.closedWith() === 'parted').length).toBeGreaterThan(0);
  });

  it('draws the same ring at every device, another one in each epoch', () => {
    const names = Array.from({ length: 30 }, (_, at) => deviceName(at));
    const ring = createRing(() => 'one');
    for (const name of names)
      for (const other of ring.neighboursOf(name, names)) expect(ring.neighboursOf(other, names)).toContain(name);
    const [first = ''] = names;
    expect(createRing(() => 'two').neighboursOf(first, names)).not.toEqual(ring.neighboursOf(first, names));
    expect([...ring.neighboursOf(first, [first])]).toEqual([]);
  });
});

describe('a tree of links', () => {
  const treeOf = (links: readonly string[], said: string[], nowMs = () => 0) =>
    createTree({
      nowMs,
      random: seededRandom('tree'),
      links: () => links,
      say: (...word) => void said.push(word.join(' ')),
    });

  it('is mended at once where the link goes that brought the news: those that had it from elsewhere are asked', () => {
    const said: string[] = [];
    const tree = treeOf(['to chen', 'to dora', 'to emil', 'to fred'], said);
    tree.heard('anna', 'to bora', true);
    for (const link of ['to chen', 'to dora', 'to emil']) tree.heard('anna', link, false);
    said.length = 0;
    tree.down('to fred');
    expect(said).toEqual([]);
    tree.down('to bora');
    expect(said).toHaveLength(limits.treeMendLinks);
    // Fred had it from here: over that link it cannot come back.
    for (const word of said) expect(word).toMatch(/^to (chen|dora|emil) graft anna$/);
    expect(['to chen', 'to dora', 'to emil'].filter((link) => tree.isEager('anna', link))).toHaveLength(said.length);
  });

  it('leaves out the link over which news came round, and takes in the one over which it was missed', () => {
    const said: string[] = [];
    let now = 0;
    const tree = treeOf(['to bora', 'to chen', 'to dora'], said, () => now);
    tree.heard('anna', 'to bora', true);
    tree.heard('anna', 'to chen', false);
    expect([tree.isEager('anna', 'to bora'), tree.isEager('anna', 'to chen')]).toEqual([true, false]);
    expect(tree.isEager('dora', 'to chen')).toBe(true);
    tree.missed('anna', 'to chen');
    tree.missed('anna', 'to dora');
    expect(tree.isEager('anna', 'to chen')).toBe(true);
    now += limits.graftPauseMs;
    tree.missed('anna', 'to dora');
    expect(said).toEqual(['to chen prune anna', 'to chen graft anna', 'to dora graft anna']);
  });

  it('asks for everything over the only link, and for nothing over a further one', () => {
    const said: string[] = [];
    const tree = treeOf(['to bora', 'to chen', 'to dora'], said);
    tree.heard('anna', 'to bora', true);
    tree.up('to chen', false);
    expect(tree.isEager('anna', 'to chen')).toBe(false);
    tree.told('', 'to chen', 'graft');
    expect(tree.isEager('anna', 'to chen')).toBe(true);
    tree.up('to dora', true);
    expect(said).toEqual(['to dora graft ']);
  });
});

describe('words of the overlay', () => {
  const words: readonly OverlayWord[] = [
    { t: 'prune', source: deviceName(1) },
    { t: 'graft', source: '' },
    { t: 'shuffle', isAnswer: false, degree: 9, devices: [deviceName(1), deviceName(2)] },
    { t: 'part' },
    { t: 'call', from: deviceName(1), to: deviceName(2) },
    {
      t: 'road',
      id: deviceName(3).slice(0, 21) + 'A',
      tag: 'tag',
      from: deviceName(4).slice(0, 21) + 'A',
      to: '',
      hops: 2,
      sealed: new Uint8Array(40),
    },
    { t: 'presence', signed: new Uint8Array(3) },
    { t: 'links', signed: new Uint8Array(4) },
  ];

  it('are read back as they were said, and refused when cut at any byte', () => {
    for (const word of words) {
      const bytes = encodeWord(word);
      expect(parseWord(bytes)).toEqual(word);
      for (let length = 0; length < bytes.length; length++) expect(parseWord(bytes.subarray(0, length))).toBeNull();
    }
  });
});

describe('a link for a call', () => {
  it('is asked for, waited for, and told to all who wait', async () => {
    const { anna, overlay, linkTo, announcements } = await overlayHouse(60);
    const bora = linkTo(deviceName(0));
    const waiting = [overlay.linkTo(deviceName(9)), overlay.linkTo(deviceName(9))];
    expect(bora.words).toContainEqual({ t: 'call', from: anna.device, to: deviceName(9) });
    expect(announcements()).toBe(1);
    expect(overlay.wants(deviceName(9))).toBe(true);
    const link = linkTo(deviceName(9));
    expect(await Promise.all(waiting)).toEqual([link, link]);
  });

  it('that nobody answers ends after a while with none', async () => {
    const { overlay, clock } = await overlayHouse(60);
    const waiting = overlay.linkTo(deviceName(9));
    clock.advance(limits.linkOnDemandMs);
    expect(await waiting).toBeNull();
  });

  it('is taken by whoever is asked, and the wish passed on to its neighbour by one that knows it', async () => {
    const { anna, overlay, linkTo } = await overlayHouse(60);
    const [bora, chen] = [linkTo(deviceName(0)), linkTo(deviceName(1))];
    bora.hearWord({ t: 'call', from: deviceName(0), to: deviceName(1) });
    expect(chen.words).toContainEqual({ t: 'call', from: deviceName(0), to: deviceName(1) });
    bora.hearWord({ t: 'call', from: deviceName(30), to: anna.device });
    for (let at = 2; at < 13; at++) linkTo(deviceName(at));
    expect(overlay.wants(deviceName(30))).toBe(true);
  });
});

describe('the picture of the mesh', () => {
  it('shows what members say of their links, the newest word of each, and passes it on once', async () => {
    const bora = await makePerson('bora');
    const house = await overlayHouse(60);
    house.members.add(bora.device);
    const [link, other] = [house.linkTo(deviceName(0)), house.linkTo(deviceName(1))];
    const list = await signLinkList(bora.keys.signing, { sentAt: 5, links: [house.anna.device, deviceName(1)] });
    link.hearWord({ t: 'links', signed: list });
    await settle();
    link.hearWord({ t: 'links', signed: await signLinkList(bora.keys.signing, { sentAt: 4, links: [] }) });
    await settle();
    expect(house.overlay.toldEdges()).toEqual([
      { from: bora.device, to: house.anna.device },
      { from: bora.device, to: deviceName(1) },
    ]);
    expect(house.overlay.topology().nodes).toContain(bora.device);
    expect(other.words.filter(({ t }) => t === 'links')).toHaveLength(1);
  });
});

describe('the mesh road', () => {
  it('carries words of a place to members two links away, and the answer back the way they came', async () => {
    const [anna, bora] = [await overlayHouse(12), await overlayHouse(12, { random: seededRandom('bora') })];
    const fromAnna = anna.linkTo(deviceName(0));
    const [toAnna, toChen] = [bora.linkTo(deviceName(5)), bora.linkTo(deviceName(6))];
    const heard: string[] = [];
    const listener = { heard: (_: Uint8Array, from: string) => void heard.push(from), opened: () => {} };
    const place = anna.road().enter('tag', listener);
    expect(place.say(Uint8Array.of(7), null)).toBe(true);
    const said = fromAnna.words.find(({ t }) => t === 'road');
    if (said?.t !== 'road') throw new Error('nothing was said');
    toAnna.hearWord(said);
    const passed = toChen.words.find(({ t }) => t === 'road');
    expect(passed).toEqual({ ...said, hops: 1 });
    toChen.hearWord({ ...said, id: said.id.replace(/^./, 'z'), from: said.id, to: said.from, hops: 2 });
    const back = toAnna.words.filter(({ t }) => t === 'road');
    expect(back).toHaveLength(1);
    for (const word of back) fromAnna.hearWord(word);
    expect(heard).toEqual([said.id]);
  });
});

describe('a simulated street of 50', () => {
  it('tells everybody once, and everybody still there after 30 % are gone without a word', () => {
    const figures = runOverlayStreet(50, 1);
    expect(figures.steady).toMatchObject({ coverage: 1 });
    expect(figures.steady.sendsPerReceiver).toBeLessThanOrEqual(1.3);
    expect(figures.steady.hopsMax).toBeLessThanOrEqual(6);
    expect(figures.afterLoss.coverage).toBe(1);
  });
});
