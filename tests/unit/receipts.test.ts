import { describe, expect, it } from 'vitest';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createReceiptBook } from '../../src/lib/log/receipt-book.ts';
import { placeKey, signReceipt, verifyReceipt } from '../../src/lib/log/receipts.ts';
import {
  everythingOf,
  hashOf,
  makePerson,
  makeStreet,
  openLog,
  platformCrypto,
  say,
  todayLane,
} from './street-fixture.ts';

const community = hashOf('community').slice(0, 16);
const signed = async (name: string, hlc = 5, nextByPlace: ReadonlyMap<string, number> = new Map()) =>
  signReceipt((await makePerson(name)).keys.signing, { community, hlc, nextByPlace });

describe('a receipt', () => {
  it('says what one device holds, and verifies from its bytes', async () => {
    const [anna, bora] = [await makePerson('anna'), await makePerson('bora')];
    const places = new Map([
      [placeKey(bora.device, 21), 7],
      [placeKey(anna.device, 20), 0],
      [placeKey(anna.device, 3), 1],
    ]);
    const vector = await signReceipt(bora.keys.signing, { community, hlc: 9, nextByPlace: places });
    expect(await verifyReceipt(platformCrypto, community, vector.bytes)).toEqual({
      ok: true,
      value: { ...vector, nextByPlace: places },
    });
    const other = await signReceipt(bora.keys.signing, {
      community,
      hlc: 9,
      nextByPlace: new Map([...places].toReversed()),
    });
    expect(other.bytes).toEqual(vector.bytes);
  });

  it('of another community, of another signer, changed or cut is refused', async () => {
    const { bytes } = await signed('bora', 5, new Map([[placeKey((await makePerson('anna')).device, 21), 3]]));
    expect(await verifyReceipt(platformCrypto, hashOf('other').slice(0, 16), bytes)).toEqual({
      ok: false,
      error: 'receipt-community',
    });
    let accepted = 0;
    for (let at = 0; at < bytes.length; at++) {
      if (
        (
          await verifyReceipt(
            platformCrypto,
            community,
            bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)),
          )
        ).ok
      )
        accepted += 1;
      if ((await verifyReceipt(platformCrypto, community, bytes.subarray(0, at))).ok) accepted += 1;
    }
    expect(accepted).toBe(0);
  });

  it('has exactly its fields', async () => {
    const { signing } = (await makePerson('bora')).keys;
    const judge = async (body: Cbor) => {
      const bytes = encodeCbor(body);
      const outcome = await verifyReceipt(
        platformCrypto,
        community,
        encodeCbor([bytes, await signing.sign(concatBytes(utf8('HN-RECEIPT1'), bytes))]),
      );
      return outcome.ok ? 'taken' : outcome.error;
    };
    const place: Cbor = [signing.publicKey, 21, 3];
    expect(await judge([1, community, signing.publicKey, 5, [place]])).toBe('taken');
    const odd: Cbor[] = [
      [2, community, signing.publicKey, 5, []],
      [1, community, signing.publicKey, -5, []],
      [1, community, signing.publicKey, 5, [[signing.publicKey, 21]]],
      [1, community, signing.publicKey, 5, [[signing.publicKey, -1, 3]]],
      [1, community, signing.publicKey, 5],
      {},
      [1, community, signing.publicKey, 5, Array.from({ length: limits.stateVectorEntriesMax + 1 }, () => 0)],
    ];
    for (const body of odd) expect(await judge(body)).toBe('receipt-malformed');
    expect(await verifyReceipt(platformCrypto, community, new Uint8Array(limits.carrierMessageBytesMax + 1))).toEqual({
      ok: false,
      error: 'receipt-malformed',
    });
  });
});

describe('the book of receipts', () => {
  const house = async () => {
    const street = await makeStreet('anna', 'bora');
    const [anna, bora] = street.people;
    if (!anna || !bora) throw new Error('nobody lives here');
    return { street, anna, bora, atAnna: await street.move(anna), atBora: await street.move(bora) };
  };

  it('signs what is held with its payload, and nothing new while nothing is new', async () => {
    const { atAnna, atBora, bora } = await house();
    expect(await atAnna.receipts.refreshOwn()).toBeNull();
    const spoken = unwrap(await say(atBora.log, 'Hello'));
    unwrap(await atAnna.log.receive([{ envelope: spoken.event.envelope, payload: null }], 'bora'));
    expect(await atAnna.receipts.refreshOwn()).toBeNull();
    unwrap(
      await atAnna.log.receivePayloads([{ id: spoken.event.id, payload: spoken.payload ?? new Uint8Array(0) }], 'bora'),
    );
    const receipt = (await atAnna.receipts.refreshOwn()) ?? new Uint8Array(0);
    expect(unwrap(await verifyReceipt(platformCrypto, atAnna.log.community, receipt)).nextByPlace).toEqual(
      new Map([[placeKey(bora.device, todayLane), 1]]),
    );
    expect(await atAnna.receipts.refreshOwn()).toBeNull();
    expect(unwrap(await atBora.receipts.take(receipt))).toBe(true);
    expect(unwrap(await atBora.receipts.take(receipt))).toBe(false);
    expect(atBora.receipts.holders(bora.device, todayLane, 0)).toHaveLength(1);
    expect(atBora.receipts.holders(bora.device, todayLane, 1)).toEqual([]);
  });

  it('keeps the newest of each device, also over a restart, and never goes back to an older one', async () => {
    const { street, bora, atAnna } = await house();
    const at = (hlc: number, next: number) =>
      signReceipt(bora.keys.signing, {
        community: street.community,
        hlc,
        nextByPlace: new Map([[placeKey('A'.repeat(43), 21), next]]),
      });
    const [older, newer] = [await at(5, 1), await at(6, 2)];
    expect(unwrap(await atAnna.receipts.take(newer.bytes))).toBe(true);
    expect(unwrap(await atAnna.receipts.take(older.bytes))).toBe(false);
    const again = createReceiptBook({
      crypto: platformCrypto,
      clock: atAnna.clock,
      store: atAnna.store,
      log: atAnna.log,
      signing: (await makePerson('anna')).keys.signing,
    });
    await again.load();
    expect(again.all()).toEqual([newer.bytes]);
  });

  it('takes none that claims to be its own, and a bounded number of strangers', async () => {
    const { street, anna, atAnna } = await house();
    const of = async (name: string) =>
      (
        await signReceipt((await makePerson(name)).keys.signing, {
          community: street.community,
          hlc: 1,
          nextByPlace: new Map(),
        })
      ).bytes as Bytes;
    expect(
      await atAnna.receipts.take(
        (await signReceipt(anna.keys.signing, { community: street.community, hlc: 99, nextByPlace: new Map() })).bytes,
      ),
    ).toEqual({ ok: false, error: 'receipt-own' });
    const outcomes = new Map<string, number>();
    for (let at = 0; at < limits.receiptStrangersMax + 6; at++) {
      const taken = await atAnna.receipts.take(await of(`stranger ${at}`));
      const key = taken.ok ? 'taken' : taken.error;
      outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
    }
    expect([...outcomes]).toEqual([
      ['taken', limits.receiptStrangersMax],
      ['receipt-stranger', 6],
    ]);
    expect(unwrap(await atAnna.receipts.take(await of('bora')))).toBe(true);
  });

  it('does not count a receipt of an earlier community', async () => {
    const { anna, atAnna } = await house();
    const other = await signed('bora');
    unwrap(
      await atAnna.store.commit(
        {
          kv: [
            { key: 'receipt/x', value: other.bytes },
            { key: 'receipt/y', value: 'no bytes' },
          ],
        },
        'strict',
      ),
    );
    const { log, store, clock } = await openLog(anna, atAnna.log.community, { disk: atAnna.disk });
    unwrap(await log.receive(everythingOf(atAnna.log), 'x'));
    const book = createReceiptBook({ crypto: platformCrypto, clock, store, log, signing: anna.keys.signing });
    await book.load();
    expect(book.all()).toEqual([]);
  });
});
