import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { verifyCertificate } from '../../src/lib/crypto/certificate.ts';
import { decodeCbor, encodeCbor } from '../../src/lib/kernel/codec.ts';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { areBytesEqual } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { parseEvent, verifyEvent } from '../../src/lib/log/event.ts';
import { kinds, parsePayload, type KindName } from '../../src/lib/log/kinds.ts';
import { verifyReceipt } from '../../src/lib/log/receipts.ts';
import {
  everythingOf,
  forgeEvent,
  hashOf,
  idsOf,
  makePerson,
  makeStreet,
  openLog,
  platformCrypto,
  say,
  todayLane,
  todayMs,
} from '../unit/street-fixture.ts';
import { vectorUrl, type VectorFile } from '../vectors/make.ts';
import { fuzz, harmless } from './fuzz-fixture.ts';

const read = (file: VectorFile) => JSON.parse(readFileSync(vectorUrl(file), 'utf8'));
const fromHex = (hex: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(hex, 'hex'));
const { events, community } = read('events.json') as {
  community: string;
  events: { kind: KindName; envelope: string; payload: string }[];
};
const isCanonical = (bytes: Uint8Array): boolean => {
  const decoded = decodeCbor(bytes);
  return decoded.ok && areBytesEqual(encodeCbor(decoded.value), bytes);
};

describe('the log under a seeded fuzzer', () => {
  it('events: 8,000 inputs; what parses is canonical, and nothing verifies but what was signed', async () => {
    const honest = events.map(({ envelope }) => fromHex(envelope));
    let verified = 0;
    const tally = await fuzz(11, 8_000, honest, async (bytes) => {
      const parsed = await parseEvent(platformCrypto, bytes);
      if (!parsed.ok) return null;
      const isHonest = honest.some((each) => areBytesEqual(each, bytes));
      if ((await verifyEvent(platformCrypto, parsed.value)).ok && !isHonest) verified += 1;
      return isCanonical(bytes);
    });
    expect(tally).toMatchObject(harmless(8_000));
    expect(verified).toBe(0);
  }, 60_000);

  it('receipts, certificates and payloads: 3,000 inputs each; nothing changed verifies', async () => {
    const receipt = fromHex((read('replica.json') as { receipt: string }).receipt);
    const certificate = fromHex((read('crypto.json') as { certificates: { anna: string } }).certificates.anna);
    const receipts = await fuzz(12, 3_000, [receipt], async (bytes) =>
      (await verifyReceipt(platformCrypto, fromHex(community), bytes)).ok ? areBytesEqual(bytes, receipt) : null,
    );
    const certificates = await fuzz(13, 3_000, [certificate], async (bytes) =>
      (await verifyCertificate(platformCrypto, bytes)).ok ? areBytesEqual(bytes, certificate) : null,
    );
    const payloads = await fuzz(
      14,
      3_000,
      events.map(({ payload }) => fromHex(payload)),
      (bytes) => {
        const taken = (Object.keys(kinds) as KindName[]).filter((kind) => parsePayload(kind, bytes).ok);
        return taken.length === 0 ? null : isCanonical(bytes.subarray(limits.payloadSaltBytes));
      },
    );
    for (const tally of [receipts, certificates, payloads]) expect(tally).toMatchObject(harmless(3_000));
  }, 60_000);

  it('the whole intake: 2,000 hostile batches leave the log as it was, and honest ones still come in', async () => {
    const street = await makeStreet('anna', 'bora');
    const [anna, bora] = street.people;
    if (!anna || !bora) throw new Error('nobody lives here');
    const [atAnna, atBora] = [await street.move(anna), await street.move(bora)];
    unwrap(await say(atBora.log, 'Hello'));
    const honest = everythingOf(atBora.log);
    const before = idsOf(atAnna.log);
    const tally = await fuzz(
      15,
      2_000,
      honest.map(({ envelope }) => envelope),
      async (bytes) => {
        if (honest.some(({ envelope }) => areBytesEqual(envelope, bytes))) return null;
        const taken = unwrap(await atAnna.log.receive([{ envelope: bytes, payload: bytes }], 'mallory'));
        return taken.ready.length === 0 ? null : false;
      },
    );
    expect(tally).toMatchObject({ ...harmless(2_000), taken: 0 });
    expect([idsOf(atAnna.log), atAnna.log.waitingCounts()]).toEqual([before, { orphans: 0, parked: 0 }]);
    unwrap(await atAnna.log.receive(honest, 'bora'));
    expect(idsOf(atAnna.log)).toEqual(idsOf(atBora.log));
  }, 60_000);
});

describe('attacks on the log', () => {
  it('events from the end of time do not stop or move what anna writes, now or after a restart', async () => {
    const street = await makeStreet('anna', 'mallory');
    const [anna, mallory] = street.people;
    if (!anna || !mallory) throw new Error('nobody lives here');
    const at = await street.move(anna);
    const bombs = await Promise.all(
      [0, todayLane, 16 + 2400].map((lane) =>
        forgeEvent(mallory.keys.signing, { community: street.community, lane, hlc: Number.MAX_SAFE_INTEGER }),
      ),
    );
    expect(
      unwrap(
        await at.log.receive(
          bombs.map(({ envelope, payload }) => ({ envelope, payload })),
          'mallory',
        ),
      ).ready,
    ).toHaveLength(3);
    const first = unwrap(await say(at.log, 'now')).event.header;
    const { log } = await openLog(anna, street.community, { disk: at.disk, clock: at.clock });
    const second = unwrap(await say(log, 'after a restart')).event.header;
    expect([first, second]).toMatchObject([
      { lane: todayLane, seq: 0, hlc: hlcFromMs(at.clock.now()) },
      { lane: todayLane, seq: 1, hlc: hlcFromMs(at.clock.now()) + 1 },
    ]);
    expect(at.here.room().messages.map(({ text }) => text)).toEqual(['now']);
  });

  it('a crowd of made-up devices cannot fill the memory: parked events are bounded in all', async () => {
    const street = await makeStreet('anna');
    const { log } = await street.move(street.founderPerson);
    const before = idsOf(log);
    const perDevice = limits.orphansPerAuthorMax;
    const signers = await Promise.all(Array.from({ length: 20 }, (_, at) => makePerson(`made up ${at}`)));
    for (const { keys } of signers) {
      const flood = [];
      for (let seq = 0; seq < perDevice; seq++)
        flood.push(await forgeEvent(keys.signing, { community: street.community, seq, hlc: hlcFromMs(todayMs) + seq }));
      unwrap(
        await log.receive(
          flood.map(({ envelope }) => ({ envelope, payload: null })),
          'mallory',
        ),
      );
    }
    expect(log.waitingCounts()).toEqual({ orphans: 0, parked: limits.parkedEventsMax });
    expect(idsOf(log)).toEqual(before);
    expect(unwrap(await say(log, 'still here')).event.header.seq).toBe(0);
  }, 60_000);

  it('a payload that was swapped in the disk of a neighbour does not come along', async () => {
    const street = await makeStreet('anna', 'bora');
    const [anna, bora] = street.people;
    if (!anna || !bora) throw new Error('nobody lives here');
    const [at, atBora] = [await street.move(anna), await street.move(bora)];
    const { event } = unwrap(await say(atBora.log, 'Hello'));
    unwrap(await at.log.receive([{ envelope: event.envelope, payload: hashOf('swapped') }], 'bora'));
    expect(at.here.room().messages).toEqual([]);
    expect(at.disk.payloads.has(event.id)).toBe(false);
  });
});
