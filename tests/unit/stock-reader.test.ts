import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { describe, expect, it } from 'vitest';
import * as protocol from 'y-protocols/sync';
import * as Y from 'yjs';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { rootName } from '../../src/lib/replica/canonical.ts';
import { createSync } from '../../src/lib/replica/sync.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createFakeLink, createFakeLinks, settle } from './link-fixture.ts';
import { makeStreet, platformCrypto, say, todayLane, type Person } from './street-fixture.ts';

/** Reads every frame of y-protocols' own kind on a link into a document, as a stock provider would; others are not for it. */
const readInto = (doc: Y.Doc, lane: number, frames: readonly { readonly frame: Uint8Array }[]): void => {
  for (const { frame } of frames) {
    const decoder = decoding.createDecoder(frame);
    if (decoding.readVarUint(decoder) !== 0 || decoding.readVarUint(decoder) !== lane) continue;
    protocol.readSyncMessage(decoder, encoding.createEncoder(), doc, null);
  }
};

/** y-protocols' step 1 of that document, with the lane in front. */
const askFor = (doc: Y.Doc, lane: number): Uint8Array => {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, 0);
  encoding.writeVarUint(encoder, lane);
  protocol.writeSyncStep1(encoder, doc);
  return encoding.toUint8Array(encoder);
};

describe('a stock Y.Doc at the other end of a real session', () => {
  it('reads the whole log, then only what is new, and is told live of what is written', async () => {
    const street = await makeStreet('anna', 'bora');
    const [anna, bora] = street.people as [Person, Person];
    const [at, atBora] = [await street.move(anna), await street.move(bora)];
    for (let turn = 0; turn < 200; turn++) unwrap(await say(atBora.log, `bora ${turn}`));
    for (const { event, payload } of atBora.log.slice(bora.device, todayLane, 0, 200))
      unwrap(await at.log.receive([{ envelope: event.envelope, payload }], 'bora'));
    unwrap(await say(at.log, 'anna'));
    const links = createFakeLinks();
    const sync = createSync({
      crypto: platformCrypto,
      clock: at.clock,
      random: seededRandom('stock reader'),
      log: at.log,
      links,
      isLinkedToAll: () => false,
      isMember: () => true,
      onReceipt: () => undefined,
      knownReceipts: () => [],
    });
    await sync.start();
    const link = createFakeLink(bora.device);
    links.up(link);
    at.clock.advance(10_000);
    const doc = new Y.Doc();
    const expectAll = (): void => {
      for (const { author, lane, next } of at.log.heads()) {
        if (lane !== todayLane) continue;
        const held = at.log.slice(author, lane, 0, next).map(({ event }) => event.envelope);
        expect(doc.getArray(rootName(author)).toArray()).toEqual(held);
      }
      expect([doc.store.pendingStructs, doc.store.pendingDs]).toEqual([null, null]);
    };
    const exchange = async (): Promise<number> => {
      link.sent.splice(0);
      link.hear('sync', askFor(doc, todayLane));
      await settle();
      const answered = link.sent.splice(0);
      readInto(doc, todayLane, answered);
      return answered.reduce((total, { frame }) => total + frame.length, 0);
    };
    const first = await exchange();
    expectAll();
    expect(doc.getArray(rootName(bora.device)).length).toBe(200);
    unwrap(await say(at.log, 'later'));
    readInto(doc, todayLane, link.sent);
    expectAll();
    unwrap(await say(at.log, 'missed'));
    expect(await exchange()).toBeLessThan(first / 10);
    expectAll();
    doc.getArray(rootName(anna.device)).insert(0, [Uint8Array.of(1)]); // pollutes its own copy only
    link.hear('sync', updateOf(doc));
    await settle();
    expect(at.log.size).toBe(atBora.log.size + 3);
    sync.stop();
  });
});

/** All a stock client has, as its update. */
const updateOf = (doc: Y.Doc): Uint8Array => {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, 0);
  encoding.writeVarUint(encoder, todayLane);
  protocol.writeUpdate(encoder, Y.encodeStateAsUpdate(doc));
  return encoding.toUint8Array(encoder);
};
