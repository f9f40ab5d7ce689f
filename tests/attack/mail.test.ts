import { describe, expect, it } from 'vitest';
import { openBox } from '../../src/lib/crypto/box.ts';
import { bytesToText, utf8 } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { createKeyActs } from '../../src/lib/log/acts-keys.ts';
import { authorityLane, parseEventNow } from '../../src/lib/log/event.ts';
import { emptyItem, encodeBoxItem, parseBoxItem, type BoxItem } from '../../src/lib/mail/box-item.ts';
import { createMemoryRelay } from '../support/memory-relay.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { mailStreet } from '../unit/mail-fixture.ts';
import { forgeEvent, platformCrypto, todayLane } from '../unit/street-fixture.ts';

const random = seededRandom('mallory');

const street = async () => {
  const world = await mailStreet('Anna', 'Bora', 'Mallory');
  const [anna, bora, mallory] = world.people;
  const communityKey = world.founder.here.currentKey()?.key;
  if (!anna || !bora || !mallory || !communityKey) throw new Error('nobody lives here');
  const relay = createMemoryRelay('wss://one.example');
  const box = await openBox(platformCrypto, communityKey);
  /** What mallory, who has the key, puts into the box. */
  const putAsMember = async (item: Partial<BoxItem>): Promise<void> => {
    const sealed = await box.seal(random, encodeBoxItem({ ...emptyItem, ...item }));
    await relay.mailbox.put(box.key, sealed ?? new Uint8Array(0), limits.mailKeepMs);
  };
  return { ...world, anna, bora, mallory, relay, box, communityKey, putAsMember };
};

describe('whoever runs a relay', () => {
  it('reads nothing: no word, no device, and only lengths in whole steps', async () => {
    const { anna, relay, home, soon } = await street();
    const annas = await home(anna, [relay]);
    await annas.says('the key is under the mat');
    await soon();
    const all = relay.kept().map((item) => Buffer.from(item).toString('latin1'));
    const device = Buffer.from(anna.keys.signing.publicKey).toString('latin1');
    expect(all.some((item) => item.includes('under the mat') || item.includes(device))).toBe(false);
    expect(relay.kept().map(({ length }) => (length - 28) % limits.boxPadBytes)).toEqual(relay.kept().map(() => 0));
  });

  it('slips in items of its own, changed ones, and those of another neighbourhood: each is counted and stops nothing', async () => {
    const { anna, bora, relay, home, soon } = await street();
    const annas = await home(anna, [relay]);
    await annas.says('first');
    await soon();
    const foreign = await openBox(platformCrypto, new Uint8Array(32));
    const changed = relay.kept()[0]?.slice() ?? new Uint8Array(0);
    changed[20] = (changed[20] ?? 0) ^ 1;
    for (const item of [
      changed,
      new Uint8Array(0),
      random.bytes(5_000),
      (await foreign.seal(random, encodeBoxItem(emptyItem))) ?? new Uint8Array(0),
    ])
      relay.slip(item);
    await annas.says('second');
    await soon();
    const boras = await home(bora, [relay]);
    expect(boras.texts()).toEqual(['first', 'second']);
    expect(boras.refused.filter((reason) => reason === 'box-item-seal').length).toBe(4);
  });

  it('says that there is more for ever: one look ends all the same', async () => {
    const { bora, relay, home } = await street();
    let taken = 0;
    const endless = { ...relay, mailbox: { ...relay.mailbox, take: async () => ok(page(++taken)) } };
    const page = (n: number) => ({ items: [random.bytes(100)], cursor: `1.${n}`, hasMore: true });
    await home(bora, [endless]);
    expect(taken).toBe(limits.boxPagesPerLookMax);
  });
});

describe('a member who means harm', () => {
  it('cannot keep out what anna writes by laying something at her place', async () => {
    const { anna, bora, relay, home, soon, community, putAsMember } = await street();
    const annas = await home(anna, []);
    const first = await annas.says('first');
    const second = await annas.says('second');
    const only = { envelope: second.event.envelope, payload: second.payload };
    await putAsMember({ events: [only] });
    annas.reach.open(relay);
    await soon();
    annas.box.stop();
    const boras = await home(bora, [relay]);
    expect(boras.texts()).toEqual(['first', 'second']);
    expect(first.event.header.seq).toBe(0);
    expect(community.length).toBe(16);
  });

  it('cannot keep out what bora would hand on for anna, by events that nobody has signed', async () => {
    const { anna, bora, mallory, relay, home, pass, community, putAsMember } = await street();
    const annas = await home(anna, []);
    const said = await annas.says('told bora only');
    const boras = await home(bora, []);
    await boras.log.receive([{ envelope: said.event.envelope, payload: said.payload }], 'link 1');
    const forged = await forgeEvent(mallory.keys.signing, { community, author: anna.keys.signing.publicKey, seq: 7 });
    await putAsMember({ events: [{ envelope: forged.envelope, payload: forged.payload }] });
    boras.reach.open(relay);
    await pass(2 * limits.boxCourierMs);
    boras.box.stop();
    expect(boras.refused).toContain('event-signature');
    const mallorys = await home(mallory, [relay]);
    expect(mallorys.texts()).toEqual(['told bora only']);
  });

  it('is judged as at any link: a forged event, a receipt nobody signed, and what is no item are counted and have no effect', async () => {
    const { anna, bora, mallory, relay, home, box, community, putAsMember } = await street();
    const forged = await forgeEvent(mallory.keys.signing, { community, author: anna.keys.signing.publicKey });
    await putAsMember({ events: [{ envelope: forged.envelope, payload: forged.payload }] });
    await putAsMember({ receipts: [utf8('signed by anna, honestly')] });
    const noItem = (await box.seal(random, utf8('not an item'))) ?? new Uint8Array(0);
    await relay.mailbox.put(box.key, noItem, limits.mailKeepMs);
    const boras = await home(bora, [relay]);
    expect(boras.refused).toEqual(['event-signature', 'receipt-malformed', 'box-item-malformed']);
    expect(boras.log.next(anna.device, todayLane)).toBe(0);
  });

  it('who was removed finds in the old box the way to the new key and nothing that was said since', async () => {
    const { anna, relay, home, soon, settle, box } = await street();
    const annas = await home(anna, [relay]);
    await createKeyActs({ crypto: platformCrypto, random }).rotate(annas.here);
    await settle();
    const reached = annas.log.next(anna.device, authorityLane);
    await annas.log.append('person.profile', {
      auth: [...annas.here.membership().authorityHeads],
      personName: 'Anna B',
    });
    await annas.says('among ourselves');
    await soon();
    const lanes = new Set<number>();
    let last = 0;
    for (const sealed of relay.kept()) {
      const plain = await box.open(sealed);
      for (const { envelope } of (plain && parseBoxItem(plain))?.events ?? []) {
        const event = parseEventNow(envelope);
        lanes.add(event.ok ? event.value.header.lane : -1);
        last = Math.max(last, event.ok ? event.value.header.seq : 0);
      }
    }
    expect([...lanes]).toEqual([authorityLane]);
    expect(last).toBe(reached - 1);
  });
});

describe('an item of a box', () => {
  it('is read totally: whatever bytes come, an item or null', () => {
    const good = encodeBoxItem({
      events: [{ envelope: new Uint8Array(200), payload: null }],
      receipts: [new Uint8Array(40)],
      letters: [{ id: new Uint8Array(32), to: new Uint8Array(32), expires: 5, sealed: new Uint8Array(90) }],
      arrived: [new Uint8Array(32)],
    });
    expect(parseBoxItem(good)).not.toBeNull();
    for (let turn = 0; turn < 20_000; turn++) {
      const bytes = good.slice(0, turn % 3 === 0 ? (random.bytes(1)[0] ?? 0) : good.length);
      for (const at of random.bytes(1 + (turn % 4))) bytes[at % bytes.length] = random.bytes(1)[0] ?? 0;
      const item = parseBoxItem(bytes);
      if (item) expect(bytesToText(encodeBoxItem(item))).toBe(bytesToText(bytes));
    }
  });

  it.each([
    [
      'too many events',
      {
        ...emptyItem,
        events: Array.from({ length: limits.boxEventsPerItemMax + 1 }, () => ({
          envelope: new Uint8Array(9),
          payload: null,
        })),
      },
    ],
    [
      'too long an envelope',
      { ...emptyItem, events: [{ envelope: new Uint8Array(limits.envelopeBytesMax + 1), payload: null }] },
    ],
    [
      'too many receipts',
      { ...emptyItem, receipts: Array.from({ length: limits.boxReceiptsPerItemMax + 1 }, () => new Uint8Array(9)) },
    ],
    ['a secret of the wrong length', { ...emptyItem, arrived: [new Uint8Array(31)] }],
  ])('with %s is none', (_what, item) => {
    expect(parseBoxItem(encodeBoxItem(item))).toBeNull();
  });
});
