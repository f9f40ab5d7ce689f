import { describe, expect, it } from 'vitest';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { kinds, parsePayload } from '../../src/lib/log/kinds.ts';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { concatBytes } from '../../src/lib/kernel/ids.ts';
import { everythingOf, forgeEvent, hashOf, makeStreet, payloadOf, say, todayLane, todayMs } from './street-fixture.ts';

const streetOf = async (...names: [string, ...string[]]) => {
  const street = await makeStreet(...names);
  const houses = await Promise.all(street.people.map((person) => street.move(person)));
  return { street, houses };
};
const messagePayload = (text: string, id = text) =>
  payloadOf('chat.message', { to: 'everyone', text, clientId: hashOf(id).slice(0, 16) });

describe('the room "Everyone here"', () => {
  it('has one order on every node: time, then device, lane and sequence', async () => {
    const { houses } = await streetOf('anna', 'bora', 'chen');
    for (const [at, { log, clock }] of houses.entries()) {
      unwrap(await say(log, `one of ${at}`));
      clock.advance(at * 10);
      unwrap(await say(log, `two of ${at}`));
    }
    for (const { log } of houses)
      for (const other of houses) unwrap(await log.receive(everythingOf(other.log), 'other'));
    const [first, ...others] = houses.map(({ here }) => here.room().messages.map(({ text }) => text));
    expect(first).toHaveLength(6);
    for (const texts of others) expect(texts).toEqual(first);
  });

  it('counts a message that was written twice with one id as one: the first', async () => {
    const { houses } = await streetOf('anna');
    const [{ log, here } = { log: null, here: null }] = houses;
    if (!log || !here) throw new Error('nobody lives here');
    const id = hashOf('the same tap').slice(0, 16);
    for (const text of ['Hello', 'Hello again']) unwrap(await say(log, text, id));
    expect(here.room().messages.map(({ text }) => text)).toEqual(['Hello']);
  });

  it('keeps and does not show what breaks a rule, with the reason', async () => {
    const { street, houses } = await streetOf('anna', 'bora');
    const [anna, bora] = [houses[0], street.people[1]];
    if (!anna || !bora) throw new Error('nobody lives here');
    const fields = { community: street.community };
    const now = hlcFromMs(todayMs);
    const events = [
      await forgeEvent(bora.keys.signing, { ...fields, seq: 0, hlc: now + 9 }, messagePayload('good')),
      await forgeEvent(bora.keys.signing, { ...fields, seq: 1, hlc: now + 9 }, messagePayload('not later')),
      await forgeEvent(bora.keys.signing, { ...fields, seq: 2, hlc: now + 10 }, hashOf('no message')),
      await forgeEvent(
        bora.keys.signing,
        { ...fields, seq: 3, hlc: now + 11, kind: 4_000 },
        messagePayload('of a later build'),
      ),
      await forgeEvent(
        bora.keys.signing,
        { ...fields, seq: 4, hlc: now + 12, kind: kinds['person.profile'].number },
        messagePayload('wrong lane'),
      ),
      await forgeEvent(
        bora.keys.signing,
        { ...fields, lane: todayLane + 1, seq: 0, hlc: now + 13 },
        messagePayload('wrong month'),
      ),
    ];
    unwrap(
      await anna.log.receive(
        events.map(({ envelope, payload }) => ({ envelope, payload })),
        'bora',
      ),
    );
    const { messages, voidById } = anna.here.room();
    expect(messages.map(({ text }) => text)).toEqual(['good']);
    expect(events.map(({ id }) => voidById.get(id))).toEqual([
      undefined,
      'hlc-order',
      'payload-malformed',
      'kind-unknown',
      'kind-lane',
      'hlc-month',
    ]);
  });

  it('shows a message whose payload comes later when it has come', async () => {
    const { street, houses } = await streetOf('anna', 'bora');
    const [anna, bora] = [houses[0], street.people[1]];
    if (!anna || !bora) throw new Error('nobody lives here');
    const event = await forgeEvent(bora.keys.signing, { community: street.community }, messagePayload('late'));
    unwrap(await anna.log.receive([{ envelope: event.envelope, payload: null }], 'bora'));
    expect(anna.here.room()).toMatchObject({ messages: [] });
    expect(anna.here.room().voidById.get(event.id)).toBe('payload-missing');
    unwrap(await anna.log.receivePayloads([{ id: event.id, payload: event.payload }], 'bora'));
    expect(anna.here.room().messages.map(({ text }) => text)).toEqual(['late']);
  });
});

describe('a payload', () => {
  const salt = new Uint8Array(limits.payloadSaltBytes);
  const refusalOf = (body: Cbor): string => {
    const parsed = parsePayload('chat.message', concatBytes(salt, encodeCbor(body)));
    return parsed.ok ? 'taken' : parsed.error;
  };
  const good = { to: 'everyone', text: 'Hello', clientId: new Uint8Array(16) };

  it('fits the schema of its kind or has no effect', () => {
    expect(refusalOf(good)).toBe('taken');
    const odd: Cbor[] = [
      { ...good, to: 'anna' },
      { ...good, text: '' },
      { ...good, text: 5 },
      { ...good, clientId: new Uint8Array(15) },
      { to: 'everyone', text: 'x' },
      [],
      null,
      'text',
    ];
    for (const body of odd) expect(refusalOf(body)).toBe('payload-schema');
    expect(refusalOf({ ...good, text: 'ü'.repeat(limits.messageTextBytesMax / 2) })).toBe('taken');
    expect(refusalOf({ ...good, text: 'ü'.repeat(limits.messageTextBytesMax / 2) + 'x' })).toBe('payload-schema');
  });

  it('begins with its salt and is not larger than its kind allows', () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(15)])
      expect(parsePayload('chat.message', bytes)).toEqual({ ok: false, error: 'payload-malformed' });
    expect(parsePayload('chat.message', salt)).toEqual({ ok: false, error: 'payload-malformed' });
    expect(parsePayload('chat.message', new Uint8Array(kinds['chat.message'].payloadBytesMax + 1))).toEqual({
      ok: false,
      error: 'payload-too-large',
    });
  });
});
