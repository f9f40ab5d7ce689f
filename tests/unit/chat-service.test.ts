import { describe, expect, it } from 'vitest';
import { chatHistory, chatRemove, chatSend } from '../../src/lib/contracts/chat.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createChat } from '../../src/lib/services/chat.ts';
import { createTestBus } from './bus-fixture.ts';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import {
  everythingOf,
  forgeEvent,
  hashOf,
  makePerson,
  makeStreet,
  openNeighbourhood,
  payloadOf,
  say,
  todayLane,
  todayMs,
  type LogPlace,
} from './street-fixture.ts';
import { placeKey, signReceipt } from '../../src/lib/log/receipts.ts';

const clientId = (text: string): string => bytesToText(hashOf(text).slice(0, 16));

const body = (id: string) => ({ to: 'everyone' as const, text: id, clientId: hashOf(id).slice(0, 16) });

const house = async (
  place: LogPlace = {},
  isMember = true,
  fetching: () => { held: number; known: number } | null = () => null,
) => {
  const street = await makeStreet('anna', 'bora', 'chen');
  const owner = isMember ? street.people[1] : await makePerson('mallory');
  if (!owner) throw new Error('nobody lives here');
  const at = await street.move(owner, place);
  const { bus, callFrom } = createTestBus({ [owner.device]: 'member', other: 'anchor' });
  const chat = createChat({
    bus,
    clock: at.clock,
    current: () => at.here,
    onChange: at.here.onChange,
    selfDevice: () => owner.device,
    fetching,
  });
  await chat.start();
  const send = (text: string, id = clientId(text)) =>
    bus.call(chatSend, { to: 'everyone' as const, text, clientId: id });
  const remove = (eventId: string) => bus.call(chatRemove, { eventId });
  const history = async (limit = 10) => {
    const { value } = await bus.stream(chatHistory, { thread: 'everyone' as const, limit }).next();
    if (!value || 'ok' in value) throw new Error('no snapshot');
    return value;
  };
  return { ...at, street, owner, bus, callFrom, send, remove, history };
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

  it('writes one event when the same tap comes twice at once, and tells both the same', async () => {
    const { send, log } = await house();
    const before = log.size;
    const [first, second] = await Promise.all([send('Hello'), send('Hello')]);
    expect(unwrap(first).output.eventId).toBe(unwrap(second).output.eventId);
    expect(log.size).toBe(before + 1);
  });

  it('tells both of two taps that there was no room, and takes the third', async () => {
    let isFull = false;
    const { send, history } = await house({ beforeCommit: () => (isFull ? 'quota-full' : null) });
    isFull = true;
    for (const refused of await Promise.all([send('Hello'), send('Hello')]))
      expect(refused).toMatchObject({ error: { code: 'quota_full' } });
    isFull = false;
    unwrap(await send('Hello'));
    expect((await history()).messages.map(({ text }) => text)).toEqual(['Hello']);
  });

  it('marks what comes from a clock that is more than five minutes ahead', async () => {
    const { history, log, street } = await house();
    const chen = street.people[2];
    if (!chen) throw new Error('nobody lives here');
    const say = async (seq: number, aheadMs: number) =>
      forgeEvent(
        chen.keys.signing,
        { community: street.community, seq, hlc: hlcFromMs(todayMs + aheadMs) },
        payloadOf('chat.message', { to: 'everyone', text: `${aheadMs}`, clientId: hashOf(`${seq}`).slice(0, 16) }),
      );
    // The clock of the street went on while its founder let people in.
    const events = [await say(0, 5 * 60_000), await say(1, 5 * 60_000 + 60_000)];
    unwrap(await log.receive(events, 'chen'));
    expect((await history()).messages.map(({ isTimeUnclear }) => isTimeUnclear)).toEqual([false, true]);
  });
});

describe('the first look after a start', () => {
  it('shows the newest words before the room has been read, and says exactly how many there are afterwards', async () => {
    const first = await house();
    for (const text of ['one', 'two', 'three']) unwrap(await first.send(text));
    const [message] = (await first.history()).messages;
    unwrap(await first.log.append('chat.message', { ...body('one'), text: 'one again' }));
    const { owner, street, disk, clock } = first;
    const { here } = await openNeighbourhood(owner, street.community, { disk, clock });
    const { bus } = createTestBus({ [owner.device]: 'member' });
    const chat = createChat({
      bus,
      clock,
      current: () => here,
      onChange: here.onChange,
      selfDevice: () => owner.device,
      fetching: () => null,
    });
    await chat.start();
    expect(message?.text).toBe('one');
    expect(here.isRoomRead()).toBe(false);
    const snapshots = bus.stream(chatHistory, { thread: 'everyone' as const, limit: 2 });
    const look = async () => {
      const { value } = await snapshots.next();
      if (!value || 'ok' in value) throw new Error('no snapshot');
      return { texts: value.messages.map(({ text }) => text), total: value.total };
    };
    expect(await look()).toEqual({ texts: ['two', 'three'], total: 4 });
    const next = look();
    clock.advance(10);
    expect(await next).toEqual({ texts: ['two', 'three'], total: 3 });
    expect(here.isRoomRead()).toBe(true);
  });
});

describe('a room into which much is coming', () => {
  it('is shown anew now and then and not at every piece, and once more when all is here', async () => {
    let progress: { held: number; known: number } | null = { held: 0, known: 100 };
    const { bus, log, clock } = await house({}, true, () => progress);
    const snapshots = bus.stream(chatHistory, { thread: 'everyone' as const, limit: 10 });
    const counts: number[] = [];
    const reading = (async () => {
      for await (const { messages, fetching } of snapshots) {
        counts.push(messages.length);
        if (fetching === null) return;
      }
    })();
    await new Promise((resolve) => setTimeout(resolve));
    for (let at = 0; at < 10; at++) unwrap(await say(log, `${at}`));
    await new Promise((resolve) => setTimeout(resolve));
    expect(counts.length).toBeLessThanOrEqual(3);
    progress = null;
    clock.advance(1_000);
    await reading;
    expect(counts.at(-1)).toBe(10);
  });
});

describe('removing a message for all', () => {
  it('leaves who removed it, and asking again changes nothing', async () => {
    const { send, remove, history, log } = await house();
    const { eventId } = unwrap(await send('Hello')).output;
    expect((await history()).messages).toMatchObject([{ canRemove: true, removed: null }]);
    unwrap(await remove(eventId));
    expect((await history()).messages).toMatchObject([
      { text: '', canRemove: false, removed: { name: 'bora', isSelf: true } },
    ]);
    const { size } = log;
    for (const again of await Promise.all([remove(eventId), remove(eventId)])) unwrap(again);
    expect(log.size).toBe(size);
  });

  it('is refused to a member for what somebody else has said, and to who is no member', async () => {
    const { remove, history, log, street, ...others } = await house();
    const { founder } = street;
    const said = unwrap(await say(founder.log, 'of Anna'));
    unwrap(await log.receive(everythingOf(founder.log), 'anna'));
    expect((await history()).messages).toMatchObject([{ name: 'anna', canRemove: false }]);
    const { size } = log;
    expect(await remove(said.event.id)).toMatchObject({ error: { code: 'forbidden', reason: 'not-yours' } });
    expect(await remove(bytesToText(hashOf('nothing')))).toMatchObject({ error: { code: 'not_found' } });
    expect(log.size).toBe(size);
    expect(await others.callFrom('other', chatRemove, { eventId: said.event.id })).toMatchObject({
      error: { reason: 'self-only' },
    });
    const stranger = await house({}, false);
    expect(await stranger.remove(said.event.id)).toMatchObject({ error: { reason: 'not-a-member' } });
  });

  it('takes what says the same once more along', async () => {
    const { remove, history, log, street, owner } = await house();
    const events = [0, 1].map((seq) =>
      forgeEvent(
        owner.keys.signing,
        { community: street.community, seq, hlc: hlcFromMs(todayMs) + seq },
        payloadOf('chat.message', { to: 'everyone', text: 'Twice', clientId: hashOf('tap').slice(0, 16) }),
      ),
    );
    unwrap(await log.receive(await Promise.all(events), 'disk of bora'));
    const [shown] = (await history()).messages;
    unwrap(await remove(shown?.eventId ?? ''));
    expect((await history()).messages.map(({ removed }) => removed?.name)).toEqual(['bora', 'bora']);
  });

  it('says so when there is no room for the removal, and the message stays', async () => {
    let isFull = false;
    const { send, remove, history } = await house({ beforeCommit: () => (isFull ? 'quota-full' : null) });
    const { eventId } = unwrap(await send('Hello')).output;
    isFull = true;
    expect(await remove(eventId)).toMatchObject({ error: { code: 'quota_full' } });
    expect((await history()).messages).toMatchObject([{ text: 'Hello', removed: null }]);
  });
});
