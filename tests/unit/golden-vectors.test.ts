import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { verifyCertificate } from '../../src/lib/crypto/certificate.ts';
import { parseInvite } from '../../src/lib/crypto/invite.ts';
import { decodeCbor, encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { bytesToHex, bytesToText, textToBytes } from '../../src/lib/kernel/ids.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { communityOf, parseEvent, verifyEvent } from '../../src/lib/log/event.ts';
import { kinds, parsePayload, type KindName } from '../../src/lib/log/kinds.ts';
import { verifyReceipt } from '../../src/lib/log/receipts.ts';
import { parseFrame } from '../../src/lib/replica/frames.ts';
import { guardUpdate } from '../../src/lib/replica/guard.ts';
import { makeVectors, vectorUrl, type VectorFile } from '../vectors/make.ts';
import { everythingOf, makePerson, openLog, platformCrypto } from './street-fixture.ts';

const read = (file: VectorFile) => JSON.parse(readFileSync(vectorUrl(file), 'utf8'));
const fromHex = (hex: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(hex, 'hex'));
type EventVector = {
  kind: KindName;
  author: string;
  lane: number;
  seq: number;
  hlc: number;
  id: string;
  envelope: string;
  payload: string;
};

describe('the golden vectors', () => {
  it('are rebuilt byte for byte by this code', async () => {
    const made = await makeVectors();
    for (const [file, content] of Object.entries(made))
      expect([file, read(file as VectorFile)]).toEqual([file, JSON.parse(JSON.stringify(content))]);
  });

  it('hold events that verify on the platform crypto, fit their kinds and name their community', async () => {
    const { events, community } = read('events.json') as { events: EventVector[]; community: string };
    for (const vector of events) {
      const parsed = unwrap(await parseEvent(platformCrypto, fromHex(vector.envelope)));
      const event = unwrap(await verifyEvent(platformCrypto, parsed));
      expect(bytesToHex(textToBytes(event.id) ?? new Uint8Array(0))).toBe(vector.id);
      expect(event.header).toMatchObject({
        lane: vector.lane,
        seq: vector.seq,
        hlc: vector.hlc,
        kind: kinds[vector.kind].number,
      });
      expect(parsePayload(vector.kind, fromHex(vector.payload)).ok).toBe(true);
      if (vector.kind === 'community.genesis')
        expect(bytesToHex(await communityOf(platformCrypto, event))).toBe(community);
    }
    const { log } = await openLog(await makePerson('reader'), fromHex(community));
    unwrap(
      await log.receive(
        events.map(({ envelope, payload }) => ({ envelope: fromHex(envelope), payload: fromHex(payload) })),
        'file',
      ),
    );
    expect(everythingOf(log)).toHaveLength(events.length);
  });

  it('hold an update that Yjs itself reads and would write, and frames that parse', () => {
    const { events } = read('events.json') as { events: EventVector[] };
    const { update, stateVector, frames } = read('replica.json') as {
      update: string;
      stateVector: string;
      frames: Record<string, string>;
    };
    const doc = new Y.Doc({ gc: false });
    Y.applyUpdate(doc, fromHex(update));
    const said = events.filter(({ kind }) => kind === 'chat.message');
    for (const author of new Set(said.map((each) => each.author))) {
      const expected = said.filter((each) => each.author === author).map(({ envelope }) => fromHex(envelope));
      expect(doc.getArray(`l/${bytesToText(fromHex(author))}`).toArray()).toEqual(expected);
    }
    expect(bytesToHex(Y.encodeStateAsUpdate(doc))).toBe(update);
    expect(bytesToHex(Y.encodeStateVector(doc))).toBe(stateVector);
    expect(guardUpdate(fromHex(update)).ok).toBe(true);
    for (const [type, frame] of Object.entries(frames))
      expect(parseFrame(fromHex(frame))).toMatchObject({ ok: true, value: { type } });
  });

  it('hold a receipt, certificates and an invite that are taken', async () => {
    const { community } = read('events.json') as { community: string };
    const { certificates, invite } = read('crypto.json') as {
      certificates: Record<string, string>;
      invite: { code: string };
    };
    expect(
      await verifyReceipt(platformCrypto, fromHex(community), fromHex(read('replica.json').receipt)),
    ).toMatchObject({ ok: true });
    for (const bytes of Object.values(certificates))
      expect(await verifyCertificate(platformCrypto, fromHex(bytes))).toMatchObject({ ok: true });
    expect(parseInvite(invite.code, 0)).toMatchObject({ ok: true, value: { hint: 'wss://hearth.example' } });
  });

  it('hold values and refusals of the codec', () => {
    const { values, refused } = read('codec.json') as {
      values: { value: Cbor; hex: string }[];
      refused: { hex: string; reason: string }[];
    };
    for (const { value, hex } of values) {
      expect(bytesToHex(encodeCbor(value))).toBe(hex);
      expect(decodeCbor(fromHex(hex))).toEqual({ ok: true, value });
    }
    for (const { hex, reason } of refused)
      expect([hex, decodeCbor(fromHex(hex))]).toEqual([hex, { ok: false, error: reason }]);
  });
});
