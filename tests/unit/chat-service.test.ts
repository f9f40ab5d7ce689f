import { describe, expect, it } from 'vitest';
import { chatHistory, chatSend } from '../../src/lib/contracts/chat.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createChat } from '../../src/lib/services/chat.ts';
import { createTestBus } from './bus-fixture.ts';
import { hashOf, makePerson, makeStreet, todayLane, type LogPlace } from './street-fixture.ts';
import { placeKey, signReceipt } from '../../src/lib/log/receipts.ts';

const clientId = (text: string): string => bytesToText(hashOf(text).slice(0, 16));

const house = async (place: LogPlace = {}, isMember = true) => {
  const street = await makeStreet('anna', 'bora', 'chen');
  const owner = isMember ? street.people[1] : await makePerson('mallory');
  if (!owner) throw new Error('nobody lives here');
  const at = await street.move(owner, place);
  const { bus, callFrom } = createTestBus({ [owner.device]: 'member', other: 'anchor' });
  const chat = createChat({ bus, current: () => at.here, onChange: at.here.onChange, selfDevice: () => owner.device });
  await chat.start();
  const send = (text: string, id = clientId(text)) =>
    bus.call(chatSend, { to: 'everyone' as const, text, clientId: id });
  const history = async (limit = 10) => {
    const { value } = await bus.stream(chatHistory, { thread: 'everyone' as const, limit }).next();
    if (!value || 'ok' in value) throw new Error('no snapshot');
    return value;
  };
  return { ...at, street, owner, bus, callFrom, send, history };
};

describe('chat', () => {
  it('writes what a member says into the log and shows it as waiting until somebody has signed for it', async () => {
    const { send, history, street, owner, receipts } = await house();
    expect(unwrap(await send('Hello')).output.state).toBe('waiting');
    expect((await history()).messages).toMatchObject([
      { text: 'Hello', name: 'bora', isOwn: true, state: 'waiting', heldBy: 0, heldOf: 2 },
    ]);
    const [anna] = street.people;
    if (!anna) throw new Error('nobody lives here');
    const holds = new Map([[placeKey(owner.device, todayLane), 1]]);
    const stranger = await signReceipt((await makePerson('mallory')).keys.signing, {
      community: street.community,
      hlc: 1,
      nextByPlace: holds,
    });
    unwrap(await receipts.take(stranger.bytes));
    expect((await history()).messages).toMatchObject([{ state: 'waiting', heldBy: 0 }]);
    unwrap(
      await receipts.take(
        (await signReceipt(anna.keys.signing, { community: street.community, hlc: 1, nextByPlace: holds })).bytes,
      ),
    );
    expect((await history()).messages).toMatchObject([{ state: 'handedOn', heldBy: 1, heldOf: 2 }]);
  });

  it('refuses who is no member of the neighbourhood, before anything is written', async () => {
    const { send, log } = await house({}, false);
    const before = log.size;
    expect(await send('Hello')).toMatchObject({ error: { code: 'forbidden', reason: 'not-a-member' } });
    expect(log.size).toBe(before);
  });

  it('takes a repeated tap for the same message', async () => {
    const { send, log, history } = await house();
    const first = unwrap(await send('Hello')).output.eventId;
    const size = log.size;
    expect(unwrap(await send('Hello')).output.eventId).toBe(first);
    expect([log.size, (await history()).total]).toEqual([size, 1]);
    expect(unwrap(await send('Hello', clientId('another tap'))).output.eventId).not.toBe(first);
  });

  it('counts the bytes of a message, not its letters', async () => {
    const { send } = await house();
    expect((await send('x'.repeat(4096))).ok).toBe(true);
    expect(await send('ü'.repeat(2049))).toMatchObject({ error: { code: 'too_large', reason: 'message' } });
    expect(await send('   ')).toMatchObject({ error: { code: 'schema_mismatch' } });
  });

  it('says so when there is no room on the device', async () => {
    let isFull = false;
    const { send, history } = await house({ beforeCommit: () => (isFull ? 'quota-full' : null) });
    isFull = true;
    expect(await send('Hello')).toMatchObject({ error: { code: 'quota_full' } });
    expect((await history()).messages).toEqual([]);
  });

  it('is for own screens only: a neighbour neither sends nor reads through it', async () => {
    const { callFrom } = await house();
    expect(await callFrom('other', chatSend, { to: 'everyone', text: 'x', clientId: clientId('x') })).toMatchObject({
      error: { reason: 'self-only' },
    });
    expect(await callFrom('other', chatHistory, { thread: 'everyone' })).toMatchObject({
      error: { reason: 'self-only' },
    });
  });

  it('shows the newest messages, oldest first', async () => {
    const { send, history } = await house();
    for (const text of ['one', 'two', 'three']) unwrap(await send(text));
    expect((await history(2)).messages.map(({ text }) => text)).toEqual(['two', 'three']);
    expect((await history()).total).toBe(3);
  });
});
