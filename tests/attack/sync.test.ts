import { describe, expect, it } from 'vitest';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { signReceipt, placeKey } from '../../src/lib/log/receipts.ts';
import { encodeFrame } from '../../src/lib/replica/frames.ts';
import { hostileUpdates } from '../unit/guard-fixture.ts';
import { forgeEvent, hashOf, makePerson, platformCrypto, say, todayLane, todayMs } from '../unit/street-fixture.ts';
import { attackedHouse, expectHeld, nothing, runOf, updateOf } from './sync-fixture.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { rootName } from '../../src/lib/replica/canonical.ts';

describe('attacks on the log through a link: updates that Yjs would apply', () => {
  const reasons = {
    deleteSet: 'update-delete-set',
    insertFront: 'struct-right-origin',
    mapKey: 'struct-map-key',
    text: 'struct-content',
    subdocument: 'struct-content',
    nestedType: 'struct-content',
    jsonContent: 'struct-content',
    garbageStructs: 'struct-content',
    skipStructs: 'struct-not-item',
    afterGap: 'event-malformed',
    secondVersion: 'update-not-canonical',
  };
  it.each(Object.entries(reasons))('%s is refused as %s', async (name, reason) => {
    const house = await attackedHouse();
    const base = updateOf(
      await runOf(
        house.bora,
        house.log.slice(house.bora.device, todayLane, 0, 9).map(({ event }) => event.envelope),
      ),
    );
    const client = clientOf(house.mallory.device, todayLane);
    const hostile = hostileUpdates(client, rootName(house.mallory.device), rootName(house.bora.device), base);
    await house.sendUpdate(hostile[name] ?? new Uint8Array(0));
    await expectHeld(house, reason);
  });
});

describe('attacks on the log through a link: events at places that are not theirs', () => {
  const forged = async (house: Awaited<ReturnType<typeof attackedHouse>>, fields = {}) =>
    (await forgeEvent(house.mallory.keys.signing, { community: house.street.community, ...fields })).envelope;

  it("forged struct: mallory's event at bora's next place", async () => {
    const house = await attackedHouse();
    await house.sendUpdate(updateOf(await runOf(house.bora, [await forged(house, { seq: 1 })], { start: 1 })));
    await expectHeld(house, 'struct-event-mismatch');
  });

  it("forged author: an event in bora's name that mallory signed", async () => {
    const house = await attackedHouse();
    await house.sendUpdate(
      updateOf(
        await runOf(house.bora, [await forged(house, { author: house.bora.keys.signing.publicKey, seq: 1 })], {
          start: 1,
        }),
      ),
    );
    await expectHeld(house, 'event-signature');
  });

  it('spoofed client: a good event under another client number', async () => {
    const house = await attackedHouse();
    const bora = clientOf(house.bora.device, todayLane);
    await house.sendUpdate(updateOf(await runOf(house.mallory, [await forged(house)], { client: bora })));
    await expectHeld(house, 'struct-event-mismatch');
  });

  it("wrong root: a good event in bora's array", async () => {
    const house = await attackedHouse();
    await house.sendUpdate(updateOf(await runOf(house.mallory, [await forged(house)], { author: house.bora.device })));
    await expectHeld(house, 'struct-event-mismatch');
  });

  it('wrong clock, wrong lane: a good event one place further, and in another lane', async () => {
    const house = await attackedHouse();
    await house.sendUpdate(updateOf(await runOf(house.mallory, [await forged(house)], { start: 1 })));
    await house.sendUpdate(
      updateOf(await runOf(house.mallory, [await forged(house)], {}, todayLane + 1)),
      todayLane + 1,
    );
    await house.sendUpdate(updateOf(await runOf(house.mallory, [await forged(house)])), 0);
    await expectHeld(house, 'struct-event-mismatch');
  });

  it('foreign community: a good event of another neighbourhood', async () => {
    const house = await attackedHouse();
    await house.sendUpdate(
      updateOf(await runOf(house.mallory, [await forged(house, { community: hashOf('elsewhere').slice(0, 16) })])),
    );
    await expectHeld(house, 'event-community');
  });

  it('false founding: a genesis of mallory for this neighbourhood', async () => {
    const house = await attackedHouse();
    const genesis = await forged(house, { community: new Uint8Array(16), lane: 0, kind: 1 });
    await house.sendUpdate(updateOf(await runOf(house.mallory, [genesis], {}, 0)), 0);
    await expectHeld(house, 'event-community');
  });

  it('fork: a second first word of bora, made with her stolen key', async () => {
    const house = await attackedHouse();
    const twin = await forgeEvent(
      house.bora.keys.signing,
      { community: house.street.community },
      hashOf('another first word'),
    );
    await house.sendUpdate(updateOf(await runOf(house.bora, [twin.envelope])));
    expect(house.refusals()).toContain('fork');
    expect(house.gained()).toEqual({ ids: 0, stored: -1, payloads: -1 });
    expect(house.log.forks()).toMatchObject([{ device: house.bora.device, lane: todayLane, seq: 0, standsUpTo: null }]);
    expect(house.log.frozenSince(house.bora.device)).toBe(hlcFromMs(todayMs));
    expect(await house.stillWorks()).toBe(true);
    expect(house.visitor()?.log.forks()).toEqual(house.log.forks());
  });

  it('one bad event in a frame: none of that frame is taken, and all of an honest one', async () => {
    const house = await attackedHouse();
    const good = [await forged(house), await forged(house, { seq: 1, hlc: hlcFromMs(todayMs) + 1 })];
    await house.sendUpdate(updateOf(await runOf(house.mallory, [...good, Uint8Array.of(1)])));
    expect(house.gained()).toEqual(nothing);
    await house.sendUpdate(updateOf(await runOf(house.mallory, good)));
    expect(house.gained()).toEqual({ ids: 2, stored: 2, payloads: 0 });
  });

  it('unknown author: a device nobody admitted waits, bounded, and is not stored', async () => {
    const house = await attackedHouse();
    for (let device = 0; device < 3; device++) {
      const stranger = await makePerson(`stranger ${device}`);
      const envelopes = [];
      for (let seq = 0; seq < limits.orphansPerAuthorMax + 4; seq++)
        envelopes.push(
          (
            await forgeEvent(stranger.keys.signing, {
              community: house.street.community,
              seq,
              hlc: hlcFromMs(todayMs) + seq,
            })
          ).envelope,
        );
      await house.sendUpdate(updateOf(await runOf(stranger, envelopes)));
    }
    expect(house.log.waitingCounts().parked).toBe(3 * limits.orphansPerAuthorMax);
    await expectHeld(house, 'waiting-room-full');
  });
});

describe('attacks on the log through a link: payloads, receipts and forbidden lanes', () => {
  it("payload swap: another text under bora's signed event", async () => {
    const house = await attackedHouse();
    const event = await forgeEvent(house.mallory.keys.signing, { community: house.street.community });
    await house.sendUpdate(updateOf(await runOf(house.mallory, [event.envelope])));
    const id = await platformCrypto.sha256(new Uint8Array(0));
    const frames = [
      { id, payload: hashOf('of no event') },
      { id: Uint8Array.from(Buffer.from(event.id, 'base64url')), payload: hashOf('swapped') },
    ];
    await house.attack(encodeFrame({ type: 'payload', payloads: frames }));
    expect(house.gained()).toEqual({ ids: 1, stored: 1, payloads: 0 });
    const [said] = house.log.slice(house.bora.device, todayLane, 0, 1);
    const before = said?.payload;
    await house.attack(
      encodeFrame({
        type: 'payload',
        payloads: [{ id: Uint8Array.from(Buffer.from(said?.event.id ?? '', 'base64url')), payload: hashOf('swapped') }],
      }),
    );
    expect(house.log.byId(said?.event.id ?? '')?.payload).toEqual(before);
    expect(house.log.refusals().get('payload-hash')).toBe(1);
  });

  it("forged receipts: in bora's name, of another community, replayed from earlier, of a thousand made-up devices", async () => {
    const house = await attackedHouse();
    const { street, bora, mallory, receipts } = house;
    const places = new Map([[placeKey(house.anna.device, todayLane), 1_000]]);
    const own = await signReceipt(mallory.keys.signing, {
      community: street.community,
      hlc: 9,
      nextByPlace: new Map(),
    });
    const named = own.bytes.slice();
    named.set(bora.keys.signing.publicKey, Buffer.from(named).indexOf(Buffer.from(mallory.keys.signing.publicKey)));
    const elsewhere = await signReceipt(bora.keys.signing, {
      community: hashOf('x').slice(0, 16),
      hlc: 9,
      nextByPlace: places,
    });
    for (const bytes of [named, elsewhere.bytes]) await house.attack(encodeFrame({ type: 'receipt', receipt: bytes }));
    expect(receipts.holders(house.anna.device, todayLane, 0)).toEqual([]);
    for (let at = 0; at < 100; at++) {
      const made = await signReceipt((await makePerson(`made up ${at}`)).keys.signing, {
        community: street.community,
        hlc: 1,
        nextByPlace: places,
      });
      house.link.hear('sync', encodeFrame({ type: 'receipt', receipt: made.bytes }));
    }
    await house.quiet();
    expect(receipts.all().length).toBeLessThanOrEqual(limits.receiptStrangersMax);
    expect(await house.stillWorks()).toBe(true);
  });

  it('somebody at the door gets and gives the authority lane only', async () => {
    const house = await attackedHouse({ isGuest: true });
    await say(house.log, 'for members only');
    house.link.sent.splice(0);
    await house.attack(encodeFrame({ type: 'ask', lane: todayLane, clocks: new Map() }));
    const ids = [...house.log.all()]
      .filter(({ event }) => event.header.lane === todayLane)
      .map(({ event }) => Uint8Array.from(Buffer.from(event.id, 'base64url')));
    await house.attack(encodeFrame({ type: 'want', ids }));
    expect(house.link.sent).toEqual([]);
    const event = await forgeEvent(house.mallory.keys.signing, { community: house.street.community });
    await house.sendUpdate(updateOf(await runOf(house.mallory, [event.envelope])));
    expect(house.refusals()).toEqual(['lane-forbidden']);
    expect(house.log.waitingCounts().parked).toBe(0);
    await house.attack(encodeFrame({ type: 'ask', lane: 0, clocks: new Map() }));
    expect(house.link.sent.length).toBeGreaterThan(0);
  });

  it('flood: frames beyond the budget of a minute are late, none of them is lost, also when the clock is put back', async () => {
    const house = await attackedHouse();
    for (let at = 0; at < limits.linkFramesPerMinuteMax; at++) house.link.hear('sync', Uint8Array.of(99));
    const place = { community: house.street.community, seq: 1, hlc: hlcFromMs(todayMs) + 1 };
    const event = await forgeEvent(house.bora.keys.signing, place);
    await house.sendUpdate(updateOf(await runOf(house.bora, [event.envelope], { start: 1 })));
    expect(house.gained()).toEqual(nothing);
    house.clock.advance(60_000);
    await house.quiet();
    expect(house.gained()).toEqual({ ids: 1, stored: 1, payloads: 0 });
    expect(house.link.closedWith()).toBeNull();
    expect(await house.stillWorks()).toBe(true);
  });
});
