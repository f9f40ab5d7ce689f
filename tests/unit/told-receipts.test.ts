import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import type { SpreadTree } from '../../src/lib/kernel/ports/spread.ts';
import { placeKey, signReceipt } from '../../src/lib/log/receipts.ts';
import { encodeFrame, parseFrame } from '../../src/lib/replica/frames.ts';
import { createSync } from '../../src/lib/replica/sync.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createFakeLink, createFakeLinks, settle } from './link-fixture.ts';
import { makeStreet, platformCrypto, todayLane, type Person } from './street-fixture.ts';

/** Of a large street: no link carries anybody's receipts at once. */
const prunedTree: SpreadTree = { isNeeded: () => true, isEager: () => false, heard: () => {}, missed: () => {} };

/** Anna with a link to Bora; what she knows of Chen's receipts came over another link, which is gone. */
const annasHouse = async () => {
  const street = await makeStreet('anna', 'bora', 'chen');
  const [anna, bora, chen] = street.people as [Person, Person, Person];
  const house = await street.move(anna);
  const links = createFakeLinks();
  const link = createFakeLink(bora.device, bora.person);
  const known: Bytes[] = [];
  const sync = createSync({
    crypto: platformCrypto,
    clock: house.clock,
    random: seededRandom('told receipts'),
    log: house.log,
    links,
    isLinkedToAll: () => false,
    isMember: (device) => house.here.membership().roleOf(device) !== null,
    onReceipt: () => {},
    knownReceipts: () => known,
    tree: prunedTree,
  });
  await sync.start();
  links.up(link);
  await settle();
  const receiptOf = async (hlc: number): Promise<Bytes> => {
    const nextByPlace = new Map([[placeKey(anna.device, todayLane), hlc]]);
    return (await signReceipt(chen.keys.signing, { community: street.community, hlc, nextByPlace })).bytes;
  };
  const ridden = (): number => {
    link.sent.length = 0;
    link.ping();
    return link.sent.filter(({ frame }) => {
      const read = parseFrame(frame);
      return read.ok && read.value.type === 'receipt';
    }).length;
  };
  const aTurn = async (): Promise<void> => {
    house.clock.advance(limits.antiEntropyMs * 1.5);
    await settle();
  };
  return { link, known, receiptOf, ridden, aTurn };
};

describe('receipts of third ones in a large street', () => {
  it('are told by and by where no tree has brought them, with a sign of life, once', async () => {
    const { known, receiptOf, ridden, aTurn } = await annasHouse();
    known.push(await receiptOf(1));
    expect(ridden()).toBe(0);
    await aTurn();
    expect(ridden()).toBe(1);
    await aTurn();
    expect(ridden()).toBe(0);
    known.splice(0, 1, await receiptOf(2));
    await aTurn();
    expect(ridden()).toBe(1);
  });

  it('are not told to whoever has told them', async () => {
    const { link, known, receiptOf, ridden, aTurn } = await annasHouse();
    const receipt = await receiptOf(1);
    link.hear('sync', encodeFrame({ type: 'receipt', receipt }));
    await settle();
    known.push(receipt);
    await aTurn();
    expect(ridden()).toBe(0);
  });
});
