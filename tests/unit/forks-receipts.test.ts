import { describe, expect, it, vi } from 'vitest';
import { encodeCbor } from '../../src/lib/kernel/codec.ts';
import { concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { err, ok, unwrap } from '../../src/lib/kernel/result.ts';
import { makeProof } from '../../src/lib/log/fork.ts';
import { placeKey, signReceipt, verifyReceipt } from '../../src/lib/log/receipts.ts';
import { asIncoming, sayAt } from './forks-fixture.ts';
import { makeStreet, openLog, platformCrypto, todayLane, type Person } from './street-fixture.ts';

const anna3 = async () => {
  const street = await makeStreet('anna', 'bora', 'chen');
  const [anna, bora, chen] = street.people as [Person, Person, Person];
  return { street, community: street.community, bora, chen, at: await street.move(anna) };
};

describe('a proof of a fork', () => {
  it("freezes the device in everybody's eyes at once, also where nothing of it had come", async () => {
    const { community, bora, at } = await anna3();
    expect(at.here.membership().roleOf(bora.device)).toBe('member');
    const told: number[] = [];
    at.here.onChange(() => told.push(at.here.membership().members.size));
    const pair = [await sayAt(bora, community, 3, 'three'), await sayAt(bora, community, 3, 'other')] as const;
    expect(await at.log.receiveProof(makeProof(...pair).bytes, 'chen')).toEqual(ok(true));
    expect(at.here.membership().members.get(bora.person)?.devices).toEqual([]);
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0));
  });
});

describe('receipts over a lane that was forked', () => {
  it('say less when events have gone, and nobody counts for what a twin contests', async () => {
    const { community, bora, chen, at } = await anna3();
    const place = placeKey(bora.device, todayLane);
    const events = await Promise.all([0, 1, 2].map((seq) => sayAt(bora, community, seq, `${seq}`)));
    unwrap(await at.log.receive(asIncoming(events), 'bora'));
    const parse = async (bytes: Bytes | null) =>
      bytes && unwrap(await verifyReceipt(platformCrypto, community, bytes)).nextByPlace.get(place);
    expect(await parse(await at.receipts.refreshOwn())).toBe(3);
    const told = await signReceipt(chen.keys.signing, { community, hlc: 9, nextByPlace: new Map([[place, 3]]) });
    unwrap(await at.receipts.take(told.bytes));
    expect(at.receipts.holders(bora.device, todayLane, 1)).toEqual([chen.device]);
    unwrap(await at.log.receive(asIncoming([await sayAt(bora, community, 1, 'twin')]), 'chen'));
    expect([0, 1, 2].map((seq) => at.receipts.holders(bora.device, todayLane, seq))).toEqual([[chen.device], [], []]);
    expect(at.receipts.hasNews()).toBe(true);
    expect(await parse(await at.receipts.refreshOwn())).toBe(1);
    unwrap(await at.log.receive(asIncoming([await sayAt(bora, community, 0, 'twin too')]), 'chen'));
    expect(at.receipts.hasNews()).toBe(true);
    expect(await parse(await at.receipts.refreshOwn())).toBeUndefined();
  });

  it('count a payload that was dropped on purpose as held, and it never comes back', async () => {
    const { community, bora, at } = await anna3();
    const events = await Promise.all([0, 1].map((seq) => sayAt(bora, community, seq, `${seq}`)));
    unwrap(await at.log.receive(asIncoming(events), 'bora'));
    const [first] = events;
    if (!first) throw new Error('nothing was said');
    expect(unwrap(await at.log.dropPayloads([first.id]))).toBe(1);
    expect([at.log.isDropped(first.id), at.log.missingPayloads(9)]).toEqual([true, []]);
    expect(unwrap(await at.log.receivePayloads([{ id: first.id, payload: first.payload }], 'bora'))).toBe(0);
    expect(at.log.byId(first.id)?.payload).toBeNull();
    const receipt = await at.receipts.refreshOwn();
    const vector = receipt && unwrap(await verifyReceipt(platformCrypto, community, receipt));
    expect(vector?.nextByPlace.get(placeKey(bora.device, todayLane))).toBe(2);
    const again = await openLog(bora, community, { disk: at.disk });
    expect([again.log.isDropped(first.id), again.log.missingPayloads(9)]).toEqual([true, []]);
  });

  it('with places out of order or twice are refused: one vector has one spelling', async () => {
    const { community, bora, chen } = await anna3();
    const keys = [bora, chen].map(({ keys: { signing } }) => signing.publicKey).toSorted(Buffer.compare);
    const [low, high] = keys as [Bytes, Bytes];
    const sign = async (places: readonly [Bytes, number, number][]): Promise<Bytes> => {
      const body = encodeCbor([1, community, bora.keys.signing.publicKey, 9, places]);
      return encodeCbor([body, await bora.keys.signing.sign(concatBytes(utf8('HN-RECEIPT1'), body))]);
    };
    const judge = async (...places: [Bytes, number, number][]) =>
      (await verifyReceipt(platformCrypto, community, await sign(places))).ok;
    expect(await judge([low, 20, 1], [low, 21, 1], [high, 20, 1])).toBe(true);
    expect(await judge([low, 21, 1], [low, 20, 1])).toBe(false);
    expect(await judge([high, 20, 1], [low, 20, 1])).toBe(false);
    expect(await judge([low, 20, 1], [low, 20, 2])).toBe(false);
    expect(
      await verifyReceipt(
        platformCrypto,
        community,
        await sign([
          [low, 20, 1],
          [low, 20, 1],
        ]),
      ),
    ).toEqual(err('receipt-malformed'));
  });
});
