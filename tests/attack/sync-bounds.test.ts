import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../../src/lib/kernel/codec.ts';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { bytesToHex, concatBytes } from '../../src/lib/kernel/ids.ts';
import { encodeFrame } from '../../src/lib/replica/frames.ts';
import { forgeEvent, hashOf, say, todayLane, todayMs } from '../unit/street-fixture.ts';
import { attackedHouse, expectHeld, runOf, updateOf } from './sync-fixture.ts';

describe('attacks on the log through a link: size, number and time', () => {
  it('oversized: an update, an envelope and a frame that are too large', async () => {
    const house = await attackedHouse();
    await house.sendUpdate(updateOf(await runOf(house.mallory, [new Uint8Array(limits.envelopeBytesMax + 1)])));
    await house.sendUpdate(new Uint8Array(limits.frameBytesMax + 1));
    expect(house.refusals()).toContain('update-too-large');
    await expectHeld(house, 'event-too-large');
  });

  it('cut off: an honest update ended at every byte', async () => {
    const house = await attackedHouse();
    const event = await forgeEvent(house.mallory.keys.signing, { community: house.street.community });
    const whole = encodeFrame({
      type: 'update',
      lane: todayLane,
      update: updateOf(await runOf(house.mallory, [event.envelope])) as Uint8Array<ArrayBuffer>,
      isLast: false,
    });
    for (let length = 0; length < whole.length; length++) house.link.hear('sync', whole.subarray(0, length));
    await house.quiet();
    await expectHeld(house, 'frame-malformed');
  });

  it('replayed: every frame of an honest meeting a hundred times changes nothing', async () => {
    const house = await attackedHouse();
    const event = await forgeEvent(house.mallory.keys.signing, { community: house.street.community });
    const update = updateOf(await runOf(house.mallory, [event.envelope]));
    for (let turn = 0; turn < 100; turn++) await house.sendUpdate(update);
    expect(house.gained()).toEqual({ ids: 1, stored: 1, payloads: 0 });
  });

  it('huge state vector, prototype keys and endless lists', async () => {
    const house = await attackedHouse();
    const vector = new Map(Array.from({ length: limits.stateVectorEntriesMax + 1 }, (_, at) => [at + 1, 1]));
    await house.attack(encodeFrame({ type: 'ask', lane: 0, clocks: vector }));
    const proto = concatBytes(Uint8Array.of(102, 0x81, 0xa1), encodeCbor('__proto__'), Uint8Array.of(0xa0));
    await house.attack(proto);
    expect(({} as Record<string, unknown>)['author']).toBeUndefined();
    expect(house.refusals()).toContain('frame-malformed');
    await expectHeld(house, 'frame-too-many');
  });

  it('a flood of large frames ends the link before it fills the memory', async () => {
    const house = await attackedHouse();
    const large = new Uint8Array(limits.frameBytesMax);
    for (let sent = 0; sent <= limits.syncQueueBytesMax; sent += large.length) house.link.hear('sync', large);
    expect(house.refusals()).toContain('link-queue');
    expect(house.link.isOpen).toBe(false);
  });

  it('heads of lanes and devices that do not exist: what they set off is bounded', async () => {
    const house = await attackedHouse();
    house.link.sent.splice(0);
    for (let turn = 0; turn < 3; turn++) {
      const heads = Array.from({ length: limits.stateVectorEntriesMax }, (_, at) => ({
        author: hashOf(`nobody ${turn} ${at}`),
        lane: 10_000 + at,
        next: Number.MAX_SAFE_INTEGER,
        digest: hashOf('d'),
      }));
      await house.attack(encodeFrame({ type: 'heads', heads }));
    }
    expect(house.link.sent).toEqual([]);
    expect(await house.stillWorks()).toBe(true);
  });

  it('hlc bomb: events from 2095 and from an hour ahead are kept and do not stop or move own writing', async () => {
    const house = await attackedHouse();
    for (const [seq, hlc] of [hlcFromMs(todayMs + 3_600_000), Number.MAX_SAFE_INTEGER].entries()) {
      const event = await forgeEvent(house.bora.keys.signing, { community: house.street.community, seq: seq + 1, hlc });
      await house.sendUpdate(updateOf(await runOf(house.bora, [event.envelope], { start: seq + 1 })));
    }
    const bomb = await forgeEvent(house.bora.keys.signing, {
      community: house.street.community,
      lane: 0,
      hlc: Number.MAX_SAFE_INTEGER,
      kind: 4,
    });
    await house.sendUpdate(updateOf(await runOf(house.bora, [bomb.envelope], {}, 0)), 0);
    expect(house.gained().ids).toBe(3);
    const own = await say(house.log, 'Anna goes on');
    expect(own).toMatchObject({
      ok: true,
      value: { event: { header: { lane: todayLane, seq: 0, hlc: hlcFromMs(house.clock.now()) } } },
    });
    expect(await house.stillWorks()).toBe(true);
  });
});

describe('honest sync', () => {
  it('late300kBOk: a log of 300 kB written before the newcomer arrives is complete at the newcomer, same ids and digests', async () => {
    const house = await attackedHouse();
    const text = 'x'.repeat(900);
    let bytes = 0;
    for (let at = 0; bytes < 300_000; at++) {
      const written = await say(house.log, `${at} ${text}`);
      if (!written.ok) throw new Error(written.error);
      bytes += written.value.event.envelope.length + (written.value.payload?.length ?? 0);
    }
    expect(await house.stillWorks()).toBe(true);
    const newcomer = house.visitor()?.log;
    const heads = (log = newcomer) =>
      (log?.heads() ?? [])
        .map(({ author, lane, next, digest }) => [author, lane, next, bytesToHex(digest)].join(' '))
        .toSorted();
    expect(heads()).toEqual(heads(house.log));
    expect(newcomer?.missingPayloads(1)).toEqual([]);
    expect(newcomer?.size).toBeGreaterThan(200);
  });
});
