import * as encoding from 'lib0/encoding';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { concatBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { rootName } from '../../src/lib/replica/canonical.ts';
import { encodeFrame } from '../../src/lib/replica/frames.ts';
import { imageOf, sayAt } from '../unit/forks-fixture.ts';
import { forgeEvent, hashOf, makeStreet, say, todayLane, todayMs } from '../unit/street-fixture.ts';
import { meet, moveInto, openHouse } from './forks-fixture.ts';
import { attackedHouse, expectHeld, nothing, runOf, updateOf } from './sync-fixture.ts';

type House = Awaited<ReturnType<typeof attackedHouse>>;

const byHand = (write: (encoder: encoding.Encoder) => void): Uint8Array => {
  const encoder = encoding.createEncoder();
  write(encoder);
  return encoding.toUint8Array(encoder);
};
const numbers = (encoder: encoding.Encoder, ...values: number[]): void => {
  for (const value of values) encoding.writeVarUint(encoder, value);
};
/** One struct of an envelope at a clock, after the one before it. */
const structAt = (encoder: encoding.Encoder, client: number, clock: number, envelope: Uint8Array): void => {
  encoding.writeUint8(encoder, 0x83);
  numbers(encoder, client, clock - 1);
  encoding.writeVarUint8Array(encoder, envelope);
};
/** What anna would tell and hand out: who holds how much, and the bytes of the whole month. */
const image = ({ log }: House) => imageOf(log);
const signedBy = async (house: House, count: number, seqOf: (at: number) => number) => {
  const { signing } = house.mallory.keys;
  return Promise.all(
    Array.from({ length: count }, (_, at) =>
      forgeEvent(signing, { community: house.street.community, seq: seqOf(at), hlc: hlcFromMs(todayMs) + at }),
    ),
  );
};

describe('claims that Yjs would believe', () => {
  it('deletions: of anybody, of one’s own, and behind an honest struct', async () => {
    const house = await attackedHouse();
    const before = image(house);
    const event = await forgeEvent(house.mallory.keys.signing, { community: house.street.community });
    const honest = updateOf(await runOf(house.mallory, [event.envelope]));
    for (const person of [house.bora, house.mallory])
      await house.sendUpdate(byHand((encoder) => numbers(encoder, 0, 1, clientOf(person.device, todayLane), 1, 0, 1)));
    await house.sendUpdate(
      concatBytes(
        honest.subarray(0, -1),
        byHand((encoder) => numbers(encoder, 1, clientOf(house.bora.device, todayLane), 1, 0, 1)),
      ),
    );
    expect(house.sync.refusals().get('update-delete-set')).toBe(3);
    expect(image(house)).toEqual(before);
    await expectHeld(house, 'update-delete-set');
  });

  it('a clock of 2^40 in a few bytes: refused, and neither heads nor what is handed out know of it', async () => {
    const house = await attackedHouse();
    const before = image(house);
    const client = clientOf(house.mallory.device, todayLane);
    const skipped = byHand((encoder) => numbers(encoder, 1, 1, client, 0, 10, 2 ** 40, 0));
    const event = await forgeEvent(house.mallory.keys.signing, { community: house.street.community });
    const claimed = byHand((encoder) => {
      numbers(encoder, 1, 1, client, 2 ** 40);
      structAt(encoder, client, 2 ** 40, event.envelope);
      numbers(encoder, 0);
    });
    expect(skipped.length).toBeLessThanOrEqual(20);
    for (const update of [skipped, claimed]) await house.sendUpdate(update);
    expect(house.refusals()).toContain('struct-not-item');
    expect(image(house)).toEqual(before);
    await expectHeld(house, 'struct-event-mismatch');
  });

  it('the last seq there is, well signed: it waits alone and counts nowhere', async () => {
    const house = await attackedHouse();
    const before = image(house);
    const [last] = await signedBy(house, 1, () => 0xffffffff);
    await house.sendUpdate(updateOf(await runOf(house.mallory, [last?.envelope ?? hashOf('')], { start: 0xffffffff })));
    expect(house.log.waitingCounts().orphans).toBe(1);
    expect([house.gained(), image(house)]).toEqual([nothing, before]);
    expect(house.log.next(house.mallory.device, todayLane)).toBe(0);
    expect(await house.stillWorks()).toBe(true);
  });

  it('200,000 made-up clients: refused whole or at the first, and the vector stays as long as the street', async () => {
    const house = await attackedHouse();
    const before = image(house);
    const crowd = (clients: number): Uint8Array =>
      byHand((encoder) => {
        numbers(encoder, clients);
        for (let client = clients; client >= 1; client--) {
          numbers(encoder, 1, client, 0);
          encoding.writeUint8(encoder, 3);
          numbers(encoder, 1);
          encoding.writeVarString(encoder, 'l/x');
          encoding.writeVarUint8Array(encoder, Uint8Array.of(1));
        }
        numbers(encoder, 0);
      });
    const most = limits.syncFrameEventsMax * 8;
    for (const clients of [200_000, most + 1, most]) await house.sendUpdate(crowd(clients));
    for (const reason of ['update-too-large', 'update-too-many', 'event-malformed'])
      expect(house.sync.refusals().get(reason)).toBe(1);
    expect(image(house)).toEqual(before);
    await expectHeld(house, 'event-malformed');
  });

  it('one client twice in an update, with a hole between', async () => {
    const house = await attackedHouse();
    const client = clientOf(house.mallory.device, todayLane);
    const events = await signedBy(house, 4, (at) => at + 1);
    const holed = byHand((encoder) => {
      numbers(encoder, 2);
      for (const at of [0, 2]) {
        numbers(encoder, 1, client, at + 1);
        structAt(encoder, client, at + 1, events[at]?.envelope ?? hashOf(''));
      }
      numbers(encoder, 0);
    });
    await house.sendUpdate(holed);
    await expectHeld(house, 'struct-gap');
  });

  it('equal state vectors, different content: Yjs keeps both for ever, the digests of heads find them', async () => {
    const street = await makeStreet('anna', 'bora', 'chen');
    const [anna, bora, chen] = street.people;
    if (!anna || !bora || !chen) throw new Error('nobody lives here');
    const twins = [
      await sayAt(bora, street.community, 0, 'The well is good'),
      await sayAt(bora, street.community, 0, 'The well is poisoned'),
    ] as const;
    const [one, other] = await Promise.all(twins.map(async ({ envelope }) => updateOf(await runOf(bora, [envelope]))));
    const [at, elsewhere] = [new Y.Doc(), new Y.Doc()];
    Y.applyUpdate(at, one ?? hashOf(''));
    Y.applyUpdate(elsewhere, other ?? hashOf(''));
    for (const [to, update] of [
      [at, other],
      [elsewhere, one],
    ] as const)
      Y.applyUpdate(to, update ?? hashOf(''));
    const read = (doc: Y.Doc) => doc.getArray(rootName(bora.device)).toArray();
    expect(Y.encodeStateVector(at)).toEqual(Y.encodeStateVector(elsewhere));
    expect(read(at)).not.toEqual(read(elsewhere));

    const houses = [
      await moveInto(street, await openHouse(street, anna)),
      await moveInto(street, await openHouse(street, chen)),
    ] as const;
    for (const [index, { log }] of houses.entries())
      await log.receive([{ envelope: twins[index]?.envelope ?? hashOf(''), payload: null }], 'bora');
    expect(houses[0].log.heads().map(({ next }) => next)).toEqual(houses[1].log.heads().map(({ next }) => next));
    await meet(...houses);
    expect(houses[0].log.forks()).toMatchObject([{ device: bora.device, lane: todayLane, seq: 0 }]);
    expect(imageOf(houses[0].log)).toEqual(imageOf(houses[1].log));
  });
});

describe('floods of what is early', () => {
  it('2,000 well-signed events with a missing past: Yjs would keep them all, here 256 wait and honest words go on', async () => {
    const house = await attackedHouse();
    const before = image(house);
    const flood = await signedBy(house, 2_000, (at) => 2 * at + 1);
    const stock = new Y.Doc();
    for (const { header, envelope } of flood) {
      const update = updateOf(await runOf(house.mallory, [envelope], { start: header.seq }));
      if (header.seq < 100) Y.applyUpdate(stock, update);
      house.link.hear('sync', encodeFrame({ type: 'update', lane: todayLane, update: update as Bytes, isLast: false }));
    }
    await house.quiet();
    house.clock.advance(60_000);
    await house.quiet();
    expect(stock.store.pendingStructs).not.toBeNull();
    expect(house.log.waitingCounts()).toEqual({ orphans: limits.orphansPerAuthorMax, parked: 0 });
    expect(house.sync.refusals().get('waiting-room-full')).toBeGreaterThan(0);
    expect([house.gained(), image(house)]).toEqual([nothing, before]);
    expect(await house.stillWorks()).toBe(true);
  }, 60_000);

  it('early events in every month there is take no more room than those of one month, and keep nobody else out', async () => {
    const house = await attackedHouse();
    const { signing } = house.mallory.keys;
    for (let month = 0; month < 20; month++) {
      const lane = 16 + month;
      const flood = await Promise.all(
        Array.from({ length: limits.orphansPerAuthorMax }, (_, at) =>
          forgeEvent(signing, { community: house.street.community, lane, seq: at + 1 }),
        ),
      );
      await house.log.receive(
        flood.map(({ envelope }) => ({ envelope, payload: null })),
        'mallory',
      );
    }
    expect(house.log.waitingCounts().orphans).toBe(limits.orphansPerAuthorMax);
    const early = await sayAt(house.bora, house.street.community, 2, 'early');
    await house.log.receive([{ envelope: early.envelope, payload: null }], 'bora');
    expect(house.log.waitingCounts().orphans).toBe(limits.orphansPerAuthorMax + 1);
    expect(house.gained()).toEqual(nothing);
    expect(await house.stillWorks()).toBe(true);
  }, 60_000);

  it('a crowd of members who all are early cannot fill the memory: orphans are bounded in all', async () => {
    const perPerson = limits.orphansPerAuthorMax;
    const names = Array.from({ length: limits.orphansMax / perPerson + 1 }, (_, at) => `early ${at}`);
    const street = await makeStreet('anna', ...names);
    const { log } = street.founder;
    const before = log.size;
    for (const person of street.people.slice(1)) {
      const flood = await Promise.all(
        Array.from({ length: perPerson }, (_, at) => sayAt(person, street.community, at + 1, `${at}`)),
      );
      await log.receive(
        flood.map(({ envelope }) => ({ envelope, payload: null })),
        'crowd',
      );
    }
    expect([log.waitingCounts().orphans, log.size]).toEqual([limits.orphansMax, before]);
    expect(await say(log, 'still here')).toMatchObject({ ok: true });
  }, 60_000);
});
